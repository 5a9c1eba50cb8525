import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { defaultSettings, publicRateLimit } from '../domain/settings.ts'
import { accessServer } from '../../test/server.ts'
import { sessionCookie } from './auth.ts'
import { createBuckets, createRateLimits } from './rate-limit.ts'

test('whoever asks too often gets 429 with when to come back, and nobody else does', async () => {
  const server = await accessServer()
  server.settings.changed('default', {
    ...defaultSettings,
    rateLimits: { ...defaultSettings.rateLimits, person: { perSecond: 2, burst: 3 } },
  })
  await server.db.query(`UPDATE tenants SET settings = '{"rateLimits": {"person": {"perSecond": 2, "burst": 3}}}'`)
  const busy = await server.person(['viewer'])
  const calm = await server.person(['viewer'])
  const get = (cookie: string) =>
    fetch(`${server.baseUrl}/v1/session`, { headers: { cookie: `${sessionCookie}=${cookie}` } })
  const answers = []
  for (let n = 0; n < 5; n++) answers.push(await get(busy.cookie))
  assert.deepEqual(
    answers.map((answer) => [answer.status, answer.headers.get('ratelimit-remaining')]),
    [
      [200, '2'],
      [200, '1'],
      [200, '0'],
      [429, '0'],
      [429, '0'],
    ],
  )
  assert.equal(answers[0]!.headers.get('ratelimit-limit'), '3')
  assert.equal(answers[2]!.headers.get('ratelimit-reset'), '2')
  assert.equal(answers[3]!.headers.get('retry-after'), '1')
  assert.match(await answers[3]!.text(), /At most 2 requests a second/)
  assert.equal((await get(calm.cookie)).status, 200)
  server.advance(500)
  assert.equal((await get(busy.cookie)).status, 200, 'half a second pays for one request')
  assert.equal((await get(busy.cookie)).status, 429)
})

test('strangers are counted by address', async () => {
  const server = await accessServer()
  let refused = 0
  for (let n = 0; n < publicRateLimit.burst + 5; n++)
    refused += (await fetch(`${server.baseUrl}/sign-in`)).status === 429 ? 1 : 0
  assert.equal(refused, 5)
})

test('no more passes in any stretch of time than the bucket holds and refills', () => {
  const limit = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 100 }) })
  const steps = fc.array(
    fc.record({ waitMs: fc.integer({ min: 0, max: 3_000 }), cost: fc.integer({ min: 1, max: 10 }) }),
    { maxLength: 100 },
  )
  fc.assert(
    fc.property(limit, steps, (rate, sequence) => {
      let nowMs = 0
      let passed = 0
      const take = createBuckets(() => nowMs)
      for (const { waitMs, cost } of sequence) {
        nowMs += waitMs
        const taken = take('k', rate, cost)
        if (taken.ok) passed += cost
        else {
          // What is promised as the time to come back must be enough.
          nowMs += taken.retryS * 1_000
          assert.ok(take('k', rate, cost).ok)
          passed += cost
        }
        // A cost above the burst may overdraw once by itself.
        assert.ok(passed <= rate.burst + (nowMs / 1_000) * rate.perSecond + Math.max(0, 10 - rate.burst) + 1e-6)
      }
    }),
  )
})

test('counting a request takes microseconds', () => {
  const limits = createRateLimits({ clock: () => performance.now(), settings: () => defaultSettings })
  const principal = { kind: 'key', id: 'k', tenantId: 't' } as never
  const reply = { header: () => undefined } as never
  const rounds = 100_000
  const started = performance.now()
  for (let n = 0; n < rounds; n++) {
    limits.countEvents('t', 1)
    if (n % 10 === 0) limits.admit({ ip: '' } as never, reply, principal)
  }
  const eachUs = ((performance.now() - started) / rounds) * 1_000
  assert.ok(eachUs < 20, `${eachUs} µs`)
})
