import type { Outcome } from '../../domain/error.ts'
import type { Call, CallRequest } from './call.ts'
import type { Credentials, SentOpinion, Settings } from './exchange.ts'

/** One record as the other side gives it, in our words. */
export type UpstreamRecord = {
  /** Names the record on the other side, for good. */
  externalId: string
  /** Withdrawn or deleted there. */
  deleted: boolean
  /** Hashes, texts and addresses by signal type; a type that nothing here knows is counted as unsupported. */
  signals: { type: string; value: string }[]
  owner?: { id: string; name?: string }
  tags: string[]
  /** 1 to 4. */
  severity?: number
  quality?: number
  /** Why it must not come in although it is not deleted: everybody there says that it is harmless. */
  refused?: string
  /** What the other side needs to recognise it in feedback. */
  ref: Record<string, unknown>
}

export type Page = {
  records: UpstreamRecord[]
  /** Where the next run goes on once this page is kept; plain JSON without secrets. */
  cursor: unknown
  /** Records that are still to come, where the other side tells. */
  estimate?: number
  /** Said to people: rows that cannot be read and the like. */
  notes?: string[]
  /**
   * Set where all that there is comes again, page by page: `start` on the first page, `end` on the last (both on the
   * only one). What such a list does not name is withdrawn at its end.
   */
  snapshot?: { start: boolean; end: boolean }
}

export type FetchContext = {
  call: Call
  settings: Settings
  credentials: Credentials
  /** That of the last page kept; undefined at first. */
  cursor: unknown
  nowMs: () => number
  /** A file that was uploaded, where the kind takes one. */
  upload?: AsyncIterable<Uint8Array>
}

export type FeedbackItem = {
  opinion: SentOpinion
  because: string
  ref: Record<string, unknown>
  /** Of the entry here. */
  signals: Record<string, string>
}
export type SendContext = Omit<FetchContext, 'cursor' | 'upload'>

/** How one kind of exchange is read and told things. */
export type Connector = {
  /** Pages from the cursor on, until there is nothing new. Throws an ExchangeError that says what is wrong. */
  pages: (context: FetchContext) => AsyncGenerator<Page>
  /** How far a cursor reaches, in words. */
  readUntil: (cursor: unknown) => string | null
  /** What would be sent, without credentials. Missing where nothing is taken back. */
  requestOf?: (settings: Settings, item: FeedbackItem, nowMs: number) => Outcome<{ request: CallRequest }, 'not-taken'>
  /** Sends it. Throws an ExchangeError for what the other side does not take. */
  send?: (context: SendContext, item: FeedbackItem) => Promise<void>
}

/** Milliseconds of a day, as an ISO text to the second: how exchanges write times. */
export const isoSecond = (seconds: number) => new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')

export const isBag = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const textIn = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
export const listIn = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
