import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { InputError } from '../domain/error.ts'
import { parseEvent } from '../domain/event.ts'
import { bankSeeds, ringCount } from './catalog.ts'
import { createPhotographer, withPhotos } from './photos.ts'
import { simulate, type SimulateOptions } from './simulate.ts'
import type { Simulated } from './truth.ts'
import { dayMs } from './world.ts'

const startMs = Date.UTC(2026, 10, 1)
const options = (seed: number, actors = 120, days = 3): SimulateOptions => ({ seed, actors, days, startMs })
const digest = (simulated: Iterable<Simulated>): string => {
  const hash = createHash('sha256')
  for (const one of simulated) hash.update(JSON.stringify(one))
  return hash.digest('hex')
}

test('the same seed gives the same platform, another seed another one', () => {
  assert.equal(digest(simulate(options(7))), digest(simulate(options(7))))
  assert.notEqual(digest(simulate(options(7))), digest(simulate(options(8))))
})

test('events come in order of time, within the days asked for, each with an id of its own that is accepted', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (seed) => {
      let lastMs = startMs
      const ids = new Set<string>()
      for (const { event, truth } of simulate(options(seed, 60, 2))) {
        const media = event.item?.media?.map((one) => ({ ...one, hashes: {} }))
        const checked = media === undefined ? event : { ...event, item: { ...event.item!, media } }
        const { occurredAtMs } = parseEvent(checked, { nowMs: startMs + 2 * dayMs, acceptUnknownTypes: false })
        assert.ok(occurredAtMs >= lastMs && occurredAtMs < startMs + 2 * dayMs)
        lastMs = occurredAtMs
        assert.ok(!ids.has(event.id))
        ids.add(event.id)
        assert.equal(truth.eventId, event.id)
        assert.equal(truth.actorId, event.actor.id)
      }
      assert.ok(ids.size > 100)
    }),
    { numRuns: 12 },
  )
})

test('ordinary people and new enthusiasts never violate; near misses are marked and innocent', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), (seed) => {
      for (const { truth } of simulate(options(seed, 100, 2))) {
        assert.equal(truth.violating, truth.violation !== undefined)
        if (['person', 'enthusiast', 'malicious_reporter'].includes(truth.role)) assert.equal(truth.violating, false)
        if (truth.note?.startsWith('near miss')) assert.equal(truth.violating, false)
      }
    }),
    { numRuns: 12 },
  )
})

test('nothing of the truth can be read from an event', () => {
  for (const { event, truth } of simulate(options(3))) {
    const text = JSON.stringify(event)
    assert.ok(!/violat|"ring"|near miss|"role":"(scammer|spammer|raider|hater)"/.test(text), text)
    if (truth.ring !== undefined) assert.ok(!text.includes(truth.ring))
  }
})

test('every kind of trouble happens, and every kind of near miss beside it', () => {
  const violations = new Map<string, number>()
  const notes = new Set<string>()
  const roles = new Set<string>()
  let events = 0
  let violating = 0
  for (const { truth } of simulate(options(7, 1_000, 7))) {
    events++
    roles.add(truth.role)
    if (truth.note !== undefined) notes.add(truth.note)
    if (truth.violation === undefined) continue
    violating++
    violations.set(truth.violation, (violations.get(truth.violation) ?? 0) + 1)
  }
  assert.deepEqual([...violations.keys()].sort(), [
    'account_compromise',
    'egregious_media',
    'harassment',
    'hate',
    'scam',
    'spam',
  ])
  for (const role of [
    'person',
    'enthusiast',
    'scammer',
    'spammer',
    'raider',
    'hater',
    'compromised',
    'malicious_reporter',
  ])
    assert.ok(roles.has(role), role)
  for (const note of [
    'shared news',
    'new enthusiast',
    'heated but legitimate',
    'a photo that scammers stole',
    'support during a raid',
  ])
    assert.ok(notes.has(`near miss: ${note}`), note)
  for (const note of ['mistaken report', 'malicious report', 'right report', 'the owner is back'])
    assert.ok(notes.has(note), note)
  // Mostly peaceful, as platforms are, and enough of the rest to measure.
  assert.ok(violating / events > 0.005 && violating / events < 0.08, `${violating} of ${events}`)
})

test('the photo that scammers stole is banked and shared by at least eight innocent people', () => {
  const banked = bankSeeds(7, 200).flatMap((seed) => (seed.kind === 'photo' ? [seed.photo.seed] : []))
  const sharers = new Set<string>()
  for (const { truth, photos } of simulate(options(7, 200, 5)))
    if (!truth.violating && photos.some((photo) => banked.includes(photo.seed))) sharers.add(truth.actorId)
  assert.ok(sharers.size >= 8, `${sharers.size}`)
})

test('what is banked turns up on the platform, photos and scripts alike', () => {
  const seeds = bankSeeds(7, 700)
  assert.ok(ringCount(700) >= 3)
  const photos = new Set(seeds.flatMap((seed) => (seed.kind === 'photo' ? [seed.photo.seed] : [])))
  const texts = new Set(seeds.flatMap((seed) => (seed.kind === 'text' ? [seed.text] : [])))
  let photosMet = 0
  let textsMet = 0
  for (const one of simulate(options(7, 700, 7))) {
    if (one.photos.some((photo) => photos.has(photo.seed))) photosMet++
    if (texts.has(one.event.item?.text ?? '')) textsMet++
  }
  assert.ok(photosMet > 20, `${photosMet} photos`)
  assert.ok(textsMet > 20, `${textsMet} texts`)
})

test('photos arrive as inline bytes, in order, and equal copies are made once', async () => {
  let encoded = 0
  const photograph = createPhotographer(async (rgb, width, height) => {
    encoded++
    assert.equal(rgb.length, width * height * 3)
    return new Uint8Array([encoded & 255, 1, 2])
  })
  const spec = { seed: 1, style: 'room', quality: 80 } as const
  assert.equal(await photograph(spec), await photograph({ ...spec }))
  assert.equal(encoded, 1)
  const plain = [...simulate(options(7, 60, 1))]
  const ids: string[] = []
  for await (const { event } of withPhotos(plain, photograph, 8)) {
    ids.push(event.id)
    for (const media of event.item?.media ?? []) assert.match(media.bytes!, /^[A-Za-z0-9+/]+={0,2}$/)
  }
  assert.deepEqual(
    ids,
    plain.map(({ event }) => event.id),
  )
})

test('options outside the limits are refused by name', () => {
  for (const [field, bad] of Object.entries({ seed: -1, actors: 3, days: 0, startMs: -5 })) {
    const call = () => [...simulate({ ...options(7), [field]: bad })]
    assert.throws(call, (error) => error instanceof InputError && error.problems[0]!.field === field)
  }
})
