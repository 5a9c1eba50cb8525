import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import type { FullMatch } from '../../../http/contract/match.ts'
import { bitsOf, byEntry, clockText, differingBits, framesOf, layOver, nearestReading, readingsOf } from './state.ts'

const hex64 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map((value) => value.toString(16).padStart(64, '0'))

test('words are read as what they look like, and may be read otherwise', () => {
  assert.deepEqual(readingsOf('  '), [])
  assert.deepEqual(readingsOf('you won a prize'), ['text'])
  assert.equal(readingsOf('https://example.com/offer')[0], 'link')
  assert.equal(readingsOf('https://example.com/a.jpg?x=1')[0], 'media')
  assert.deepEqual(readingsOf('example.com/offer'), ['link', 'text'])
  assert.equal(readingsOf('d41d8cd98f00b204e9800998ecf8427e')[0], 'hash')
})

test('the picture of a PDQ hash has its bits where the algorithm puts them', () => {
  // Word 0 is the last of the text and the first row; its lowest bit is the first column.
  const first = bitsOf(`${'0'.repeat(63)}1`)
  assert.equal(first[0]![0], true)
  assert.equal(first.flat().filter(Boolean).length, 1)
  const last = bitsOf(`8${'0'.repeat(63)}`)
  assert.equal(last[15]![15], true)
})

test('as many bits differ as the exclusive or of two hashes has ones', () => {
  fc.assert(
    fc.property(hex64, hex64, (a, b) => {
      const ones = [...(BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(2)].filter((bit) => bit === '1').length
      assert.equal(differingBits(a, b), ones)
    }),
  )
})

test('the turn that fits is found among the hashes of the query, and undone on the screen', () => {
  const [a, b] = ['0'.repeat(64), 'f'.repeat(64)]
  const reading = nearestReading({ signals: { pdq: a }, dihedral: [a, a, a, a, a, b, a, a] }, b)
  assert.deepEqual([reading?.name, reading?.pdq], ['flipY', b])
  assert.equal(layOver('flipY').transform, 'scaleX(-1)')
  assert.deepEqual(layOver('invert'), { transform: 'none', filter: 'invert(1)', exact: true })
  assert.deepEqual(layOver(undefined), { transform: 'none', exact: true })
  const cropped = layOver('flipY+crop:64')
  assert.deepEqual([cropped.transform, cropped.exact], ['scaleX(-1) scale(0.800)', false])
})

test('matches of one entry are one line, surest first', () => {
  const match = (entryId: string, signalType: string, confidence: number) =>
    ({ entryId, signalType, confidence, bank: { id: 'b', name: 'b', action: 'review' } }) as FullMatch
  const found = byEntry([match('e1', 'pdq', 0.7), match('e2', 'pdq', 0.8), match('e1', 'sha256', 1)])
  assert.deepEqual(
    found.map(({ entryId, best, matches }) => [entryId, best.signalType, matches.length]),
    [
      ['e1', 'sha256', 2],
      ['e2', 'pdq', 1],
    ],
  )
})

test('frames of a video are read with their times', () => {
  assert.deepEqual(framesOf(JSON.stringify([`${'a'.repeat(64)},87,61.5`])), [
    { pdq: 'a'.repeat(64), quality: 87, seconds: 61.5 },
  ])
  assert.deepEqual(framesOf('not frames'), [])
  assert.equal(clockText(61.5), '1:01')
  assert.equal(clockText(3_725), '1:02:05')
})
