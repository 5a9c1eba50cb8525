import assert from 'node:assert/strict'
import test from 'node:test'
import { signalsOfHash } from './hash-words.ts'

test('a hash is known by its length or its name', () => {
  assert.deepEqual(signalsOfHash('D41D8CD98F00B204E9800998ECF8427E'), { md5: 'd41d8cd98f00b204e9800998ecf8427e' })
  assert.deepEqual(Object.keys(signalsOfHash('a'.repeat(64))!), ['pdq', 'sha256'])
  assert.deepEqual(signalsOfHash('tmk: AAEC'), { tmk: 'AAEC' })
  assert.equal(signalsOfHash('https://example.com'), undefined)
  assert.equal(signalsOfHash('abc'), undefined)
})
