import assert from 'node:assert/strict'
import test from 'node:test'
import type { SignalTypeInfo } from '../../http/contract/signal-types.ts'
import { foundAt, signalTypesOf } from './signal-types.ts'

const type = (part: Partial<SignalTypeInfo> & Pick<SignalTypeInfo, 'name'>): SignalTypeInfo => ({
  title: part.name,
  about: '',
  version: '1',
  media: ['photo'],
  threshold: 0,
  thresholdMax: 0,
  thresholdStep: 1,
  scale: null,
  finds: [{ upTo: 0, what: 'the same bytes' }],
  ...part,
})
const bits = type({
  name: 'bits',
  title: 'Photo',
  scale: { zero: 0, perDistance: 1, decimals: 0, unit: 'of 256 bits differ', nearer: 'lower' },
  finds: [
    { upTo: 16, what: 'resized' },
    { upTo: 64, what: 'edited' },
  ],
})
const frames = type({
  name: 'frames',
  scale: { zero: 100, perDistance: -1, decimals: 0, unit: '% of the frames the same', nearer: 'higher' },
})
const types = signalTypesOf([bits, frames, type({ name: 'md5' })])

test('distances and thresholds are told with their unit and in the direction that is nearer', () => {
  assert.equal(types.distance('bits', 14), '14\u00a0of 256 bits differ')
  assert.equal(types.threshold('bits', 31), 'at most 31\u00a0of 256 bits differ')
  assert.equal(types.distance('frames', 8), '92\u00a0% of the frames the same')
  assert.equal(types.threshold('frames', 20), 'at least 80\u00a0% of the frames the same')
  assert.equal(types.distance('md5', 0), 'the same')
  assert.equal(types.threshold('md5', 0), 'the same bytes')
})

test('a match is told with the threshold of its bank', () => {
  const described = '14 of 256 bits'
  const match = { signalType: 'bits', distance: 14, threshold: 31, described }
  assert.equal(types.near(match), '14 of 256 bits; matches up to 31')
  assert.equal(
    types.near({ signalType: 'frames', distance: 8, threshold: 20 }),
    '92\u00a0% of the frames the same; matches from 80\u00a0%',
  )
  assert.equal(types.near({ ...match, signalType: 'md5', distance: 0, threshold: 0 }), described)
})

test('what a threshold lets in is that of the first step that holds it', () => {
  assert.equal(foundAt(bits, 16), 'resized')
  assert.equal(foundAt(bits, 17), 'edited')
})

test('names that nobody knows stay as they are', () => {
  assert.equal(types.title('bits'), 'Photo')
  assert.equal(signalTypesOf([]).title('pdq'), 'pdq')
  assert.equal(signalTypesOf([]).distance('pdq', 0.25), '0.25 apart')
})
