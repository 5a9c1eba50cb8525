import assert from 'node:assert/strict'
import test from 'node:test'
import { condense } from './arithmetic.ts'

test('equal terms of an arithmetic are counted, others stay in their place', () => {
  assert.equal(
    condense('scam 4 + scam 4 + scam 4 = 12 points; from 10: suspend'),
    '3 × scam 4 = 12 points; from 10: suspend',
  )
  assert.equal(condense('scam 4 + spam 1 + spam 1 = 6'), 'scam 4 + 2 × spam 1 = 6')
  assert.equal(condense('scam 4 = 4 points'), 'scam 4 = 4 points')
  assert.equal(condense('suspend until 2026: scam 4 + scam 4 = 8'), 'suspend until 2026: 2 × scam 4 = 8')
  assert.equal(condense('scam 0.25 × 4 from feed + scam 0.25 × 4 from feed = 2'), '2 × (scam 0.25 × 4 from feed) = 2')
  assert.equal(condense('spam 1 + spam 10 = 11'), 'spam 1 + spam 10 = 11')
})
