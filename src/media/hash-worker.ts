// The process that decodes. It holds no secrets and no connections, and may die of a hostile file.
import sharp from 'sharp'
import { InputError } from '../domain/error.ts'
import { pdqDihedral, pdqStages, pdqToHex, dihedrals, pdqWords } from '../kernels/pdq.ts'
import { decodeImage } from './decode.ts'
import { derivativesOf } from './derivatives.ts'
import type { HashedImage, WorkerAnswer, WorkerRequest } from './hash-pool.ts'
import { pixelsOf, previewImage } from './preview.ts'

sharp.concurrency(1)

async function hashImage(bytes: Uint8Array, derivatives: boolean): Promise<HashedImage> {
  const { mime, width, height, rgb } = await decodeImage(bytes)
  const stages = pdqStages(rgb, width, height)
  if (stages === undefined) return { mime, width, height }
  const words = pdqDihedral(stages)
  const dihedral = dihedrals.map((_, index) => pdqToHex(words, index * pdqWords))
  const pdq = { hash: dihedral[0]!, quality: stages.quality, dihedral }
  return { mime, width, height, pdq, ...(derivatives ? derivativesOf({ rgb, width, height }, stages) : {}) }
}

async function answerTo(request: WorkerRequest): Promise<HashedImage | Uint8Array> {
  if (request.op === 'hash') return hashImage(request.bytes, request.derivatives)
  if (request.op === 'pixels') return pixelsOf(request.bytes, request)
  return previewImage(request.bytes, request.variant)
}

process.on('message', (request: WorkerRequest) => {
  answerTo(request).then(
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
