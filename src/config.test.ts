import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { editDistance, ensureSecretKey, readConfig, settings } from './config.ts'
import { InputError } from './domain/error.ts'

test('an empty environment gives a private database on the loopback address', () => {
  const config = readConfig({ CUSTOS_PORT: ' ', CUSTOS_TEST_MISSING: 'x' }, '/srv')
  assert.equal(config.dataDir, '/srv/data')
  assert.equal(config.host, '127.0.0.1')
  assert.equal(config.port, 7070)
  assert.equal(config.databaseUrl, undefined)
  assert.deepEqual(config.mediaHosts, [])
})

test('every wrong setting is named at once, and secrets are never quoted', () => {
  try {
    readConfig(
      {
        CUSTOS_PORT: '70700',
        DATABASE_URL: 'mysql://root:hunter2@db',
        KAFKA_BROKERS: 'one:9092, two',
        VALKEY_URL: 'db:6379',
        CUSTOS_OIDC_ISSUER: 'http://id.example.org',
        CUSTOS_MEDIA_HOSTS: 'https://cdn.example.org',
        CUSTOS_SECRET_KEY: 'hunter2',
        CUSTOS_LOG: 'loud',
        CUSTOS_DTAA: 'x',
      },
      '/srv',
    )
    assert.fail('accepted')
  } catch (error) {
    assert(error instanceof InputError)
    assert.deepEqual(error.problems.map((problem) => problem.field).sort(), [
      'CUSTOS_DTAA',
      'CUSTOS_LOG',
      'CUSTOS_MEDIA_HOSTS',
      'CUSTOS_OIDC_CLIENT_ID',
      'CUSTOS_OIDC_CLIENT_SECRET',
      'CUSTOS_OIDC_ISSUER',
      'CUSTOS_PORT',
      'CUSTOS_SECRET_KEY',
      'DATABASE_URL',
      'KAFKA_BROKERS',
      'VALKEY_URL',
    ])
    assert.doesNotMatch(JSON.stringify(error.problems), /hunter2/)
    assert.match(error.problems.find((problem) => problem.field === 'CUSTOS_DTAA')!.problem, /CUSTOS_DATA/)
  }
})

test('the command line wins over the environment', () => {
  const config = readConfig({ CUSTOS_PORT: '1', CUSTOS_DATA: '/a' }, '/srv', { port: '0', dataDir: 'b' })
  assert.equal(config.port, 0)
  assert.equal(config.dataDir, '/srv/b')
})

test('an OIDC provider is read whole, with groups mapped to roles', () => {
  const { oidc } = readConfig(
    {
      CUSTOS_OIDC_ISSUER: 'https://id.example.org',
      CUSTOS_OIDC_CLIENT_ID: 'custos',
      CUSTOS_OIDC_CLIENT_SECRET: 's',
      CUSTOS_OIDC_ROLES: 'leads=admin, staff=reviewer',
    },
    '/srv',
  )
  assert.deepEqual(oidc?.roles, { leads: 'admin', staff: 'reviewer' })
})

test('a secret key is made once, for its owner only, and found again', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'custos-key-'))
  try {
    const config = readConfig({ CUSTOS_DATA: dataDir }, '/srv')
    const [first, second] = await Promise.all([ensureSecretKey(config), ensureSecretKey(config)])
    assert.equal(first.length, 32)
    assert.deepEqual(first, second)
    assert.equal((await stat(join(dataDir, 'secret.key'))).mode & 0o777, 0o600)
    assert.equal((await readFile(join(dataDir, 'secret.key'), 'utf8')).trim(), Buffer.from(first).toString('hex'))
    await writeFile(join(dataDir, 'secret.key'), 'cut off')
    await assert.rejects(ensureSecretKey(config), /Cannot read the secret key/)
  } finally {
    await rm(dataDir, { recursive: true })
  }
})

test('a secret key from the environment may be base64 or hexadecimal', () => {
  const bytes = Buffer.alloc(32, 7)
  for (const encoding of ['hex', 'base64', 'base64url'] as const)
    assert.deepEqual(
      readConfig({ CUSTOS_SECRET_KEY: bytes.toString(encoding) }, '/').secretKey,
      new Uint8Array(bytes),
      encoding,
    )
})

test('every setting is documented with a meaning', () => {
  for (const setting of settings) assert(setting.meaning.length > 10, setting.name)
  assert.equal(editDistance('kitten', 'sitting'), 3)
})
