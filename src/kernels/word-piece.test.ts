import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWordPiece } from './word-piece.ts'

const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'un', '##aff', '##able', 'hello', ',', '!', '中', 'cafe', '##s']

test('the longest piece is taken first, and words that cannot be made are unknown', () => {
  const tokens = createWordPiece({ vocabulary, lengthMax: 16 })
  assert.deepEqual(tokens('unaffable'), [2, 4, 5, 6, 3])
  assert.deepEqual(tokens('Hello, unaffablex!'), [2, 7, 8, 1, 9, 3])
  assert.deepEqual(tokens('Cafés\u200b 中中'), [2, 11, 12, 10, 10, 3])
  assert.deepEqual(tokens('\u{20000}\u{2a700}'), [2, 1, 1, 3], 'rare ideographs stand alone too')
  assert.deepEqual(tokens(''), [2, 3])
  assert.deepEqual(tokens('a'.repeat(1_000)), [2, 1, 3])
})

test('a text longer than the limit is cut and still ended', () => {
  const tokens = createWordPiece({ vocabulary, lengthMax: 5 })
  assert.deepEqual(tokens('hello unaffable hello'), [2, 7, 4, 5, 3])
})

test('a vocabulary without the marks is refused by the mark that is missing', () => {
  assert.throws(() => createWordPiece({ vocabulary: ['[CLS]', '[SEP]'], lengthMax: 9 }), /no \[UNK\]/)
})
