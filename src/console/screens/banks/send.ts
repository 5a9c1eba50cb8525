import { makeImport, type BankImport } from '../../../http/contract/bank-imports.ts'
import { makeUpload, type Upload } from '../../../http/contract/match.ts'
import type { Problem } from '../../../http/contract/route.ts'
import { ApiError } from '../../../http/client.ts'
import { client } from '../../api.ts'

/** Sends a file as it is, and answers its id, size and hashes. */
export async function sendMedia(file: Blob, signal?: AbortSignal): Promise<Upload> {
  const response = await fetch(client.url(makeUpload, {}), {
    method: 'POST',
    body: file,
    headers: { 'content-type': file.type || 'application/octet-stream' },
    signal: signal ?? null,
  })
  const body: unknown = await response.json()
  if (!response.ok) throw new ApiError(response.status, body as Problem)
  return body as Upload
}

/** Sends a list of entries and says how much of it has left; answers once all of it is kept there. */
export function sendImport(
  bankId: string,
  body: Blob,
  query: { name?: string; labels?: string; source?: string; draft?: boolean },
  { format, onSent, signal }: { format: 'ndjson' | 'csv'; onSent: (share: number) => void; signal: AbortSignal },
): Promise<BankImport> {
  return new Promise((done, failed) => {
    // Only this one tells how much of a body has left.
    const request = new XMLHttpRequest()
    request.open('POST', client.url(makeImport, { params: { bankId }, query }))
    request.setRequestHeader('content-type', format === 'csv' ? 'text/csv' : 'application/x-ndjson')
    request.setRequestHeader('accept', 'application/json')
    request.upload.addEventListener('progress', ({ loaded, total }) => onSent(total === 0 ? 0 : loaded / total))
    request.addEventListener('error', () => failed(new TypeError('the connection broke off')))
    request.addEventListener('abort', () => failed(new DOMException('stopped', 'AbortError')))
    request.addEventListener('load', () => {
      let answer: unknown
      try {
        answer = JSON.parse(request.responseText)
      } catch {
        return failed(new Error('the answer cannot be read'))
      }
      if (request.status >= 200 && request.status < 300) done(answer as BankImport)
      else failed(new ApiError(request.status, answer as Problem))
    })
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(body)
  })
}

/** CSV by its name or its type, else NDJSON. */
export function formatOf(file: File): 'ndjson' | 'csv' {
  return /\.(csv|tsv|txt)$/i.test(file.name) || file.type === 'text/csv' ? 'csv' : 'ndjson'
}
