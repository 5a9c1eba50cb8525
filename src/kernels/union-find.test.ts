import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createUnionFind } from './union-find.ts'

test('elements are in one set exactly when a chain of joins leads from one to the other', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(99), fc.nat(99)), { maxLength: 120 }), (pairs) => {
      const sets = createUnionFind()
      for (let element = 0; element < 100; element++) assert.equal(sets.add(), element)
      const labels = Array.from({ length: 100 }, (_, element) => element)
      for (const [a, b] of pairs) {
        sets.join(a, b)
        const [from, to] = [labels[a]!, labels[b]!]
        for (const [element, label] of labels.entries()) if (label === from) labels[element] = to
      }
      for (let a = 0; a < 100; a++)
        for (let b = 0; b < a; b++) assert.equal(sets.find(a) === sets.find(b), labels[a] === labels[b])
    }),
    { numRuns: 30 },
  )
})
