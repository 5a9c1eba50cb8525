import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { testDatabase } from '../../test/database.ts'
import { scopes } from '../domain/staff.ts'
import { eventRoutes } from '../http/routes/events.ts'
import { problem } from '../http/problem.ts'
import { createServer } from '../http/server.ts'
import { paintPicture } from '../kernels/picture.ts'
import { encodeJpeg } from '../media/encode.ts'
import type { Database } from '../storage/database.ts'
import { createInProcessStream } from '../streams/in-process.ts'
import { UsageError } from './command.ts'
import { command } from './ingest.ts'

const nowMs = Date.now()
const folder = await mkdtemp(join(tmpdir(), 'custos-ingest-'))
const media = new Map<string, number>()
let db: Database
let url: string
let closeServer: () => Promise<void>
/** Requests to answer with 503 before the next one is let through; Infinity is a server that is away. */
let failing = 0
let requests = 0

before(async () => {
  db = await testDatabase()
  const clock = () => nowMs
  const principal = { kind: 'key', id: 'k', name: 'k', tenantId: 't', scopes: new Set(scopes), roles: [] } as const
  const { app, mount } = createServer({
    log: () => {},
    authenticate: async (request) => (request.headers.authorization === 'Bearer right' ? principal : undefined),
    async admit() {
      requests++
      if (failing-- > 0) throw problem(503, 'Away', 'Away for a test.')
    },
  })
  eventRoutes(mount, {
    db,
    clock,
    stream: createInProcessStream({ db, clock }),
    settings: () => ({ acceptUnknownTypes: false, declaredTypes: new Set() }),
    async storeMedia(_tenantId, bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      media.set(sha256, bytes.length)
      return { sha256 }
    },
    judged: async () => undefined,
    counted: () => {},
    admitEvents: () => {},
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  closeServer = () => app.close()
})
after(async () => {
  await closeServer()
  await rm(folder, { recursive: true })
})

function terminal() {
  const said = { err: '' }
  const io = {
    stdout: { write: () => {} },
    stderr: { write: (text: string) => void (said.err += text) },
    cwd: folder,
    env: { CUSTOS_URL: url, CUSTOS_KEY: 'right' },
  }
  return { io, said }
}
const stored = async (prefix: string): Promise<number> =>
  (await db.query<{ count: number }>('SELECT count(*) AS count FROM events WHERE event_id LIKE $1', [`${prefix}%`]))[0]!
    .count
const exists = (name: string): Promise<boolean> =>
  access(join(folder, name)).then(
    () => true,
    () => false,
  )
const rejects = async (name: string): Promise<{ line: number; reason: string }[]> =>
  (await readFile(join(folder, name), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: number; reason: string })

const mapping = `
fields:
  id: { template: "{table}-{n}" }
  type: { constant: item.created }
  time: { column: at, as: time }
  context: { constant: feed }
  actor.id: author
  item.id: { template: "{table}-i{n}" }
  item.text: text
`
const table = (name: string, rows: number, broken: readonly number[] = []): string =>
  [
    'table,n,at,author,text',
    ...Array.from(
      { length: rows },
      (_, n) => `${name},${n},${broken.includes(n) ? 'never' : '2015-11-01 00:00:00'},u${n % 40},"a, ""b"" ${n}"`,
    ),
  ].join('\n')

test('a table arrives whole, a second time as duplicates, with refused rows listed by line and reason', async () => {
  await writeFile(join(folder, 'm.yaml'), mapping)
  await writeFile(join(folder, 'posts.csv.gz'), gzipSync(table('csv', 1_800, [5, 900])))
  const { io, said } = terminal()
  assert.equal(await command.run(['posts.csv.gz', '--mapping', 'm.yaml'], io), 3)
  assert.equal(await stored('csv-'), 1_798)
  assert.deepEqual(
    (await rejects('posts.csv.gz.rejects.ndjson')).map(({ line }) => line),
    [7, 902],
  )
  assert.match(said.err, /1,798 accepted, 0 already there, 2 refused/)
  assert.equal(await exists('posts.csv.gz.ingest-state.json'), false)
  const again = terminal()
  assert.equal(await command.run(['posts.csv.gz', '--mapping', 'm.yaml'], again.io), 3)
  assert.match(again.said.err, /0 accepted, 1,798 already there/)
  assert.equal(await stored('csv-'), 1_798)
})

test('a server that is away for a moment is waited for; one that stays away stops the command, which then goes on', async () => {
  await writeFile(join(folder, 'long.csv'), table('long', 6_000))
  failing = 2
  const short = terminal()
  await writeFile(join(folder, 'short.csv'), table('short', 700))
  assert.equal(await command.run(['short.csv', '--mapping', 'm.yaml'], short.io), 0)
  assert.match(short.said.err, /503; trying again/)
  assert.equal(await stored('short-'), 700)

  // Five batches get through, then the server is gone.
  const stop = requests + 5
  const watch = setInterval(() => {
    if (requests >= stop && failing < 1_000) failing = Number.POSITIVE_INFINITY
  }, 1)
  const cutOff = terminal()
  await assert.rejects(
    command.run(['long.csv', '--mapping', 'm.yaml', '--patience', '0', '--concurrency', '1'], cutOff.io),
    /run the same command again/,
  )
  clearInterval(watch)
  failing = 0
  const before = await stored('long-')
  assert.ok(before >= 500 && before < 6_000, `${before}`)
  const state = JSON.parse(await readFile(join(folder, 'long.csv.ingest-state.json'), 'utf8')) as { items: number }
  assert.ok(state.items <= before)
  const asked = requests
  const rest = terminal()
  assert.equal(await command.run(['long.csv', '--mapping', 'm.yaml'], rest.io), 0)
  assert.match(rest.said.err, /Going on after row/)
  assert.equal(await stored('long-'), 6_000)
  // What was acknowledged is not sent again.
  assert.ok(requests - asked <= Math.ceil((6_000 - state.items) / 500) + 1)
})

test('a resume refuses a file that has changed since', async () => {
  await writeFile(join(folder, 'changed.csv'), table('changed', 10))
  await writeFile(
    join(folder, 'changed.csv.ingest-state.json'),
    JSON.stringify({
      fingerprint: 'another',
      mapping: 'x',
      items: 5,
      accepted: 5,
      duplicate: 0,
      refused: 0,
      skipped: 0,
    }),
  )
  await assert.rejects(
    command.run(['changed.csv', '--mapping', 'm.yaml'], terminal().io),
    /another version of the file or mapping/,
  )
})

test('native events arrive from NDJSON and JSON, and broken or refused ones are listed', async () => {
  const event = (n: number, more: object = {}) => ({
    id: `native-${n}`,
    type: 'item.created',
    time: '2026-11-19T00:00:00Z',
    context: 'feed',
    actor: { id: 'u' },
    ...more,
  })
  await writeFile(
    join(folder, 'e.ndjson'),
    [JSON.stringify(event(1)), '{"id":', JSON.stringify(event(2, { colour: 'red' })), JSON.stringify(event(3))].join(
      '\n',
    ),
  )
  assert.equal(await command.run(['e.ndjson'], terminal().io), 3)
  const listed = await rejects('e.ndjson.rejects.ndjson')
  assert.deepEqual(listed.map(({ line }) => line).sort(), [2, 3])
  assert.ok(listed.some(({ reason }) => /colour/.test(reason)))
  await writeFile(join(folder, 'e.json'), JSON.stringify([event(4), event(5)], null, 2))
  assert.equal(await command.run(['e.json'], terminal().io), 0)
  assert.equal(await stored('native-'), 4)
})

test('a folder of images becomes events with their pictures, once', async () => {
  await mkdir(join(folder, 'album/deep'), { recursive: true })
  for (const [index, name] of ['a.jpg', 'b.jpg', 'deep/c.jpg'].entries()) {
    const { rgb, width, height } = paintPicture(index, 'food', 64, 48)
    await writeFile(join(folder, 'album', name), await encodeJpeg(rgb, width, height, 80))
  }
  await writeFile(join(folder, 'album/notes.txt'), 'not a picture')
  await writeFile(join(folder, 'album/empty.png'), '')
  assert.equal(
    await command.run(['album', '--actor', 'archive', '--state', 's.json', '--rejects', 'r.ndjson'], terminal().io),
    3,
  )
  assert.equal(await stored('file-'), 3)
  assert.equal(media.size, 3)
  assert.match((await rejects('r.ndjson'))[0]!.reason, /empty/)
  assert.equal(
    await command.run(['album', '--actor', 'archive', '--state', 's.json', '--rejects', 'r.ndjson'], terminal().io),
    3,
  )
  assert.equal(await stored('file-'), 3)
})

test('a wrong key, path, format or option is refused by name before anything is sent', async () => {
  const { io } = terminal()
  await assert.rejects(command.run(['short.csv', '--mapping', 'm.yaml', '--key', 'wrong'], io), /401.*Sign in/)
  const refused = (args: string[], pattern: RegExp) =>
    assert.rejects(command.run(args, io), (error) => error instanceof UsageError && pattern.test(error.message))
  await refused(['nowhere.csv'], /there is no ".*nowhere\.csv"/)
  await refused(['short.csv'], /needs --mapping/)
  await refused(['m.yaml'], /cannot tell the format/)
  await refused(['short.csv', '--format', 'xml'], /--format "xml"/)
  await refused(['short.csv', '--mapping', 'm.yaml', '--concurrency', '99'], /--concurrency "99"/)
  await refused([], /argument/)
  await assert.rejects(command.run(['short.csv', '--mapping', 'none.yaml'], io), /Cannot read the mapping/)
})
