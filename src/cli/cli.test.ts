import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { NewEntry } from '../domain/entry.ts'
import { InputError } from '../domain/error.ts'
import { createLedger } from '../ledger/ledger.ts'
import { createSealer } from '../ledger/seal.ts'
import { testServer } from '../../test/database.ts'
import { connect } from '../storage/connect.ts'
import { lockData } from '../storage/data-lock.ts'
import { openDatabase } from '../storage/database.ts'
import { migrate } from '../storage/migrate.ts'
import { insertTenant } from '../storage/tenants.ts'
import type { Step } from '../flows/explain.ts'
import { explanationText } from './explain.ts'
import { errorLines, table, type Io } from './command.ts'
import { main } from './main.ts'

let dir: string
let dataDir: string
const clock = () => Date.now()
const entry = {
  kind: 'label.applied',
  subject: { kind: 'actor', id: 'u1' },
  occurredAtMs: 1,
  author: { kind: 'system', part: 'test' },
  automation: 'full',
  because: [],
  body: { label: 'x' },
} satisfies NewEntry

/** Runs a command line as the shell would, and answers what it said. */
async function custos(args: string[], env: Io['env'] = {}) {
  const said = { stdout: '', stderr: '' }
  const code = await main(args, {
    stdout: { write: (text) => (said.stdout += text) },
    stderr: { write: (text) => (said.stderr += text) },
    cwd: dir,
    env: { PATH: process.env.PATH, CUSTOS_PORT: '0', ...env },
  })
  return { code, ...said }
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'custos cli '))
  // As root the unprivileged user of PostgreSQL has to enter it.
  await chmod(dir, 0o755)
  dataDir = join(dir, 'data')
  const connection = await connect({ dataDir }, { purpose: 'test', clock, log: () => {}, make: true })
  await migrate(connection.db)
  await connection.db.transaction((tx) => insertTenant(tx, { id: 'default', name: 'Default', nowMs: 1 }))
  await writeFile(join(dataDir, 'secret.key'), `${'ab'.repeat(32)}\n`, { mode: 0o600 })
  await mkdir(join(dataDir, 'media'))
  await writeFile(join(dataDir, 'media/picture'), 'a picture')
  const ledger = createLedger({ projectors: [], clock, randomBytes })
  await connection.db.transaction((tx) => ledger.append(tx, 'a', [entry, entry, entry]))
  const sealer = createSealer(connection.db)
  for (let quiet = 0; quiet < 3;) quiet = (await sealer.tick()) === 0 ? quiet + 1 : 0
  await connection.close()
})
after(() => rm(dir, { recursive: true, force: true }))

test('help lists every command and setting, and an unknown command is answered with a near one', async () => {
  const help = await custos(['--help'])
  assert.equal(help.code, 0)
  for (const word of ['start', 'doctor', 'backup', 'restore', 'ledger', 'CUSTOS_DATA', 'DATABASE_URL'])
    assert.match(help.stdout, new RegExp(word))
  const near = await custos(['bakcup'])
  assert.equal(near.code, 2)
  assert.equal(near.stderr, 'custos: there is no command "bakcup"; did you mean "backup"?\n')
  assert.match((await custos(['frobnicate'])).stderr, /see "custos --help"/)
  assert.equal((await custos(['__proto__'])).code, 2)
  assert.match((await custos(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
})

test('a command that is called wrongly shows its usage', async () => {
  const { code, stderr } = await custos(['backup', '--nothing'])
  assert.equal(code, 2)
  assert.match(stderr, /Unknown option '--nothing'[\s\S]*usage: custos backup \[FILE\]/)
  assert.match((await custos(['restore'])).stderr, /1 more argument\(s\) needed/)
  assert.match((await custos(['ledger', 'paint'])).stderr, /"paint" is neither verify nor rebuild/)
  assert.match((await custos(['restore', '--help'])).stdout, /must be empty or missing/)
})

test('wrong settings are told all at once, a line each', async () => {
  const { code, stderr } = await custos(['doctor'], { CUSTOS_PORT: 'x', CUSTOS_LOG: 'loud' })
  assert.equal(code, 1)
  assert.match(stderr, /CUSTOS_PORT "x" must be/)
  assert.match(stderr, /CUSTOS_LOG "loud" must be/)
})

test('a backup restores into an empty folder, and its ledger verifies there', async () => {
  const file = join(dir, 'one.tar.gz')
  const backup = await custos(['backup', file])
  assert.equal(backup.code, 0, backup.stderr)
  assert.match(backup.stdout, /holds the secret key/)
  const other = join(dir, 'other')
  const restore = await custos(['restore', file, '--data', other])
  assert.equal(restore.code, 0, restore.stderr)
  assert.match(restore.stdout, /Ledger of tenant "a": 3 entries verify/)
  assert.equal(await readFile(join(other, 'media/picture'), 'utf8'), 'a picture')
  assert.equal(await readFile(join(other, 'secret.key'), 'utf8'), `${'ab'.repeat(32)}\n`)
  const verify = await custos(['ledger', 'verify', '--data', other, '--json'])
  assert.equal(verify.code, 0)
  assert.deepEqual(JSON.parse(verify.stdout), JSON.parse((await custos(['ledger', 'verify', '--json'])).stdout))
})

test('a folder that is not empty is refused by name, and a damaged archive leaves nothing behind', async () => {
  const file = join(dir, 'two.tar.gz')
  await custos(['backup', file])
  const full = await custos(['restore', file])
  assert.equal(full.code, 1)
  assert.match(full.stderr, /data is not empty \(it has /)
  const bytes = await readFile(file)
  await writeFile(file, bytes.subarray(0, bytes.length / 2))
  const empty = join(dir, 'empty')
  const cut = await custos(['restore', file, '--data', empty])
  assert.equal(cut.code, 1)
  assert.deepEqual(await readdir(empty).catch(() => []), [])
})

test('an archive without the secret key needs the key from elsewhere', async () => {
  const file = join(dir, 'keyless.tar.gz')
  const backup = await custos(['backup', file, '--without-key'])
  assert.doesNotMatch(backup.stdout, /secret key/)
  const other = join(dir, 'keyless')
  assert.match((await custos(['restore', file, '--data', other])).stderr, /made without the secret key/)
  const key = { CUSTOS_SECRET_KEY: 'ab'.repeat(32) }
  assert.equal((await custos(['restore', file, '--data', other], key)).code, 0)
})

test('the doctor finds nothing to mend here, names what is wrong, and says how to mend it', async () => {
  const well = await custos(['doctor'])
  assert.equal(well.code, 0, well.stdout)
  assert.match(well.stdout, /ok +migrations +\d+ ran, none pending/)
  assert.match(well.stdout, /ok +ledger +tenant "a": 3 entries verify/)
  const ill = await custos(['doctor', '--json'], { FFMPEG: '/no/ffmpeg', CUSTOS_MODELS: '/no/models' })
  assert.equal(ill.code, 1)
  const checks = JSON.parse(ill.stdout) as { name: string; status: string; mend: string }[]
  const status = Object.fromEntries(checks.map((check) => [check.name, check.status]))
  assert.equal(status.ffmpeg, 'warn')
  assert.equal(status.models, 'fail')
  for (const check of checks) if (check.status !== 'ok') assert.notEqual(check.mend, '')
})

test('an installation moves to a PostgreSQL of yours, whose user owns the database and is no superuser', async (t) => {
  const { host, user, password } = await testServer()
  const admin = openDatabase({ host, user, password, database: 'postgres', poolSize: 1 })
  const name = `yours_${process.pid}`
  await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'p'`)
  await admin.query(`CREATE DATABASE ${name} OWNER ${name}`)
  t.after(async () => {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await admin.query(`DROP ROLE ${name}`)
    await admin.close()
  })
  const file = join(dir, 'moving.tar.gz')
  await custos(['backup', file])
  const env = { DATABASE_URL: `postgresql://${name}:p@localhost/${name}?host=${encodeURIComponent(host)}` }
  const moved = await custos(['restore', file, '--data', join(dir, 'moved')], env)
  assert.equal(moved.code, 0, moved.stderr)
  const verify = await custos(['ledger', 'verify', '--json'], env)
  assert.deepEqual(JSON.parse(verify.stdout), JSON.parse((await custos(['ledger', 'verify', '--json'])).stdout))
  const again = await custos(['restore', file, '--data', join(dir, 'again')], env)
  assert.match(again.stderr, /the database already has \d+ tables/)
})

test('a key is made, listed, revoked once, and each change stands in the ledger', async () => {
  const made = await custos(['keys', 'create', '--name', 'shop', '--scopes', 'events:write,gates:read', '--json'])
  assert.equal(made.code, 0, made.stderr)
  const { id, key } = JSON.parse(made.stdout) as { id: string; key: string }
  assert.ok(key.startsWith(`${id}_`))
  assert.match((await custos(['keys', 'list'])).stdout, new RegExp(`${id} +shop +live .* events:write,gates:read`))
  assert.match((await custos(['keys', 'revoke', id])).stdout, /is revoked/)
  assert.match((await custos(['keys', 'revoke', id])).stdout, /was revoked before/)
  assert.match((await custos(['keys', 'list'])).stdout, new RegExp(`${id} +shop +revoked`))
  assert.match((await custos(['keys', 'create', '--scopes', 'everything'])).stderr, /Unknown scope[\s\S]*scopes/)
  assert.match((await custos(['keys', 'revoke', 'ck_none'])).stderr, /tenant "default" has no key "ck_none"/)
  assert.match((await custos(['keys', 'list', '--tenant', 'none'])).stderr, /no tenant "none"/)
})

test('somebody is added with a role and gets a link; the handle cannot be taken twice', async () => {
  const added = await custos(['people', 'add', 'Ada', '--roles', 'reviewer', '--json'])
  assert.equal(added.code, 0, added.stderr)
  assert.match((JSON.parse(added.stdout) as { url: string }).url, /\/sign-in\?token=[\w-]{20,}$/)
  assert.match((await custos(['people', 'list'])).stdout, /ada +Ada +active +reviewer/)
  assert.match((await custos(['people', 'link', 'ada'])).stdout, /\/sign-in\?token=/)
  assert.match((await custos(['people', 'add', 'ADA', '--roles', 'viewer'])).stderr, /the handle is taken/)
  assert.match((await custos(['people', 'add', 'bo', '--roles', 'king'])).stderr, /must be one or more of viewer/)
  assert.match((await custos(['people', 'link', 'nobody'])).stderr, /nobody called "nobody"/)
})

test('erasing asks for a clear yes', async () => {
  const asked = await custos(['erase', 'u1'])
  assert.equal(asked.code, 2)
  assert.match(asked.stderr, /nothing was erased/)
  assert.match((await custos(['erase', 'u1', '--yes'])).stdout, /"u1" is erased: 0 events/)
})

test('a command beside a server that holds the folder uses its database and leaves it running', async () => {
  const server = await connect({ dataDir }, { purpose: 'start', clock, log: () => {} })
  try {
    const beside = await connect({ dataDir }, { purpose: 'backup', clock, log: () => {} })
    assert.equal(beside.how, 'running')
    await beside.close()
    await assert.rejects(lockData(dataDir, 'start', clock), /is in use by custos process \d+ \(start\)/)
    assert.match((await custos(['restore', 'x'])).stderr, /Cannot restore: .* is in use by custos process/)
    assert.equal((await custos(['backup', join(dir, 'beside.tar.gz')])).code, 0)
    await server.db.query('SELECT 1')
  } finally {
    await server.close()
  }
})

test('a data folder without a database is told, and not made by looking', async () => {
  const { code, stderr } = await custos(['ledger', 'verify', '--data', 'fresh'])
  assert.equal(code, 1)
  assert.match(stderr, /Cannot run "ledger verify": there is no database in .*fresh; give the data folder/)
  assert.ok(!(await readdir(dir)).includes('fresh'))
})

test('an explanation prints each step under its cause, with reasons, and says when a replay differs', async () => {
  const step = (title: string, children: Step[] = []): Step => ({
    title,
    atMs: 0,
    because: [{ name: 'match.media', value: 14, because: 'of 256 bits\u001b[31m' }],
    children,
  })
  const text = explanationText({
    decisionId: 'd1',
    tree: step('message.sent', [step('Rule held', [step('Decision')]), step('Job')]),
    replay: { same: false, detail: 'one consequence is missing' },
    rule: { same: true, detail: 'holds again' },
  })
  assert.match(text, /^message\.sent$/m)
  assert.match(text, /^├─ Rule held$/m)
  assert.match(text, /^│ {2}└─ Decision$/m)
  assert.match(text, /^└─ Job$/m)
  assert.match(text, /match\.media = 14: of 256 bits \[31m/)
  assert.match(text, /^DIFFERS {2}consequences: one consequence is missing$/m)
  const none = await custos(['explain', '01890000-0000-7000-8000-000000000000'])
  assert.match(none.stderr, /Cannot explain: tenant "default" has no decision/)
})

test('errors are shown as lines, with every problem and without a stack', () => {
  const error = new InputError('Cannot load rule "a"', [{ field: 'when', problem: 'is empty', line: 3, column: 5 }])
  assert.equal(errorLines(error), 'custos: Cannot load rule "a"\n  when is empty (line 3, column 5)\n')
  assert.match(errorLines(new Error('x'), true), /at /)
  assert.equal(
    table([
      ['a', 'b'],
      ['ccc', 'd'],
    ]),
    'a    b\nccc  d\n',
  )
})
