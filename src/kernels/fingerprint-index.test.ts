import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createFingerprinter, decodeFingerprint, encodeFingerprint, fingerprintRate } from './chromaprint.ts'
import { compareFingerprints, createFingerprintIndex, distinctValues } from './fingerprint-index.ts'
import { createRandom, type Random } from './random.ts'

/** Values that stay for a while and then change in a few bits, as those of music do. */
function sound(random: Random, length: number): Uint32Array {
  let value = random.uint32()
  return Uint32Array.from({ length }, () => {
    if (random.chance(0.6)) for (let flips = 1 + random.int(4); flips > 0; flips--) value ^= 1 << random.int(32)
    if (random.chance(0.05)) value = random.uint32()
    return value >>> 0
  })
}
const noisy = (random: Random, values: Uint32Array, share: number) =>
  values.map((value) => {
    let changed = value
    for (let bit = 0; bit < 32; bit++) if (random.chance(share)) changed ^= 1 << bit
    return changed >>> 0
  })
const atTempo = (values: Uint32Array, tempo: number) =>
  Uint32Array.from({ length: Math.floor(values.length / tempo) }, (_, at) => values[Math.round(at * tempo)]!)

test('clips, noise and other tempos are found where they lie, and nothing else is', () => {
  const random = createRandom(5)
  const known = Array.from({ length: 40 }, () => sound(random, 600 + random.int(900)))
  const index = createFingerprintIndex()
  for (const [id, values] of known.entries()) index.add(id, values)
  for (const [id, values] of known.entries()) {
    const from = random.int(values.length - 80)
    const [clip] = index.search(noisy(random, values.slice(from, from + 70), 0.06), 0.25)
    assert.equal(clip?.id, id)
    assert.ok(Math.abs(clip.entryFrom - clip.queryFrom - from) <= 1, `${clip.entryFrom} ${clip.queryFrom} ${from}`)
    for (const tempo of [0.97, 1.03]) {
      const [hit] = index.search(noisy(random, atTempo(values, tempo), 0.04), 0.25)
      assert.equal(hit?.id, id, `tempo ${tempo}`)
      assert.ok(Math.abs(hit.tempo - tempo) < 0.015, `${hit.tempo} for ${tempo}`)
    }
    assert.deepEqual(index.search(sound(random, 300), 0.25), [])
  }
  assert.ok(index.remove(7) && !index.remove(7))
  assert.deepEqual(index.search(known[7]!, 0.25), [])
  assert.equal(index.size, 39)
})

test('a piece of a known sound inside a long other one is found', () => {
  const random = createRandom(6)
  const known = sound(random, 200)
  const hit = compareFingerprints(
    Uint32Array.of(...sound(random, 500), ...known.slice(50, 150), ...sound(random, 400)),
    known,
  )
  assert.ok(hit !== undefined && hit.distance < 0.1)
  assert.ok(
    Math.abs(hit.queryFrom - 500) <= 12 &&
      Math.abs(hit.entryFrom - hit.queryFrom + 450) <= 1 &&
      hit.length >= 95 &&
      hit.length <= 125,
  )
})

test('the text form carries every fingerprint, and broken text is refused', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 60 }), (values) => {
      const text = encodeFingerprint(Uint32Array.from(values))
      assert.deepEqual([...decodeFingerprint(text)!], values)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      const values = decodeFingerprint(text)
      if (values !== undefined) assert.ok(values.length * 3 <= text.length * 6)
    }),
  )
  for (const broken of ['', 'AQAB', 'AQAAfw', 'AgAAAA', 'AQ//////', '!', 'AQABLpI0L'])
    assert.equal(decodeFingerprint(broken), undefined, broken)
})

test('the fingerprint does not depend on how the samples are cut up, and silence is told by its values', () => {
  const random = createRandom(7)
  const samples = Int16Array.from({ length: fingerprintRate * 12 }, (_, at) =>
    Math.round(9_000 * Math.sin(at * 0.11 * (1 + Math.floor(at / 9_000))) + 2_000 * random.normal()),
  )
  const whole = createFingerprinter()
  whole.add(samples)
  const pieces = createFingerprinter()
  for (let at = 0; at < samples.length;) {
    const take = 1 + random.int(7_000)
    pieces.add(samples.subarray(at, at + take))
    at += take
  }
  assert.deepEqual(pieces.fingerprint(), whole.fingerprint())
  assert.ok(distinctValues(whole.fingerprint()) > 12)
  const silent = createFingerprinter()
  silent.add(new Int16Array(fingerprintRate * 20))
  assert.equal(distinctValues(silent.fingerprint()), 1)
  assert.equal(createFingerprinter().fingerprint().length, 0)
})
