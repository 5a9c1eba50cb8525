import assert from 'node:assert/strict'
import test from 'node:test'
import { InputError } from '../domain/error.ts'
import { encodeFingerprint } from '../kernels/chromaprint.ts'
import { soundPicture } from './sound-picture.ts'

const values = Uint32Array.from({ length: 200 }, (_, at) => Math.imul(at + 1, 0x9e37_79b1) >>> 0)

test('a part of a sound lies where it was cut from, and the bits that differ are counted', () => {
  const part = values.slice(60, 160)
  part[30] = (part[30]! ^ 0b101) >>> 0
  const { a, b, same, stepMs } = soundPicture(encodeFingerprint(part), encodeFingerprint(values))
  assert.deepEqual([a.length, b?.length], [100, 200])
  assert.ok(stepMs > 100 && stepMs < 150)
  assert.deepEqual([same?.aFrom, same?.bFrom, same?.tempo, same?.differing.length], [0, 60, 1, 100])
  assert.deepEqual(
    same?.differing.flatMap((bits, at) => (bits === 0 ? [] : [[at, bits]])),
    [[30, 2]],
  )
})

test('sounds that agree nowhere have no stretch, and what is no fingerprint is named', () => {
  const other = values.map((value) => Math.imul(value ^ 0x5bd1_e995, 0x85eb_ca6b) >>> 0)
  assert.equal(soundPicture(encodeFingerprint(values), encodeFingerprint(other)).same, null)
  assert.equal(soundPicture(encodeFingerprint(values)).b, null)
  assert.throws(
    () => soundPicture(encodeFingerprint(values), 'nonsense'),
    (error) => error instanceof InputError && error.problems[0]?.field === 'b',
  )
})
