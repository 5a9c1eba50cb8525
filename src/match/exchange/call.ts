/** One request to somebody else, and the answer as it streams in. Rejects when no answer comes; never redirects. */
export type CallRequest = {
  method: 'GET' | 'POST' | 'PUT'
  url: string
  headers?: Record<string, string>
  body?: string
}
export type CallAnswer = {
  status: number
  header: (name: string) => string | null
  body: AsyncIterable<Uint8Array>
  /** Gives up the rest of the body. */
  drop: () => void
}
export type Call = (request: CallRequest) => Promise<CallAnswer>

/** Why the other side could not be read or told something, in words that people read. */
export class ExchangeError extends Error {
  override name = 'ExchangeError'
  readonly reason:
    | 'credentials'
    | 'refused'
    | 'busy'
    | 'unreachable'
    | 'unreadable'
    | 'too-large'
    | 'stopping'
    | 'quota'
  /** The other side asks not to be asked again before this much time has passed. */
  readonly retryAfterMs: number | undefined
  constructor(reason: ExchangeError['reason'], message: string, retryAfterMs?: number) {
    super(message)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** A page of an exchange has a thousand records; this is room for the longest of them. */
export const answerBytesMax = 64 * 1024 * 1024
const retryAfterMsMax = 86_400_000

/** Seconds, or a date (RFC 9110, section 10.2.3), as milliseconds from now. */
export function retryAfterMsOf(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  const waitMs = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), retryAfterMsMax) : undefined
}

/** Asks and answers the body as it streams; an ExchangeError that says what the other side said unless it is a success. */
export async function ask(call: Call, request: CallRequest, nowMs: number): Promise<CallAnswer> {
  const where = new URL(request.url).host
  let answer: CallAnswer
  try {
    answer = await call(request)
  } catch (error) {
    if (error instanceof ExchangeError) throw error
    throw new ExchangeError('unreachable', `${where} cannot be reached: ${(error as Error).message.slice(0, 300)}`)
  }
  const { status } = answer
  if ((status >= 200 && status < 300) || status === 304) return answer
  const said = await excerptOf(answer)
  const retryAfterMs = retryAfterMsOf(answer.header('retry-after'), nowMs)
  if (status === 401 || status === 403)
    throw new ExchangeError('credentials', `${where} does not accept the credentials (${status})${said}`)
  if (status === 429) throw new ExchangeError('busy', `${where} asks for fewer requests (429)${said}`, retryAfterMs)
  if (status >= 500) throw new ExchangeError('busy', `${where} is in trouble (${status})${said}`, retryAfterMs)
  if (status >= 300 && status < 400)
    throw new ExchangeError('refused', `${where} redirects elsewhere (${status}); redirects are not followed`)
  throw new ExchangeError('refused', `${where} refuses the request (${status})${said}`, retryAfterMs)
}

/** The whole body as text, up to the limit. */
export async function textOf(answer: CallAnswer, where: string, bytesMax = answerBytesMax): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of answer.body) {
      length += chunk.length
      if (length > bytesMax) {
        answer.drop()
        throw new ExchangeError('too-large', `${where} answers with more than ${bytesMax} bytes`)
      }
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof ExchangeError) throw error
    throw new ExchangeError(
      'unreachable',
      `${where} broke off in the middle: ${(error as Error).message.slice(0, 300)}`,
    )
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Asks for JSON. */
export async function askJson(call: Call, request: CallRequest, nowMs: number): Promise<Record<string, unknown>> {
  const where = new URL(request.url).host
  const text = await textOf(await ask(call, request, nowMs), where)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new ExchangeError(
      'unreadable',
      `${where} answers with something that is not JSON: ${(error as Error).message}`,
    )
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
  throw new ExchangeError('unreadable', `${where} answers with JSON that is not an object`)
}

/** An address that the other side named, unless it leads elsewhere: credentials must not be carried there. */
export function sameOrigin(url: string, base: string): string {
  if (!URL.canParse(url, base)) throw new ExchangeError('unreadable', 'The next page has no readable address')
  const next = new URL(url, base)
  if (next.origin === new URL(base).origin) return next.href
  throw new ExchangeError(
    'unreadable',
    `The next page is said to be at ${next.host}, which is somebody else; not followed`,
  )
}

async function excerptOf(answer: CallAnswer): Promise<string> {
  let text = ''
  try {
    for await (const chunk of answer.body) {
      text += Buffer.from(chunk).toString('utf8')
      if (text.length > 400) break
    }
  } catch {
    // What went wrong is known already; this would only have said it nicer.
  }
  answer.drop()
  const plain = text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 200)
  return plain === '' ? '' : `: ${plain}`
}
