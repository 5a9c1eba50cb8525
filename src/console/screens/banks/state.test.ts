import assert from 'node:assert/strict'
import test from 'node:test'
import { signalTypesOf } from '../../parts/signal-types.ts'
import { hashIn, precisionSources, wilson } from './state.ts'

test('the interval of a share agrees with published Wilson bounds', () => {
  // Brown, Cai & DasGupta 2001, and R: binom::binom.wilson(8, 10)
  const eight = wilson(8, 10)!
  assert.ok(Math.abs(eight.low - 0.4901625) < 1e-6, String(eight.low))
  assert.ok(Math.abs(eight.high - 0.9433178) < 1e-6, String(eight.high))
  const none = wilson(0, 20)!
  assert.equal(none.low, 0)
  assert.ok(Math.abs(none.high - 0.1611252) < 1e-6, String(none.high))
  assert.equal(wilson(0, 0), null)
})

const types = signalTypesOf(
  ['pdq', 'md5', 'sha1', 'sha256'].map((name) => ({
    name,
    title: name,
    about: '',
    version: '1',
    media: ['photo'],
    threshold: 0,
    thresholdMax: 0,
    thresholdStep: 1,
    scale: null,
    finds: [],
  })),
)

test('a pasted hash is known by its length or by its name', () => {
  assert.deepEqual(hashIn(` ${'AB'.repeat(32)}\n`, types), { type: 'pdq', value: 'ab'.repeat(32) })
  assert.equal(hashIn('0'.repeat(32), types)?.type, 'md5')
  assert.equal(hashIn('0'.repeat(40), types)?.type, 'sha1')
  assert.deepEqual(hashIn(`sha256: ${'0'.repeat(64)}`, types), { type: 'sha256', value: '0'.repeat(64) })
  assert.equal(hashIn(`md5, ${'0'.repeat(32)}`, types)?.type, 'md5', 'lists put a comma after the name')
  assert.equal(hashIn('note: hello', types), undefined)
  assert.equal(hashIn('hello world', types), undefined)
})

test('a precision says whose verdicts it rests on, each source apart, and what an opinion counts', () => {
  const tally = (right: number, wrong: number) => ({ right, wrong })
  const precision = { right: 0, wrong: 0, share: null, low: 0, high: 1, own: tally(1, 0), teams: tally(0, 3) }
  const opinions = (weight: number) => ({ ...precision, peers: { right: 2, wrong: 1, weight } })
  assert.deepEqual(precisionSources(opinions(0.25)), [
    ['Found here', '1 match is right, 0 wrong'],
    ['Other teams', '0 matches are right, 3 wrong'],
    ['Followers', '2 say right, 1 wrong, each counts 0.25 of a verdict'],
  ])
  assert.match(precisionSources(opinions(0))[2]![1], /not counted$/)
  const none = { ...precision, own: tally(0, 0), teams: tally(0, 0), peers: { ...tally(0, 0), weight: 0.25 } }
  assert.deepEqual(precisionSources(none), [])
})
