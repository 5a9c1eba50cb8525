import { InputError, quote } from '../../domain/error.ts'
import type { Auth } from '../auth.ts'
import { liveTopics, liveTopicScopes, streamLive, type LiveTopic } from '../contract/live.ts'
import type { Hub } from '../live.ts'
import { problem } from '../problem.ts'
import type { Mount } from '../server.ts'

/** Connections that one installation keeps open at most. */
const clientsMax = 1_000

/** What changes, as server-sent events for the screens of signed-in people. */
export function liveRoutes(mount: Mount, deps: { hub: Hub; auth: Pick<Auth, 'stillSignedIn'> }): void {
  mount(streamLive, async ({ query, principal, request, reply }) => {
    const asked = [...new Set(query.topics.split(',').map((topic) => topic.trim()))]
    const unknown = asked.filter((topic) => !(liveTopics as readonly string[]).includes(topic))
    if (unknown.length > 0)
      throw new InputError('Unknown topic', [
        { field: 'topics', problem: `must be some of ${liveTopics.join(', ')}`, value: quote(unknown[0]) },
      ])
    const topics = new Set(asked as LiveTopic[])
    for (const topic of topics)
      if (!principal.scopes.has(liveTopicScopes[topic]))
        throw problem(403, 'Not allowed', `The topic "${topic}" needs the scope "${liveTopicScopes[topic]}".`)
    if (deps.hub.clients() >= clientsMax)
      throw problem(503, 'Too many live connections', `At most ${clientsMax} at once. The screen works without.`)

    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    const lastEventId = request.headers['last-event-id']
    const leave = deps.hub.join(
      {
        tenantId: principal.tenantId,
        topics,
        write: (text) => {
          if (!raw.destroyed) raw.write(text)
          return raw.writableLength
        },
        end: () => raw.destroy(),
        allowed: () => deps.auth.stillSignedIn(request),
      },
      typeof lastEventId === 'string' ? lastEventId : undefined,
    )
    raw.on('close', leave)
    raw.on('error', leave)
    return reply
  })
}
