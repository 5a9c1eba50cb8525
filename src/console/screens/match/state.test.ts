import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import type { FullMatch } from '../../../http/contract/match.ts'
import {
  bitsOf,
  byEntry,
  clockText,
  differingBits,
  framesOf,
  cornersOf,
  layOver,
  matrixOf,
  sharedRegion,
  nearestReading,
  readingsOf,
} from './state.ts'

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

test('the turn that fits is found among the hashes of the query', () => {
  const [a, b] = ['0'.repeat(64), 'f'.repeat(64)]
  const reading = nearestReading({ signals: { pdq: a }, dihedral: [a, a, a, a, a, b, a, a] }, b)
  assert.deepEqual([reading?.name, reading?.pdq], ['flipY', b])
})

test('the query is put where the matrix of a match says, and what both show is outlined', () => {
  const mirrored = [-1, 0, 1, 0, 1, 0, 0, 0, 1]
  assert.equal(layOver(mirrored, 400, 300), 'matrix3d(-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 400, 0, 0, 1)')
  // A quarter turn of a tall photo on a wide one: shares of the sides swap, and with them pixels scale.
  assert.equal(layOver([0, 1, 0, -1, 0, 1, 0, 0, 1], 400, 200).slice(0, 27), 'matrix3d(0, -0.5, 0, 0, 2, ')
  assert.deepEqual(cornersOf(mirrored), [
    [1, 0],
    [0, 0],
    [0, 1],
    [1, 1],
  ])
  const known = { transformationMatrix: mirrored }
  assert.deepEqual(matrixOf([{}, known]), { matrix: mirrored, known: true })
  assert.equal(matrixOf([{}]).known, false)
})

test('the shared region is the part of the query that lies on the known picture', () => {
  const inner: [number, number][] = [
    [0.1, 0.2],
    [0.9, 0.2],
    [0.9, 0.8],
    [0.1, 0.8],
  ]
  const sorted = (points: readonly (readonly number[])[]) =>
    points.map((point) => point.map((value) => value.toFixed(3)).join()).toSorted()
  assert.deepEqual(sorted(sharedRegion(inner)), sorted(inner))
  const around = sharedRegion([
    [-0.5, -0.5],
    [1.5, -0.5],
    [1.5, 1.5],
    [-0.5, 1.5],
  ])
  assert.deepEqual(
    sorted(around),
    sorted([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ]),
  )
  assert.equal(
    sharedRegion([
      [2, 2],
      [3, 2],
      [3, 3],
    ]).length,
    0,
  )
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
