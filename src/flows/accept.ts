import { InputError, type FieldProblem } from '../domain/error.ts'
import { parseEvent, type Event, type EventMedia, type ParsedEvent } from '../domain/event.ts'
import type { Clock } from '../domain/ids.ts'
import type { NewStreamEvent, Stream } from '../streams/stream.ts'

/** What the platform is told about one event. */
export type Acceptance = {
  index: number
  id: string | null
  status: 'accepted' | 'duplicate' | 'refused'
  reason?: string
  errors?: FieldProblem[]
}

export type EventSettings = { acceptUnknownTypes: boolean; declaredTypes: ReadonlySet<string> }

export type AcceptDeps = {
  stream: Stream
  clock: Clock
  settings: (tenantId: string) => EventSettings
  /** Keeps bytes that came inside an event; durable when it resolves; refuses what is no known picture. */
  storeMedia: (tenantId: string, bytes: Uint8Array) => Promise<{ sha256: string }>
}

/** An input with its place: index in an array, or line of NDJSON. `problem` when it could not even be read. */
export type Incoming = { index: number; value?: unknown; problem?: string }

/**
 * Takes events from outside: checks each, keeps media bytes, and appends what is good to the stream. Resolves when all
 * that is answered as accepted is durable. A bad event never holds up the others.
 */
export async function acceptEvents(
  deps: AcceptDeps,
  tenantId: string,
  incoming: readonly Incoming[],
): Promise<Acceptance[]> {
  const options = { nowMs: deps.clock(), ...deps.settings(tenantId) }
  const answers: Acceptance[] = Array.from({ length: incoming.length })
  const ready: NewStreamEvent[] = []
  const places: number[] = []
  for (const [place, one] of incoming.entries()) {
    const given = (one.value as { id?: unknown } | null | undefined)?.id
    const id = typeof given === 'string' ? given.slice(0, 256) : null
    if (one.problem !== undefined) {
      answers[place] = { index: one.index, id, status: 'refused', reason: one.problem }
      continue
    }
    try {
      const parsed = parseEvent(one.value, options)
      const event = hasBytes(parsed.event) ? await keepBytes(deps, tenantId, parsed) : parsed.event
      ready.push({ tenantId, event, occurredAtMs: parsed.occurredAtMs, late: parsed.late })
      places.push(place)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      answers[place] = { index: one.index, id, status: 'refused', reason: error.message, errors: error.problems }
    }
  }
  const appended = await deps.stream.append(ready)
  appended.forEach((result, index) => {
    const place = places[index]!
    const id = ready[index]!.event.id
    answers[place] =
      result.status === 'conflict'
        ? {
            index: incoming[place]!.index,
            id,
            status: 'refused',
            reason: `Another event with the id "${id}" and other content is already here`,
            errors: [{ field: 'id', problem: 'is taken by an event with other content', value: id }],
          }
        : { index: incoming[place]!.index, id, status: result.status }
  })
  return answers
}

function hasBytes(event: Event): boolean {
  return event.item?.media?.some((media) => media.bytes !== undefined) ?? false
}

async function keepBytes(deps: AcceptDeps, tenantId: string, { event }: ParsedEvent): Promise<Event> {
  const media: EventMedia[] = []
  for (const [index, one] of event.item!.media!.entries()) {
    if (one.bytes === undefined) {
      media.push(one)
      continue
    }
    const { bytes, ...rest } = one
    try {
      const { sha256 } = await deps.storeMedia(tenantId, Buffer.from(bytes, 'base64'))
      media.push({ ...rest, upload: sha256 })
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      throw new InputError(
        `item.media[${index}].bytes: ${error.message}`,
        error.problems.map((problem) => ({ ...problem, field: `item.media[${index}].bytes` })),
      )
    }
  }
  return { ...event, item: { ...event.item!, media } }
}
