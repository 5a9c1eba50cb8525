/** What people of one language write. Templates hold `{slots}`; a slot may hold templates with slots in them. */
export type Words = {
  language: string
  /** Countries whose people write it here, with their offset from UTC in hours and a first byte of their addresses. */
  countries: readonly { code: string; offsetHours: number; net: number }[]
  given: readonly string[]
  family: readonly string[]
  /** Topics are what communities are about; each has its posts. */
  topics: Readonly<Record<string, readonly string[]>>
  replies: readonly string[]
  /** Heated, one against the other's opinion, within the rules of any decent forum. */
  quarrels: readonly string[]
  messages: readonly string[]
  /** Headlines that many people share word by word on the same day. */
  news: readonly string[]
  /** Directed at a person, meant to drive them away. */
  harassment: readonly string[]
  /** Scams by kind; `{link}` is filled by the ring. */
  scams: Readonly<Record<ScamKind, readonly string[]>>
  spam: readonly string[]
  slots: Readonly<Record<string, readonly string[]>>
}

export const scamKinds = ['investment', 'parcel', 'job', 'romance', 'giveaway'] as const
export type ScamKind = (typeof scamKinds)[number]
