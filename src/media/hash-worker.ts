// The process that decodes. It holds no secrets and no connections, and may die of a hostile file.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { InputError } from '../domain/error.ts'
import type { PdqConvention } from '../kernels/pdq.ts'
import { mediaBytesMax, sniffMime } from './decode.ts'
import { hashImage } from './hash-image.ts'
import { sniffMedia } from './kinds.ts'
import type { HashedFile, WorkerAnswer, WorkerRequest } from './hash-pool.ts'
import { pixelsOf, previewImage, thumbnailOf } from './preview.ts'

sharp.concurrency(1)

async function hashFile(path: string, convention: PdqConvention): Promise<HashedFile> {
  const file = await open(path)
  const { size } = await file.stat().finally(() => file.close())
  const sha256 = createHash('sha256')
  const md5 = createHash('md5')
  const digested = (head: Uint8Array): HashedFile => {
    const media = sniffMedia(head)
    const digests = { bytes: size, sha256: sha256.digest('hex'), md5: md5.digest('hex') }
    if (media === undefined) return { ...digests, mime: sniffMime(head) }
    return { ...digests, mime: media.mime, kind: media.kind, ...(media.animated ? { animated: true } : {}) }
  }
  if (size > mediaBytesMax) {
    let head: Buffer | undefined
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      head ??= chunk
      sha256.update(chunk)
      md5.update(chunk)
    }
    const large = digested(head ?? Buffer.alloc(0))
    return large.kind === 'photo' ? { ...large, problem: `The image is larger than ${mediaBytesMax} bytes` } : large
  }
  const bytes = await readFile(path)
  sha256.update(bytes)
  md5.update(bytes)
  const digests = digested(bytes)
  if (digests.kind === 'video' || digests.kind === 'audio') return digests
  try {
    return { ...digests, image: await hashImage(bytes, { convention }) }
  } catch (error) {
    if (error instanceof InputError) return { ...digests, problem: error.message }
    throw error
  }
}

function work(request: WorkerRequest) {
  switch (request.op) {
    case 'hash':
      return hashImage(request.bytes, { derivatives: request.derivatives })
    case 'preview':
      return previewImage(request.bytes, request.variant)
    case 'file':
      return hashFile(request.path, request.convention)
    case 'pixels':
      return pixelsOf(request.bytes, request)
    case 'thumbnail':
      return readFile(request.path).then((bytes) => thumbnailOf(bytes, request.side))
  }
}

process.on('message', (request: WorkerRequest) => {
  work(request).then(
    (result) => process.send!({ id: request.id, ok: true, result } satisfies WorkerAnswer),
    (error: unknown) =>
      process.send!({
        id: request.id,
        ok: false,
        message: error instanceof Error ? error.message : String(error),
        ...(error instanceof InputError ? { problems: error.problems } : {}),
      } satisfies WorkerAnswer),
  )
})
// Ctrl-C reaches the whole process group; the program still needs its answers while it stops in order.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit(0))
