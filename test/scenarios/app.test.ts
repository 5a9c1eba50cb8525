import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getSession } from '../../src/http/contract/access.ts'
import { getStatus } from '../../src/http/contract/status.ts'
import { testApp } from '../app.ts'

test('the product starts on a database of yours, lets staff in by a link and says what is on', async () => {
  const app = await testApp()
  const reviewer = await app.staff(['reviewer'])
  const session = await reviewer.call(getSession, {})
  assert.deepEqual(session.roles, ['reviewer'])
  const status = await app.platform.call(getStatus, {})
  assert.ok(status.parts.some(({ name, on }) => name === 'database' && on))
  assert.deepEqual(app.logged, [])
})
