import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputError } from './error.ts'
import { parseEvent } from './event.ts'

test('an unknown type is refused with the types that are like it', () => {
  const typed = (type: string) => {
    try {
      parseEvent(
        { id: 'e1', type, time: '2026-01-01T00:00:00Z', actor: { id: 'u1' } },
        { nowMs: 1_767_225_600_000, acceptUnknownTypes: false },
      )
    } catch (error) {
      assert.ok(error instanceof InputError)
      return error.problems.map(({ field, problem }) => `${field}: ${problem}`)
    }
    return []
  }
  assert.deepEqual(typed('account.created'), [])
  const declare = 'declare it in the tenant settings or accept unknown types'
  const created = 'account.created, item.created, thread.created'
  assert.deepEqual(typed('post.created'), [`type: unknown event type (there are ${created}); ${declare}`])
  assert.deepEqual(typed('ship.sank'), [`type: unknown event type; ${declare}`])
})
