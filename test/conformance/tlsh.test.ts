// TLSH against the reference implementation: tlsh.json says how its digests and distances were made.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { tlshDistance, tlshFromText, tlshOf, tlshToText } from '../../src/kernels/tlsh.ts'

type Vectors = {
  texts: { text: string; digest: string | null }[]
  lengths: { bytes: number; digest: string }[]
  pairs: [number, number, number, number][]
}
const vectors = JSON.parse(readFileSync(new URL('tlsh.json', import.meta.url), 'utf8')) as Vectors
const digestOf = (bytes: Uint8Array) => {
  const digest = tlshOf(bytes)
  return digest === undefined ? null : tlshToText(digest)
}

test('texts have the digests that the reference gives them, and none where it gives none', () => {
  const encoder = new TextEncoder()
  for (const { text, digest } of vectors.texts) assert.equal(digestOf(encoder.encode(text)), digest, text)
  assert.equal(vectors.texts.filter(({ digest }) => digest === null).length, 5)
})

test('lengths fall into the same classes as in the reference, on both sides of their bounds', () => {
  const bytes = new Uint8Array(70_000)
  let state = 1
  for (let at = 0; at < bytes.length; at++) {
    state = Number((BigInt(state) * 1_103_515_245n + 12_345n) & 0x7fff_ffffn)
    bytes[at] = state >>> 16
  }
  for (const { bytes: length, digest } of vectors.lengths)
    assert.equal(digestOf(bytes.subarray(0, length)), digest, `${length} bytes`)
})

test('distances are those of the reference, with and without lengths', () => {
  const digests = [
    ...vectors.texts.flatMap(({ digest }) => digest ?? []),
    ...vectors.lengths.filter((_, at) => at % 8 === 0).map(({ digest }) => digest),
  ].map((text) => tlshFromText(text)!)
  assert.ok(vectors.pairs.length > 100)
  for (const [left, right, distance, withoutLength] of vectors.pairs)
    for (const [a, b] of [
      [digests[left]!, digests[right]!],
      [digests[right]!, digests[left]!],
    ] as const) {
      assert.equal(tlshDistance(a, b), distance)
      assert.equal(tlshDistance(a, b, { length: false }), withoutLength)
    }
})

test('a digest reads the same with and without its version, and nothing else is read', () => {
  const text = vectors.lengths[0]!.digest
  assert.equal(tlshToText(tlshFromText(text)!), text)
  assert.equal(tlshToText(tlshFromText(text.slice(2).toLowerCase())!), text)
  for (const wrong of ['', 'T1', 'TNULL', text.slice(1), `${text}0`, `T2${text.slice(2)}`, text.replace(/.$/, 'g')])
    assert.equal(tlshFromText(wrong), undefined, wrong)
})
