import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { InputError } from '../domain/error.ts'
import { parseEvent } from '../domain/event.ts'
import { mapRow, parseMapping } from './ingest-mapping.ts'

const mapping = parseMapping(`
only: { column: deleted, present: false }
fields:
  id: { template: "post-{author}-{number}" }
  time: { column: when, as: time, zone: "+01:00" }
  context: { constant: feed }
  actor.id: author
  actor.attributes.followers: { column: followers, as: number, optional: true }
  actor.attributes.verified: { column: verified, as: boolean, optional: true }
  item.id: { template: "i{number}" }
  item.text: text
  item.language: { column: lang, choices: { English: en, German: de } }
  item.links: { matches: text, pattern: "https?://[^\\\\s]+" }
cases:
  - when: { column: kind, equals: message }
    fields:
      type: { constant: message.sent }
      "targets[0].id": to
  - fields:
      type: { constant: item.created }
`)
const row = {
  author: 'ann',
  number: '7',
  when: '2015-11-01 13:05',
  followers: '12',
  verified: 'yes',
  text: 'see https://a.example/x and http://b.example',
  lang: 'English',
  kind: 'post',
  to: '',
  deleted: '',
}

test('a row becomes an event that the platform accepts', () => {
  const event = mapRow(mapping, row)
  assert.deepEqual(event, {
    id: 'post-ann-7',
    time: '2015-11-01T12:05:00.000Z',
    context: 'feed',
    actor: { id: 'ann', attributes: { followers: 12, verified: true } },
    item: {
      id: 'i7',
      text: 'see https://a.example/x and http://b.example',
      language: 'en',
      links: ['https://a.example/x', 'http://b.example'],
    },
    type: 'item.created',
  })
  const { late } = parseEvent(event, { nowMs: Date.UTC(2026, 0), acceptUnknownTypes: false })
  assert.equal(late, true)
})

test('the first case whose condition holds decides, and rows can be left out', () => {
  const message = mapRow(mapping, { ...row, kind: 'message', to: 'bob' })
  assert.equal(message!.type, 'message.sent')
  assert.deepEqual(message!.targets, [{ id: 'bob' }])
  assert.equal(mapRow(mapping, { ...row, deleted: '2016' }), undefined)
})

test('a cell that cannot be read refuses its row and names column and field', () => {
  const refused = (change: Record<string, unknown>, pattern: RegExp) =>
    assert.throws(
      () => mapRow(mapping, { ...row, ...change }),
      (error) => error instanceof InputError && pattern.test(error.message),
    )
  refused({ when: 'yesterday' }, /time: "yesterday" in column "when" is not a time/)
  refused({ followers: 'many' }, /actor\.attributes\.followers: "many"/)
  refused({ lang: 'Klingon' }, /item\.language: "Klingon" in column "lang" is none of English, German/)
  const { author: _author, ...without } = row
  assert.throws(() => mapRow(mapping, without), /column "author" is not in the row/)
})

test('a mapping with mistakes is refused with all of them named', () => {
  const text = `
fields:
  id: number
  colour: author
  time: { column: when, as: sundial }
  actor.id: { column: a, constant: b }
  item.links: { matches: text, pattern: "(" }
  thread.id: { template: 5 }
  wrong.path: x
extra: true
cases: [{ when: { column: a }, fields: { type: { constant: item.created } } }]
`
  assert.throws(
    () => parseMapping(text),
    (error) => {
      assert.ok(error instanceof InputError)
      const fields = error.problems.map((problem) => problem.field)
      for (const field of [
        'extra',
        'fields.colour',
        'fields.time.as',
        'fields.actor.id',
        'fields.item.links',
        'fields.thread.id',
        'fields.wrong.path',
        'cases[0].when',
        'actor.id',
        'time',
      ])
        assert.ok(fields.includes(field), `${field} in ${fields.join(' ')}`)
      return true
    },
  )
  assert.throws(() => parseMapping('fields: ['), /not YAML/)
  assert.throws(() => parseMapping('- a'), InputError)
})

test('no path of a mapping reaches a prototype', () => {
  const hostile = parseMapping(`
fields:
  id: a
  type: a
  time: a
  actor.id: a
  attributes.constructor.polluted: a
  attributes.toString.polluted: a
`)
  const event = mapRow(hostile, { a: 'x' })!
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
  assert.equal((Object as unknown as Record<string, unknown>).polluted, undefined)
  assert.deepEqual(JSON.parse(JSON.stringify(event.attributes)), {
    constructor: { polluted: 'x' },
    toString: { polluted: 'x' },
  })
  assert.throws(() => parseMapping('fields: { __proto__.x: a }'), InputError)
})

test('whatever the cells hold, a row is an event or an InputError', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(row)), fc.anything()), (change) => {
      try {
        mapRow(mapping, { ...row, ...change })
      } catch (error) {
        assert.ok(error instanceof InputError, String(error))
      }
    }),
  )
})
