import type { FastifyRequest } from 'fastify'
import { InputError } from '../../domain/error.ts'
import { anyMediaBytesMax, kindBytesMax, sniffMedia } from '../../media/kinds.ts'
import { uploadBodyBytesMax } from '../contract/match.ts'
import { bodyTooLarge, problem } from '../problem.ts'

const drainedBytesMax = 2 * uploadBodyBytesMax
const filesMax = 20
const typeOf = (request: FastifyRequest) => request.headers['content-type'] ?? ''

/** Whether the body is a multipart form. */
export const isForm = (request: FastifyRequest): boolean => /^multipart\/form-data\b/i.test(typeOf(request))

/** The medium in a request: the body itself, or the first file of a multipart form. */
export async function fileOf(request: FastifyRequest): Promise<Uint8Array> {
  if (/^application\/json\b/i.test(typeOf(request)))
    throw problem(
      415,
      'A file is needed',
      'Send the bytes of the photo, video or sound as the body, or as a file of a multipart form.',
    )
  if (!isForm(request)) return sizeChecked(await bytesOf(request))
  const { files } = await filesOf(request)
  if (files[0] === undefined) throw new InputError('The form has no file', [{ field: 'file', problem: 'is required' }])
  return files[0]
}

/** The files of a multipart form, in order, with the names of their fields, and its other fields. */
export async function filesOf(
  request: FastifyRequest,
): Promise<{ files: Uint8Array[]; names: string[]; fields: ReadonlyMap<string, string> }> {
  let form: FormData
  try {
    const body = (await bytesOf(request)) as Uint8Array<ArrayBuffer>
    form = await new Response(body, { headers: { 'content-type': typeOf(request) } }).formData()
  } catch (error) {
    if (error instanceof TypeError) throw problem(400, 'The form cannot be read', error.message)
    throw error
  }
  const files: Uint8Array[] = []
  const names: string[] = []
  const fields = new Map<string, string>()
  for (const [name, value] of form)
    if (typeof value === 'string') fields.set(name, value)
    else {
      files.push(sizeChecked(new Uint8Array(await value.arrayBuffer())))
      names.push(name)
    }
  if (files.length > filesMax)
    throw new InputError(`The form has ${files.length} files`, [
      { field: 'file', problem: `is there ${files.length} times`, limit: filesMax },
    ])
  return { files, names, fields }
}

async function bytesOf(request: FastifyRequest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const tooLarge = () => bodyTooLarge(anyMediaBytesMax)
  if (Number(request.headers['content-length']) > drainedBytesMax) throw tooLarge()
  for await (const chunk of request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length <= uploadBodyBytesMax) chunks.push(chunk)
    // Somewhat too much is read to its end and dropped: a sender that is cut off never sees why.
    else if (length > drainedBytesMax) throw tooLarge()
  }
  if (length > uploadBodyBytesMax) throw tooLarge()
  return Buffer.concat(chunks)
}

function sizeChecked(bytes: Uint8Array): Uint8Array {
  const bytesMax = kindBytesMax[sniffMedia(bytes)?.kind ?? 'photo']
  if (bytes.length > bytesMax) throw bodyTooLarge(bytesMax)
  return bytes
}
