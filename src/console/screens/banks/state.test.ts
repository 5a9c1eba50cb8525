import assert from 'node:assert/strict'
import test from 'node:test'
import { signalTypesOf } from '../../parts/signal-types.ts'
import { hashIn } from './state.ts'

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
