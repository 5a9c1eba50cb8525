import assert from 'node:assert/strict'
import test from 'node:test'
import { hashIn, wilson } from './state.ts'

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

test('a pasted hash is known by its length or by its name', () => {
  assert.deepEqual(hashIn(` ${'AB'.repeat(32)}\n`), { type: 'pdq', value: 'ab'.repeat(32) })
  assert.equal(hashIn('0'.repeat(32))?.type, 'md5')
  assert.equal(hashIn('0'.repeat(40))?.type, 'sha1')
  assert.deepEqual(hashIn(`sha256: ${'0'.repeat(64)}`), { type: 'sha256', value: '0'.repeat(64) })
  assert.equal(hashIn('note: hello'), undefined)
  assert.equal(hashIn('hello world'), undefined)
})
