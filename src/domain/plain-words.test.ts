import assert from 'node:assert/strict'
import test from 'node:test'
import { momentText, pointsText, turnText } from './plain-words.ts'

test('moments, points and turns read as words', () => {
  assert.equal(momentText(Date.UTC(2026, 10, 21, 6, 44, 41, 677)), '21 Nov 2026 06:44 UTC')
  assert.equal(momentText(Date.UTC(2027, 0, 2)), '02 Jan 2027 00:00 UTC')
  assert.deepEqual([0, 1, 0.9996, 2.5].map(pointsText), ['0 points', '1 point', '1 point', '2.5 points'])
  assert.equal(turnText('flipY'), 'mirrored')
  assert.equal(turnText('sheared'), 'sheared')
  assert.equal(turnText('rotate:4'), 'rotated by 4 degrees')
  assert.equal(
    turnText('flipY+invert+rotate:4+crop:85+letterbox'),
    'mirrored, inverted, rotated by 4 degrees, cropped to 85 % and with bars at two sides',
  )
  assert.equal(turnText('crop:85+frame'), 'cropped to 85 % and inside a larger picture')
})
