import type { EventAnswer } from '../http/contract/events.ts'

/** Events ready to be sent, each with the row that it came from. */
export type Batch = { number: number; lines: string[]; rows: { line: number }[]; lastItem: number }
export type Reject = { line: number; id: string | null; reason: string; errors?: EventAnswer['errors']; row?: string }
export type BatchAnswer = { accepted: number; duplicate: number; refused: number; rejects: Reject[] }

export type SendOptions = {
  url: string
  key: string | undefined
  fetch: typeof fetch
  wait: (ms: number) => Promise<void>
  /** How long one batch is tried again before the command gives up. */
  patienceMs: number
  onRetry: (why: string, waitMs: number) => void
}

/**
 * Sends one batch as NDJSON and answers what became of each event. Trouble that may pass (connection lost, 429, 5xx) is
 * tried again with a growing wait; sending twice is safe, since event ids say what is already there. Anything else throws.
 */
export async function sendBatch(batch: Batch, options: SendOptions): Promise<BatchAnswer> {
  let waitedMs = 0
  for (let attempt = 0; ; attempt++) {
    const trouble = await trySend(batch, options)
    if (!('retry' in trouble)) return trouble
    const waitMs = trouble.retryAfterMs ?? Math.min(10_000, 250 * 2 ** attempt)
    if (waitedMs + waitMs > options.patienceMs)
      throw new Error(
        `Cannot send events to ${options.url}: ${trouble.retry}. What was acknowledged is safe; run the same command again to go on.`,
      )
    options.onRetry(trouble.retry, waitMs)
    await options.wait(waitMs)
    waitedMs += waitMs
  }
}

async function trySend(
  batch: Batch,
  { url, key, fetch }: SendOptions,
): Promise<BatchAnswer | { retry: string; retryAfterMs?: number }> {
  let response: Response
  let text: string
  try {
    response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-ndjson',
        accept: 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: batch.lines.join('\n'),
    })
    text = await response.text()
  } catch (error) {
    const cause = (error as { cause?: { code?: string; message?: string } }).cause
    return { retry: `the server does not answer (${cause?.code ?? cause?.message ?? (error as Error).message})` }
  }
  if (response.status === 429 || response.status >= 500) {
    const after = Number(response.headers.get('retry-after'))
    return {
      retry: `the server answered ${response.status}`,
      ...(after > 0 ? { retryAfterMs: after * 1_000 } : {}),
    }
  }
  if (!response.ok) throw new Error(`The server refused the batch with ${response.status}: ${problemWords(text)}`)
  const answer = JSON.parse(text) as { accepted: number; duplicate: number; refused: number; results: EventAnswer[] }
  return {
    accepted: answer.accepted,
    duplicate: answer.duplicate,
    refused: answer.refused,
    rejects: answer.results
      .filter((result) => result.status === 'refused')
      .map((result) => ({
        // Answers to NDJSON count lines from 1.
        line: batch.rows[result.index - 1]?.line ?? 0,
        id: result.id,
        reason: result.reason ?? 'refused',
        ...(result.errors === undefined ? {} : { errors: result.errors }),
      })),
  }
}

function problemWords(text: string): string {
  try {
    const { title, detail } = JSON.parse(text) as { title?: string; detail?: string }
    return [title, detail].filter((part) => part !== undefined).join(': ')
  } catch {
    return text.slice(0, 200)
  }
}
