import assert from 'node:assert/strict'
import test from 'node:test'
import { momentText, pointsText, turnText } from './plain-words.ts'

test('moments, points and turns read as words', () => {
  assert.equal(momentText(Date.UTC(2026, 10, 21, 6, 44, 41, 677)), '21 Nov 2026 06:44 UTC')
  assert.equal(momentText(Date.UTC(2027, 0, 2)), '02 Jan 2027 00:00 UTC')
  assert.deepEqual([0, 1, 0.9996, 2.5].map(pointsText), ['0 points', '1 point', '1 point', '2.5 points'])
  assert.equal(turnText('flipY'), 'mirrored')
  assert.equal(turnText('sheared'), 'sheared')
})
