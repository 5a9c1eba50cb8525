import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { accessServer, type AccessServer } from '../../test/server.ts'
import { sessionCookie } from './auth.ts'
import * as contract from './contract/access.ts'
import { createHub, type LiveClient } from './live.ts'

let server: AccessServer
before(async () => {
  server = await accessServer()
})

type Frame = { id?: string; event?: string; data?: string }
async function listen(cookie: string, topics: string, lastEventId?: string) {
  const abort = new AbortController()
  const response = await fetch(`${server.baseUrl}/v1/live?topics=${topics}`, {
    signal: abort.signal,
    headers: {
      cookie: `${sessionCookie}=${cookie}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  })
  const frames: Frame[] = []
  const state = { ended: false }
  if (response.status === 200)
    void (async () => {
      let rest = ''
      try {
        for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
          const parts = (rest + chunk).split('\n\n')
          rest = parts.pop()!
          for (const part of parts)
            frames.push(Object.fromEntries(part.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2))) as Frame)
        }
      } catch {
        // The connection was cut, which is what some of these tests are about.
      }
      state.ended = true
    })()
  return { response, frames, state, stop: () => abort.abort() }
}
const until = async (what: () => boolean, words: string) => {
  for (let tries = 0; tries < 200; tries++) {
    if (what()) return
    await new Promise((done) => setTimeout(done, 10))
  }
  assert.fail(`did not happen: ${words}`)
}
const dataOf = (frames: Frame[], topic: string) =>
  frames.filter(({ event }) => event === topic).map(({ data }) => JSON.parse(data!) as Record<string, unknown>)

test('messages reach who asked for the topic in the same tenant, and nobody else', async () => {
  const here = await server.person(['viewer'])
  const there = await server.person(['viewer'], 'other')
  const [a, b, c] = await Promise.all([
    listen(here.cookie, 'decisions,jobs'),
    listen(here.cookie, 'rules'),
    listen(there.cookie, 'decisions'),
  ])
  assert.match(a.response.headers.get('content-type')!, /text\/event-stream/)
  await until(() => [a, b, c].every(({ frames }) => frames.some(({ event }) => event === 'ready')), 'ready')
  server.hub.publish('decisions', 'default', { id: 'd1', text: 'line\nbreak' })
  await until(() => dataOf(a.frames, 'decisions').length === 1, 'a message')
  assert.deepEqual(dataOf(a.frames, 'decisions'), [{ id: 'd1', text: 'line\nbreak' }])
  server.hub.publish('rules', 'default', { id: 'r1' })
  await until(() => dataOf(b.frames, 'rules').length === 1, 'the other topic')
  assert.deepEqual([dataOf(b.frames, 'decisions'), dataOf(c.frames, 'decisions')], [[], []])
  for (const one of [a, b, c]) one.stop()
  await until(() => server.hub.clients() === 0, 'everybody left')
})

test('after a break nothing is missed or doubled; after too long the screen is told to load again', async () => {
  const person = await server.person(['viewer'])
  const first = await listen(person.cookie, 'jobs')
  await until(() => first.frames.some(({ event }) => event === 'ready'), 'ready')
  server.hub.publish('jobs', 'default', { n: 1 })
  await until(() => dataOf(first.frames, 'jobs').length === 1, 'first')
  first.stop()
  const lastId = first.frames.at(-1)!.id!
  server.hub.publish('jobs', 'default', { n: 2 })
  server.hub.publish('rules', 'default', { n: 2.5 })
  server.hub.publish('jobs', 'default', { n: 3 })
  const again = await listen(person.cookie, 'jobs', lastId)
  await until(() => again.frames.some(({ event }) => event === 'ready'), 'back')
  assert.deepEqual(dataOf(again.frames, 'jobs'), [{ n: 2 }, { n: 3 }])
  again.stop()
  const stranger = await listen(person.cookie, 'jobs', 'earlier-run-5')
  await until(() => stranger.frames.some(({ event }) => event === 'ready'), 'back after a restart')
  assert.deepEqual(stranger.frames.map(({ event }) => event).filter(Boolean), ['reset', 'ready'])
  stranger.stop()
})

test('only signed-in people with the scope listen, and only while they may', async () => {
  const viewer = await server.person(['viewer'])
  assert.equal((await listen('nonsense', 'jobs')).response.status, 401)
  assert.equal((await listen(viewer.cookie, 'jobs,nothing')).response.status, 422)
  const key = await server.key(['events:read'])
  const withKey = await fetch(`${server.baseUrl}/v1/live?topics=events`, {
    headers: { authorization: `Bearer ${key}` },
  })
  assert.equal(withKey.status, 403)
  const live = await listen(viewer.cookie, 'jobs')
  await until(() => live.frames.some(({ event }) => event === 'ready'), 'ready')
  server.advance(16_000)
  server.hub.tick()
  await new Promise((done) => setTimeout(done, 100))
  assert.equal(live.state.ended, false)
  await viewer.client.call(contract.signOut, {})
  server.advance(16_000)
  server.hub.tick()
  await until(() => live.state.ended, 'the stream of somebody who signed out ends')
})

test('a client that does not keep up is dropped, and a flood is thinned out with a count', () => {
  let nowMs = 0
  const hub = createHub({ clock: () => nowMs, runId: 'r' })
  const client = (unsent: number) => {
    const got: string[] = []
    const state = { ended: false }
    const one: LiveClient = {
      tenantId: 't',
      topics: new Set(['events']),
      write: (text) => (got.push(text), unsent),
      end: () => (state.ended = true),
      allowed: async () => true,
    }
    hub.join(one)
    return { got, state }
  }
  const quick = client(0)
  const slow = client(300 * 1024)
  for (let n = 0; n < 1_000; n++) hub.publish('events', 't', { n })
  assert.deepEqual([quick.state.ended, slow.state.ended, hub.clients()], [false, true, 1])
  const messages = () => quick.got.filter((text) => text.includes('event: events'))
  assert.equal(messages().length, 50)
  nowMs += 1_000
  hub.tick()
  assert.match(messages().at(-1)!, /"skipped":950/)
  hub.close()
  assert.equal(quick.state.ended, true)
})

test('publishing when nobody listens takes microseconds', () => {
  const hub = createHub({ clock: () => performance.now(), runId: 'r' })
  const started = performance.now()
  for (let n = 0; n < 100_000; n++) hub.publish('events', 't', { n })
  const eachUs = ((performance.now() - started) / 100_000) * 1_000
  assert.ok(eachUs < 20, `${eachUs} µs`)
})
