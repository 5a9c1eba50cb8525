import type { LiveTopic } from './contract/live.ts'

export type LiveMessage = { id: number; topic: LiveTopic; text: string }
export type LiveClient = {
  tenantId: string
  topics: ReadonlySet<LiveTopic>
  /** Hands text to the client's connection; answers how many bytes wait there unsent. */
  write: (text: string) => number
  /** Ends the connection: too slow, signed out, or the program stops. */
  end: () => void
  /** Whether whoever listens still may; asked with every heartbeat. */
  allowed: () => Promise<boolean>
}
export type Hub = {
  /** Tells all who listen to a topic of a tenant. Cheap when nobody does. */
  publish: (topic: LiveTopic, tenantId: string, data: Record<string, unknown>) => void
  /** Adds a client, resuming after `lastEventId` when what it missed is still held. Answers how to remove it. */
  join: (client: LiveClient, lastEventId?: string) => () => void
  clients: () => number
  /** Keeps connections open and sends what was held back; call about every second. */
  tick: () => void
  close: () => void
}

/** Messages kept per tenant for clients that come back after a break. */
const ringMax = 1_000
/** A client with more than this unsent does not keep up and is dropped; its browser comes back and resumes. */
const unsentBytesMax = 256 * 1024
/** More messages a second than this on one topic help no screen; the rest is counted. */
const perSecondMax = 50
const heartbeatMs = 15_000

/**
 * Live messages inside one process. Each has an id that says which run of the program sent it and where in its order; who
 * comes back with an id that is no longer held is told to load again.
 */
export function createHub({ clock, runId }: { clock: () => number; runId: string }): Hub {
  type Tenant = {
    ring: LiveMessage[]
    clients: Set<LiveClient>
    skipped: Map<LiveTopic, number>
    paced: Map<LiveTopic, { atMs: number; sent: number }>
  }
  const tenants = new Map<string, Tenant>()
  let sequence = 0
  let heartbeatAtMs = clock()

  const tenantOf = (id: string): Tenant => {
    let tenant = tenants.get(id)
    if (tenant === undefined) {
      tenant = { ring: [], clients: new Set(), skipped: new Map(), paced: new Map() }
      tenants.set(id, tenant)
    }
    return tenant
  }
  const drop = (client: LiveClient) => {
    tenants.get(client.tenantId)?.clients.delete(client)
    client.end()
  }
  const send = (client: LiveClient, text: string) => {
    if (client.write(text) > unsentBytesMax) drop(client)
  }
  const frame = ({ id, topic, text }: LiveMessage) => `id: ${runId}-${id}\nevent: ${topic}\ndata: ${text}\n\n`
  const emit = (tenant: Tenant, topic: LiveTopic, data: Record<string, unknown>) => {
    const message = { id: ++sequence, topic, text: JSON.stringify(data) }
    tenant.ring.push(message)
    if (tenant.ring.length > 2 * ringMax) tenant.ring.splice(0, ringMax)
    for (const client of tenant.clients) if (client.topics.has(topic)) send(client, frame(message))
  }

  return {
    publish(topic, tenantId, data) {
      const tenant = tenantOf(tenantId)
      const nowMs = clock()
      let pace = tenant.paced.get(topic)
      if (pace === undefined || nowMs - pace.atMs >= 1_000) {
        pace = { atMs: nowMs, sent: 0 }
        tenant.paced.set(topic, pace)
      }
      if (++pace.sent > perSecondMax) {
        tenant.skipped.set(topic, (tenant.skipped.get(topic) ?? 0) + 1)
        return
      }
      const skipped = tenant.skipped.get(topic)
      tenant.skipped.delete(topic)
      emit(tenant, topic, skipped === undefined ? data : { ...data, skipped })
    },
    join(client, lastEventId) {
      const tenant = tenantOf(client.tenantId)
      client.write('retry: 2000\n\n')
      if (lastEventId !== undefined) {
        const [, run, id] = /^(.+)-(\d{1,15})$/.exec(lastEventId) ?? []
        const oldest = tenant.ring[0]?.id
        const known =
          run === runId &&
          id !== undefined &&
          (Number(id) >= sequence || (oldest !== undefined && Number(id) >= oldest - 1))
        if (!known) client.write('event: reset\ndata: {}\n\n')
        else
          for (const message of tenant.ring)
            if (message.id > Number(id) && client.topics.has(message.topic)) client.write(frame(message))
      }
      // An id at once, so that a break before the first message can be resumed too.
      client.write(`id: ${runId}-${sequence}\nevent: ready\ndata: {}\n\n`)
      tenant.clients.add(client)
      return () => void tenant.clients.delete(client)
    },
    clients: () => [...tenants.values()].reduce((sum, tenant) => sum + tenant.clients.size, 0),
    tick() {
      const nowMs = clock()
      for (const tenant of tenants.values()) {
        for (const [topic, skipped] of tenant.skipped) {
          if (nowMs - tenant.paced.get(topic)!.atMs < 1_000) continue
          tenant.skipped.delete(topic)
          emit(tenant, topic, { skipped })
        }
      }
      if (nowMs - heartbeatAtMs < heartbeatMs) return
      heartbeatAtMs = nowMs
      for (const tenant of tenants.values())
        for (const client of tenant.clients) {
          send(client, ': still here\n\n')
          client.allowed().then(
            (allowed) => void (allowed || drop(client)),
            // Not knowing (the database is away) is no reason to cut everyone off.
            () => {},
          )
        }
    },
    close() {
      for (const tenant of tenants.values()) for (const client of tenant.clients) drop(client)
    },
  }
}
