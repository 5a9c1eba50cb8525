import { listPeople } from '../../http/contract/access.ts'
import { useRead } from '../api.ts'
import { useSession } from './session.tsx'

/** What a member of the staff is called, for those who may know; else the beginning of the id. */
export function useStaffName(personId: string): string {
  const { person, scopes } = useSession()
  const people = useRead(
    listPeople,
    { query: { limit: 1_000 } },
    { enabled: scopes.includes('people:read'), staleMs: 300_000 },
  )
  if (personId === person.id) return `${person.name} (you)`
  return people.data?.items.find((each) => each.id === personId)?.name ?? shortId(personId)
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** An id as its beginning: enough to tell it from others on the same screen. */
export function shortId(id: string): string {
  return id.replace(uuid, (found) => `${found.slice(0, 8)}…${found.slice(-4)}`)
}

// As machines write a time, and as the sentences of the server do.
const times = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z|\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2} UTC/g

/** Makes a text of the server readable: ids of staff become their names, other ids short, times those of the reader. */
export function useNamed(): (text: string) => string {
  const { scopes } = useSession()
  const people = useRead(
    listPeople,
    { query: { limit: 1_000 } },
    { enabled: scopes.includes('people:read'), staleMs: 300_000 },
  )
  const names = new Map(people.data?.items.map((each) => [each.id, each.name]))
  return (text) =>
    text
      .replace(uuid, (found) => names.get(found) ?? shortId(found))
      .replace(times, (found) =>
        new Date(found).toLocaleString(undefined, {
          day: 'numeric',
          month: 'short',
          hour: '2-digit',
          minute: '2-digit',
          hour12: false,
        }),
      )
}

/** With a capital first letter. */
export function capital(text: string): string {
  return text.replace(/^[a-z]/, (first) => first.toUpperCase())
}
