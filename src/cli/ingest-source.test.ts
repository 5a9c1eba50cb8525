import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readJsonArray, readNdjson, type SourceItem } from './ingest-source.ts'

/** The text as bytes, cut at the given places, as a network or disk would. */
async function* cut(text: string, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const to of [...cuts, bytes.length]) {
    yield bytes.subarray(from, to)
    from = to
  }
}
async function all(items: AsyncIterable<SourceItem>): Promise<SourceItem[]> {
  const list: SourceItem[] = []
  for await (const item of items) list.push(item)
  return list
}
const values = (items: SourceItem[]): unknown[] => items.map((item) => ('value' in item ? item.value : item.broken))

test('NDJSON and JSON arrays read the same values however their bytes are cut', async () => {
  const json = fc.jsonValue({ maxDepth: 3, noUnicodeString: false })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ x: json })), fc.array(fc.nat()), fc.nat(2), async (rows, places, indent) => {
      const expected = JSON.parse(JSON.stringify(rows)) as unknown[]
      const lines = rows.map((row) => JSON.stringify(row)).join('\n')
      assert.deepEqual(values(await all(readNdjson(cut(lines, places)))), expected)
      assert.deepEqual(values(await all(readJsonArray(cut(JSON.stringify(rows, null, indent), places)))), expected)
    }),
    { numRuns: 60 },
  )
})

test('a broken line or element is broken alone, with its place', async () => {
  const lines = await all(readNdjson(cut('{"a":1}\n{"a":\n\n{"a":3}', [])))
  assert.deepEqual(
    lines.map((item) => [item.line, 'broken' in item]),
    [
      [1, false],
      [2, true],
      [4, false],
    ],
  )
  const elements = await all(readJsonArray(cut('[{"a":1},{"a":x},{"a":"],["}]', [])))
  assert.deepEqual(
    elements.map((item) => [item.line, 'broken' in item]),
    [
      [1, false],
      [2, true],
      [3, false],
    ],
  )
})

test('an array that ends early gives what was whole and says so; a single object is one element', async () => {
  const cutOff = await all(readJsonArray(cut('[{"a":1},{"a":2', [])))
  assert.deepEqual(values(cutOff), [{ a: 1 }, 'the file ends before the array does'])
  assert.deepEqual(values(await all(readJsonArray(cut(' {"a":[1,{"b":2}]} ', [])))), [{ a: [1, { b: 2 }] }])
  assert.deepEqual(await all(readJsonArray(cut('  []  ', []))), [])
  await assert.rejects(all(readJsonArray(cut('hello', []))), /neither a JSON array nor a JSON object/)
})
