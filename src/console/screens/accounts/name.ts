import type { StoredEventView } from '../../../http/contract/events.ts'
import { listEvents } from '../../../http/contract/events.ts'
import { usePages, type Pages } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import type { SubjectRef } from '../../../domain/subject.ts'

const about = { actor: 'actorId', item: 'itemId', thread: 'threadId' } as const

/** The events of a subject, newest first. Asked once however many parts of a screen read them. */
export function useEventsAbout({ kind, id }: SubjectRef): Pages<StoredEventView> {
  const may = useMay('events:read')
  return usePages(listEvents, { query: { [about[kind]]: id } }, { enabled: may, limit: 100, everyMs: 10_000 })
}

export type ActorNames = { name?: string; handle?: string }

/** What an account is called by the attributes that its platform sent. */
export function namesOf(attributes: Record<string, unknown> | undefined): ActorNames {
  const textOf = (...keys: string[]) =>
    keys.map((key) => attributes?.[key]).find((value): value is string => typeof value === 'string' && value !== '')
  const name = textOf('displayName', 'name')
  const handle = textOf('handle', 'username')?.replace(/^@/, '')
  return { ...(name === undefined ? {} : { name }), ...(handle === undefined ? {} : { handle }) }
}

/** What an account is called by the newest of its events that says so. */
export function namesFrom(events: readonly StoredEventView[], actorId: string): ActorNames {
  for (const { event } of events) {
    if (event.actor.id !== actorId) continue
    const names = namesOf(event.actor.attributes)
    if (names.name !== undefined || names.handle !== undefined) return names
  }
  return {}
}

/** The name or, without one, the handle; for chips. */
export function chipName(attributes: Record<string, unknown> | undefined): string | undefined {
  const { name, handle } = namesOf(attributes)
  return name ?? (handle === undefined ? undefined : `@${handle}`)
}
