import type { Signal } from '../../../domain/signal.ts'
import type { StoredEventView } from '../../../http/contract/events.ts'

/** The events on the screen, newest first, and those that came while the reader was in the list. */
export type Tail = { shown: StoredEventView[]; waiting: StoredEventView[]; olderNext: string | null | undefined }

export const emptyTail: Tail = { shown: [], waiting: [], olderNext: undefined }
/** The list keeps at most this many rows; older ones come back by scrolling. */
export const shownMax = 100_000

/** Takes a newest-first page in: new rows wait while the list is held, else they are shown on top. */
export function takeNewest(tail: Tail, page: { items: StoredEventView[]; next: string | null }, held: boolean): Tail {
  if (tail.shown.length === 0) return { shown: page.items, waiting: [], olderNext: page.next }
  const known = new Set<string>()
  for (const row of tail.waiting) known.add(row.event.id)
  for (const row of tail.shown.slice(0, 5_000)) known.add(row.event.id)
  const fresh = page.items.filter((row) => !known.has(row.event.id))
  if (fresh.length === 0) return tail
  return held
    ? { ...tail, waiting: [...fresh, ...tail.waiting] }
    : { ...tail, shown: [...fresh, ...tail.waiting, ...tail.shown].slice(0, shownMax), waiting: [] }
}

export function takeOlder(tail: Tail, page: { items: StoredEventView[]; next: string | null }): Tail {
  const known = new Set(tail.shown.map((row) => row.event.id))
  return {
    ...tail,
    shown: [...tail.shown, ...page.items.filter((row) => !known.has(row.event.id))].slice(0, shownMax),
    olderNext: page.next,
  }
}

export function releaseWaiting(tail: Tail): Tail {
  return tail.waiting.length === 0
    ? tail
    : { ...tail, shown: [...tail.waiting, ...tail.shown].slice(0, shownMax), waiting: [] }
}

/** What an event says in one line: its text, else what it is about. */
export function eventLine(event: StoredEventView['event']): string {
  const text = event.item?.text?.replaceAll(/\s+/g, ' ').trim()
  if (text) return text.slice(0, 300)
  const media = event.item?.media?.length ?? 0
  if (media > 0) return `${media} ${media === 1 ? 'attachment' : 'attachments'}`
  if (event.targets && event.targets.length > 0)
    return `to ${event.targets
      .slice(0, 3)
      .map((target) => target.id)
      .join(', ')}${event.targets.length > 3 ? ` and ${event.targets.length - 3} more` : ''}`
  if (event.item !== undefined) return event.item.id
  return event.thread?.id ?? ''
}

/** All signals of the recorded entries, flat. */
export function signalsOf(entries: { kind: string; body: unknown }[]): Signal[] {
  return entries
    .filter((entry) => entry.kind === 'signal.recorded')
    .flatMap((entry) => (entry.body as { signals?: Signal[] }).signals ?? [])
}
