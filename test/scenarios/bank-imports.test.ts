import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import sharp from 'sharp'
import { getImport, listImports, type BankImport } from '../../src/http/contract/bank-imports.ts'
import * as contract from '../../src/http/contract/banks.ts'
import { lookupMatches } from '../../src/http/contract/match.ts'
import { testApp, type TestApp } from '../app.ts'
import { makeArchive } from '../archive.ts'
import { ask, assertIntact, assertProblem, type Answer } from '../hostile.ts'

// Lists as people have them: files of many kinds, in forms and archives, broken and hostile ones among them.
let app: TestApp
before(async () => {
  app = await testApp()
})

const hash = () => randomBytes(32).toString('hex')
let banks = 0
const bank = async (name = `bank ${banks++}`) => app.platform.call(contract.makeBank, { body: { name } })
const find = async (pdq: string) =>
  (await app.platform.call(lookupMatches, { body: { photos: [{ pdq }] } })).matches.map(({ entryId }) => entryId)
const photo = (seed: number) =>
  sharp(
    Buffer.alloc(96 * 96 * 3, 0).map((_, at) => (at * seed * 7919) % 251),
    {
      raw: { width: 96, height: 96, channels: 3 },
    },
  )
    .blur(4)
    .png()
    .toBuffer()
const post = (bankId: string, body: BodyInit, type?: string, query = ''): Promise<Answer> =>
  ask(app, 'POST', `/v1/banks/${bankId}/imports${query}`, { body, ...(type === undefined ? {} : { type }) })
const finished = async (bankId: string, answer: Answer): Promise<BankImport> => {
  assert.equal(answer.status, 202, answer.text)
  const { importId } = answer.body as BankImport
  for (;;) {
    const job = await app.platform.call(getImport, { params: { bankId, importId } })
    if (job.status !== 'running') return job
    await wait(20)
  }
}
const refusedRows = async (bankId: string, importId: string) =>
  (await ask(app, 'GET', `/v1/banks/${bankId}/imports/${importId}/errors`)).text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { file: string; line: number; problems: { field: string; problem: string }[] })
const imports = async (bankId: string) =>
  (await app.platform.call(listImports, { params: { bankId }, query: {} })).items.length
const entries = async (bankId: string) => (await app.platform.call(contract.getBank, { params: { bankId } })).entries

test('a form takes lists of every kind, photos and fields, and names file and line of what it refuses', async () => {
  const { bankId } = await bank()
  const [a, b, c, d] = [hash(), hash(), hash(), hash()]
  const form = new FormData()
  form.append('labels', 'from the form')
  form.append('list', new Blob([`type,value,labels\r\npdq,${a},x|y\r\npdq,short,\r\n`]), 'one.csv')
  form.append('list', new Blob([`${JSON.stringify({ pdq: b })}\n{broken\n`]), 'two.jsonl')
  form.append('list', new Blob([`# a comment\npdq ${c}\n${'0'.repeat(32)}\nnonsense x\n${d}\n`]), 'three.txt')
  form.append('photos', new Blob([new Uint8Array(await photo(3))], { type: 'image/png' }), 'cat.png')
  form.append('photos', new Blob([new Uint8Array((await photo(5)).subarray(0, 200))]), 'half.png')
  form.append('source', 'desk')
  const job = await finished(bankId, await post(bankId, form))
  assert.deepEqual([job.format, job.rows, job.accepted, job.refused], ['form', 10, 5, 5])
  assert.deepEqual(
    (await refusedRows(bankId, job.importId)).map(({ file, line }) => [file, line]),
    [
      ['half.png', 1],
      ['one.csv', 3],
      ['three.txt', 4],
      ['three.txt', 5],
      ['two.jsonl', 2],
    ],
  )
  for (const pdq of [a, b, c]) assert.equal((await find(pdq)).length, 1)
  const { items } = await app.platform.call(contract.listBankEntries, { params: { bankId }, query: {} })
  assert.ok(items.every(({ labels, source }) => labels.includes('from the form') && source === 'desk'))
  assert.deepEqual(items.find(({ signals }) => signals.pdq === a)!.labels, ['from the form', 'x', 'y'])
  const medium = items.find(({ mediaSha256 }) => mediaSha256 !== null)!
  assert.equal(medium.note, 'cat.png')
  assert.ok(medium.signals.pdq !== undefined && medium.signals.sha256 !== undefined)
})

test('an archive is unpacked as it comes: lists, photos, folders, stored or deflated', async () => {
  const { bankId } = await bank()
  const hashes = Array.from({ length: 3_000 }, hash)
  const archive = makeArchive([
    { name: 'lists/', bytes: Buffer.alloc(0), stored: true },
    { name: '__MACOSX/lists/._a.csv', bytes: Buffer.from('rubbish') },
    { name: 'lists/a.csv', bytes: Buffer.from(`type,value\n${hashes.map((one) => `pdq,${one}`).join('\n')}\n`) },
    { name: 'lists/b.ndjson', bytes: Buffer.from(`{"pdq":"${hash()}"}\n{"pdq":"no"}`), stored: true },
    { name: 'cat.png', bytes: await photo(9) },
  ])
  const raw = await finished(bankId, await post(bankId, new Uint8Array(archive), 'application/zip'))
  assert.deepEqual([raw.format, raw.rows, raw.accepted, raw.refused], ['zip', 3_003, 3_002, 1])
  assert.deepEqual(
    (await refusedRows(bankId, raw.importId)).map(({ file, line }) => [file, line]),
    [['lists/b.ndjson', 2]],
  )
  assert.equal((await find(hashes[2_999]!)).length, 1)
  // The same within a form, into another bank.
  const other = await bank()
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(archive)]), 'all.zip')
  const formed = await finished(other.bankId, await post(other.bankId, form))
  assert.deepEqual([formed.accepted, formed.refused], [3_002, 1])
  assert.equal((await refusedRows(other.bankId, formed.importId))[0]!.file, 'all.zip/lists/b.ndjson')
})

test('what cannot be read is refused whole, with the file and the line, and leaves nothing behind', async () => {
  const { bankId } = await bank()
  const good = `pdq ${hash()}\n`
  const one = (name: string, bytes: Buffer | string) => {
    const form = new FormData()
    form.append('first', new Blob([good]), 'good.txt')
    form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), name)
    return form
  }
  const rows = (name: string, bytes: Buffer, more: object = {}) => one('a.zip', makeArchive([{ name, bytes, ...more }]))
  const whole = makeArchive([{ name: 'a.txt', bytes: Buffer.from(good.repeat(50)) }])
  const wrong = Buffer.from(whole)
  wrong[wrong.length - 34]! ^= 0xff
  const cases: [string, BodyInit, number, RegExp][] = [
    ['a table without known columns', one('a.csv', 'name,age\nbob,3\n'), 422, /^a\.csv: .*"name" is no column/],
    ['a column twice', one('a.csv', 'type,value,type\n'), 422, /^a\.csv: .*is there twice/],
    ['UTF-16 with a mark', one('a.csv', Buffer.from('\uFEFFtype,value\n', 'utf16le')), 400, /a\.csv is UTF-16/],
    ['UTF-16 without', one('a.csv', Buffer.from('type,value\n', 'utf16le')), 400, /a\.csv is UTF-16/],
    ['Latin-1', one('a.txt', Buffer.from('text caf\xe9\n', 'latin1')), 400, /Line 1 of a\.txt holds bytes/],
    ['a JSON list', one('a.json', '[{"pdq":"x"}]'), 400, /a\.json is a JSON list/],
    [
      'a line of 3 MB',
      one('a.txt', `${good}text ${'x'.repeat(3_000_000)}`),
      413,
      /Line 2 of a\.txt is longer than 2097152/,
    ],
    ['an encrypted archive', rows('a.txt', Buffer.from(good), { flags: 9 }), 400, /a\.zip: a\.txt is encrypted/],
    ['an odd packing', rows('a.txt', Buffer.from(good), { method: 14 }), 400, /packed by method 14/],
    ['an archive in an archive', rows('b.zip', whole), 400, /a\.zip\/b\.zip is an archive within an archive/],
    ['a cut archive', one('a.zip', whole.subarray(0, 60)), 400, /a\.zip.*breaks off/],
    ['a damaged archive', one('a.zip', wrong), 400, /a\.zip\/a\.txt: its checksum is wrong/],
    ['an archive of nothing', one('a.zip', Buffer.from('PK\x03\x04')), 400, /a\.zip: it is no ZIP archive/],
  ]
  for (const [what, body, status, detail] of cases) {
    const { detail: said = '' } = assertProblem(await post(bankId, body), status)
    assert.match(said, detail, what)
  }
  const form = (body: string, type = 'multipart/form-data; boundary=b') => post(bankId, body, type)
  for (const [body, type] of [
    ['--b\r\n', undefined],
    ['', undefined],
    ['--b\r\ncontent-disposition: form-data; name="a"; filename="a.txt"\r\n\r\npdq', undefined],
    ['--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--', undefined],
    [`--b\r\n${'x: y\r\n'.repeat(5_000)}\r\n\r\n--b--`, undefined],
    ['--b--', 'multipart/form-data'],
  ] as const)
    assertProblem(await form(body, type), 400)
  assertProblem(await post(bankId, new FormData()), 400)
  assertProblem(await post(bankId, 'type,value', 'text/csv'), 400)
  assertProblem(await post(bankId, 'x', 'application/pdf'), 415)
  assert.equal(await imports(bankId), 0)
  assert.deepEqual(await entries(bankId), { pending: 0, active: 0, quarantined: 0, retired: 0 })
})

test('a line of a gigabyte is refused while it comes, and a sender that leaves in the middle leaves nothing', async () => {
  const { bankId } = await bank()
  const piece = Buffer.alloc(1 << 20, 120)
  const send = (pieces: number, leave: boolean) =>
    new Promise<number | undefined>((done) => {
      const request = httpRequest(
        `${app.url}/v1/banks/${bankId}/imports`,
        { method: 'POST', headers: { authorization: `Bearer ${app.key}`, 'content-type': 'text/csv' } },
        (response) => done(response.statusCode),
      )
      request.on('error', () => done(undefined))
      request.write('type,value\n')
      let sent = 0
      const more = (): void => {
        if (request.destroyed) return
        if (sent++ < pieces) request.write(piece, more)
        else if (leave) request.destroy()
        else request.end()
      }
      more()
    })
  assert.equal(await send(1_024, false), 413)
  assert.equal(await send(1, true), undefined)
  for (let tries = 0; (await imports(bankId)) > 0; tries++) {
    assert.ok(tries < 200, 'what a sender left half is still there')
    await wait(50)
  }
})

test('odd rows refuse themselves alone: NUL, marks of byte order, endless labels, too many cells', async () => {
  const { bankId } = await bank('\u202E"; DROP TABLE banks; -- 🐈 ‮')
  const [a, b] = [hash(), hash()]
  const many = Array.from({ length: 10_000 }, (_, at) => `l${at}`)
  const csv = `\uFEFFtype,value,labels\r\npdq,${a},\r\npdq,${b}\0,\r\npdq,${hash()},${many.join('|')}\r\npdq,x,y,z,too many\r\ntext,"a ""quoted"" text",`
  const job = await finished(bankId, await post(bankId, csv, 'text/csv'))
  assert.deepEqual([job.accepted, job.refused], [2, 3])
  assert.deepEqual(
    (await refusedRows(bankId, job.importId)).map(({ line, problems }) => [
      line,
      problems[0]!.field,
      problems[0]!.problem,
    ]),
    [
      [3, '', 'holds a NUL character'],
      [4, 'labels', 'must be a list of at most 50'],
      [5, '', 'has 5 cells'],
    ],
  )
  const labelled = await ask(app, 'POST', `/v1/banks/${bankId}/entries`, {
    body: JSON.stringify({ pdq: hash(), labels: many }),
    type: 'application/json',
  })
  assert.equal(assertProblem(labelled, 422).errors![0]!.limit, 50)
  const exported = await ask(app, 'GET', `/v1/banks/${bankId}/export`)
  assert.match(exported.headers.get('content-disposition')!, /^attachment; filename="[\w.-]+"$/)
})

test('two imports into one bank at once, with the same rows, add each row once', async () => {
  const { bankId } = await bank()
  const rows = Array.from({ length: 5_000 }, hash)
  const body = `type,value\n${rows.map((one) => `pdq,${one}`).join('\n')}`
  const sent = await Promise.all([post(bankId, body, 'text/csv'), post(bankId, body, 'text/csv')])
  const jobs = await Promise.all(sent.map((answer) => finished(bankId, answer)))
  assert.equal(jobs[0]!.accepted + jobs[1]!.accepted, 5_000)
  assert.equal(jobs[0]!.duplicate + jobs[1]!.duplicate, 5_000)
  assert.equal((await entries(bankId)).active, 5_000)
})

test('a batch that cannot be worked through ends its import with the reason, and others go on', async () => {
  const { bankId } = await bank()
  await app.db.query(
    `CREATE FUNCTION refuse_cursed() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN IF new.note = 'cursed' THEN RAISE EXCEPTION 'the disk is cursed'; END IF; RETURN new; END $$`,
  )
  await app.db.query(
    'CREATE TRIGGER cursed BEFORE INSERT ON bank_entries FOR EACH ROW EXECUTE FUNCTION refuse_cursed()',
  )
  const cursed = await finished(
    bankId,
    await post(bankId, JSON.stringify({ pdq: hash(), note: 'cursed' }), 'application/x-ndjson'),
  )
  assert.deepEqual([cursed.status, cursed.accepted], ['failed', 0])
  assert.match(cursed.error!, /the disk is cursed/)
  const next = await finished(bankId, await post(bankId, JSON.stringify({ pdq: hash() }), 'application/x-ndjson'))
  assert.equal(next.accepted, 1)
  await app.db.query('DROP TRIGGER cursed ON bank_entries')
  // It was told once; whatever else is logged as an error fails the last test.
  const told = app.logged.filter((line) => line.includes('an import failed'))
  assert.equal(told.length, 1)
  app.logged.splice(app.logged.indexOf(told[0]!), 1)
})

test('nothing of all that is lost or made up', async () => {
  await assertIntact(app)
})
