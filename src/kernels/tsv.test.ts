import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createInterner } from './intern.ts'
import { fieldIs, isPlainInt64, parseWhole, scanRow } from './tsv.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

test('fields are what stands between tabs, with either line end', () => {
  const word = fc.string().map((text) => text.replaceAll(/[\t\r\n]/g, ''))
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 9 }), fc.constantFrom('\n', '\r\n'), (fields, end) => {
      const bytes = bytesOf(`${fields.join('\t')}${end}next`)
      const bounds = new Int32Array(fields.length + 2)
      assert.equal(scanRow(bytes, 0, bytes.length, bounds), fields.length)
      const found = fields.map((_, at) => new TextDecoder().decode(bytes.subarray(bounds[at], bounds[at + 1]! - 1)))
      assert.deepEqual(found, fields)
      assert.equal(new TextDecoder().decode(bytes.subarray(bounds.at(-1))), 'next')
    }),
  )
})

test('a row that does not end, and one with more fields than there is room for', () => {
  const bounds = new Int32Array(4)
  assert.equal(scanRow(bytesOf('a\tb'), 0, 3, bounds), -1)
  assert.equal(scanRow(bytesOf('a\tb\tc\td\n'), 0, 8, bounds), 4)
  assert.equal(bounds[3], 8)
})

test('whole numbers, and nothing else', () => {
  const read = (text: string) => parseWhole(bytesOf(text), 0, bytesOf(text).length)
  for (const [text, value] of [
    ['0', 0],
    ['12', 12],
    ['-1', -1],
    ['13.0', 13],
    ['9007199254740991', 2 ** 53 - 1],
  ] as const)
    assert.equal(read(text), value)
  for (const text of ['', '-', '1.5', '1e3', ' 1', '9007199254740992', '.0', '1x'])
    assert.ok(Number.isNaN(read(text)), text)
})

test('ids reach to the largest whole number of 64 bits', () => {
  const is = (text: string) => isPlainInt64(bytesOf(text), 0, text.length)
  for (const text of ['0', '1', '9007199254740993', '9223372036854775807']) assert.ok(is(text), text)
  for (const text of ['', '-1', '01', '9223372036854775808', '12345678901234567890', '1.0']) assert.ok(!is(text), text)
  assert.ok(fieldIs(bytesOf('xHELPFULx'), 1, 8, 'HELPFUL'))
  assert.ok(!fieldIs(bytesOf('HELPFUL'), 0, 6, 'HELPFUL'))
})

test('every different string has its number, in the order of arrival, and ids keep all their digits', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 5 }), { maxLength: 400 }), (texts) => {
      const interner = createInterner(1)
      const expected = [...new Set(texts)]
      for (const text of texts) {
        const bytes = bytesOf(`-${text}`)
        assert.equal(interner.add(bytes, 1, bytes.length), expected.indexOf(text))
        assert.equal(interner.find(bytes, 1, bytes.length), expected.indexOf(text))
      }
      assert.equal(interner.count, expected.length)
      for (const [at, text] of expected.entries())
        assert.equal(interner.text(at), new TextDecoder().decode(bytesOf(text)))
    }),
  )
  const ids = createInterner()
  const texts = ['9007199254740993', '9007199254740992', '12', '100000000000000000']
  for (const text of texts) ids.add(bytesOf(text), 0, text.length)
  assert.deepEqual(Array.from(ids.sorted(true), ids.text), [
    '12',
    '9007199254740992',
    '9007199254740993',
    '100000000000000000',
  ])
  for (let at = 0; at < 5_000; at++) ids.add(bytesOf(String(at)), 0, String(at).length)
  assert.equal(ids.find(bytesOf('4999'), 0, 4), ids.count - 1)
  assert.equal(ids.find(bytesOf('5000'), 0, 4), -1)
})
