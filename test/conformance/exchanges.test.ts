import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite, test } from 'node:test'
import { feedbackXml, parseEntries, parseReasons, parseStatus } from '../../src/match/exchange/ncmec.ts'
import { parseHashRecords } from '../../src/match/exchange/stopncii.ts'
import { parseXml } from '../../src/match/exchange/xml.ts'

const folder = fileURLToPath(new URL('../../../shared/data/match/exchanges', import.meta.url))
const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8')
const ncmec = (name: string) => read(`ncmec-data-${name}.xml`)

suite(
  'answers of exchanges',
  { skip: existsSync(folder) ? false : 'there are no recorded answers beside the repository' },
  () => {
    test('every recorded answer is known to a test here', () => {
      assert.deepEqual(readdirSync(folder).sort(), [
        'ncmec-data-AFFIRMATIVE_FEEDBACK_XML.xml',
        'ncmec-data-ENTRIES_LARGE_FINGERPRINTS.xml',
        'ncmec-data-ENTRIES_NO_DATA_XML.xml',
        'ncmec-data-ENTRIES_XML.xml',
        'ncmec-data-ENTRIES_XML2.xml',
        'ncmec-data-ENTRIES_XML3.xml',
        'ncmec-data-ENTRIES_XML4.xml',
        'ncmec-data-FEEDBACK_REASONS_XML.xml',
        'ncmec-data-NEGATIVE_FEEDBACK_XML.xml',
        'ncmec-data-STATUS_XML.xml',
        'ncmec-data-UPDATE_FEEDBACK_RESULT_XML.xml',
        'stopncii-fetchhashes.json',
      ])
    })

    test('NCMEC entries: images and videos, deleted ones, owners, fingerprints, opinions and the next page', () => {
      const { records, next, notes } = parseEntries(ncmec('ENTRIES_XML'))
      assert.deepEqual(
        records.map(({ externalId, deleted }) => [externalId, deleted]),
        [
          ['42-image1', false],
          ['43-image4', true],
          ['42-video1', false],
          ['42-video4', true],
        ],
      )
      assert.deepEqual(notes, [])
      assert.equal(
        next,
        '/v2/entries?from=2017-10-20T00%3A00%3A00.000Z&to=2017-10-30T00%3A00%3A00.000Z&start=2001&size=1000&max=3000',
      )
      const [first] = records
      assert.deepEqual(first!.owner, { id: '42', name: 'Example Member' })
      assert.deepEqual(first!.tags, ['image', 'A1'])
      assert.equal(first!.severity, 4)
      assert.deepEqual(
        first!.signals.map(({ type, value }) => [type, value]),
        [
          ['md5', 'a1'.repeat(16)],
          ['sha1', 'a1'.repeat(20)],
          ['pdna', `${'a1'.repeat(27)}...`],
        ],
      )
      assert.deepEqual(first!.ref, { memberId: '42', id: 'image1', media: 'image', confirmedBy: 1, disputedBy: 1 })
    })

    test('NCMEC entries: further pages, an update, a deletion, nothing at all', () => {
      assert.equal(parseEntries(ncmec('ENTRIES_XML2')).records.length, 1)
      const before = parseEntries(ncmec('ENTRIES_XML3'))
      const after = parseEntries(ncmec('ENTRIES_XML4'))
      assert.deepEqual(
        [before, after].map(({ records }) =>
          records.map(({ externalId, deleted, tags }) => [externalId, deleted, tags[1]]),
        ),
        [
          [
            ['101-willupdate', false, 'A1'],
            ['101-willdelete', false, 'A1'],
          ],
          [
            ['101-willupdate', false, 'A2'],
            ['101-willdelete', true, undefined],
          ],
        ],
      )
      assert.equal(after.next, null)
      assert.deepEqual(parseEntries(ncmec('ENTRIES_NO_DATA_XML')), { records: [], next: null, notes: [] })
    })

    test('NCMEC fingerprints that come as a reference are named, not taken for hashes', () => {
      const [record] = parseEntries(ncmec('ENTRIES_LARGE_FINGERPRINTS')).records
      assert.deepEqual(
        record!.signals.map(({ type }) => type),
        ['md5', 'tmk-pdqf (by reference)', 'videntifier (by reference)'],
      )
    })

    test('NCMEC status, reasons and the result of feedback', () => {
      assert.deepEqual(parseStatus(ncmec('STATUS_XML')), { memberId: '1', name: 'test member' })
      assert.deepEqual(parseReasons(ncmec('FEEDBACK_REASONS_XML')), {
        '01234567-abcd-0123-4567-012345678900': 'Example Reason 1',
      })
      assert.equal(parseXml(ncmec('UPDATE_FEEDBACK_RESULT_XML'), 'submissionResult').text, '')
    })

    test('what we send to NCMEC says the same as the recorded submissions', () => {
      const meaning = (xml: string) => {
        const { children } = parseXml(xml, 'feedbackSubmission')
        return [
          children.affirmative?.length ?? 0,
          children.negative?.flatMap((one) => one.children.reasonIds![0]!.children.guid!.map(({ text }) => text)) ?? [],
        ]
      }
      assert.deepEqual(meaning(feedbackXml('confirm')), meaning(ncmec('AFFIRMATIVE_FEEDBACK_XML')))
      const guid = '01234567-abcd-0123-4567-012345678900'
      assert.deepEqual(meaning(feedbackXml('dispute', guid)), meaning(ncmec('NEGATIVE_FEEDBACK_XML')))
    })

    test('StopNCII records: hashes with their cases', () => {
      const { pages } = JSON.parse(read('stopncii-fetchhashes.json')) as { pages: Record<string, unknown>[] }
      const parsed = pages.map(parseHashRecords)
      assert.deepEqual(
        parsed.map(({ records, notes }) => [records.length, notes]),
        [
          [2, []],
          [0, []],
        ],
      )
      const [first] = parsed[0]!.records
      const hash = '2afc4a5c09628a7961c14d436493bba66b89b831453baa1d556ba385554daa82'
      assert.equal(first!.externalId, `ImagePDQ:${hash}`)
      assert.deepEqual(first!.signals, [{ type: 'pdq', value: hash }])
      assert.equal(first!.deleted, false)
      assert.deepEqual((first!.ref.cases as string[]).length, 2)
    })
  },
)

test('XML is read with its five entities and characters by number, and no others', () => {
  const { text, children } = parseXml('<a>&lt;&#65;&#x42;&amp;amp;&unknown;<b c="&quot;"/><b/></a>', 'a')
  assert.equal(text, '<AB&amp;&unknown;')
  assert.deepEqual(
    children.b!.map(({ attributes }) => attributes.c),
    ['"', undefined],
  )
  for (const bad of [
    '',
    '<a>',
    '<b/>',
    '<!DOCTYPE a><a/>',
    '<a/>'.padStart(0) + '<!ENTITY x "y">',
    `${'<a>'.repeat(50)}${'</a>'.repeat(50)}`,
  ])
    assert.throws(() => parseXml(bad, 'a'), /The XML /)
})
