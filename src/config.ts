import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { InputError, quote, type FieldProblem } from './domain/error.ts'

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

export type OidcConfig = {
  issuer: string
  clientId: string
  clientSecret: string
  /** Claim of the identity token that lists groups, and which group gets which role: `trust-reviewers=reviewer`. */
  groupsClaim: string
  roles: Record<string, string>
}

export type Config = {
  /** Folder of everything that Custos keeps; absolute. */
  dataDir: string
  host: string
  /** 0 takes any free port. */
  port: number
  /** PostgreSQL 15 or newer; absent: the private one in the data folder. */
  databaseUrl?: string
  kafkaBrokers: string[]
  valkeyUrl?: string
  /** Program that decodes video and audio; `ffprobe` is looked for beside it. */
  ffmpeg: string
  /** Folder with ONNX models; absent: model signals are off. */
  modelsDir?: string
  oidc?: OidcConfig
  /** Hosts that media may be fetched from; `*.example.org` covers subdomains. Empty: media by URL is refused. */
  mediaHosts: string[]
  /** 32 bytes that seal the vault keys and sign links; `ensureSecretKey` finds or makes it when the environment has none. */
  secretKey?: Uint8Array
  logLevel: LogLevel
}

export type Setting = { name: string; byDefault: string; meaning: string }

/** Every environment variable that Custos reads, for `custos --help`, the guide and the status page. */
export const settings: readonly Setting[] = [
  { name: 'CUSTOS_DATA', byDefault: './data', meaning: 'folder of the private database, media, keys and logs' },
  { name: 'CUSTOS_HOST', byDefault: '127.0.0.1', meaning: 'address that the API and console listen on' },
  { name: 'CUSTOS_PORT', byDefault: '7070', meaning: 'port that they listen on; 0 takes any free one' },
  { name: 'DATABASE_URL', byDefault: '(private PostgreSQL 18)', meaning: 'a PostgreSQL 15 or newer of yours' },
  { name: 'KAFKA_BROKERS', byDefault: '(in-process streams)', meaning: 'host:port list of a Kafka cluster for events' },
  { name: 'VALKEY_URL', byDefault: '(features in process)', meaning: 'redis:// address of features shared by workers' },
  { name: 'FFMPEG', byDefault: 'ffmpeg', meaning: 'program that decodes video and audio' },
  { name: 'CUSTOS_MODELS', byDefault: '(off)', meaning: 'folder with ONNX models for model signals' },
  { name: 'CUSTOS_OIDC_ISSUER', byDefault: '(off)', meaning: 'https address of the identity provider for staff' },
  { name: 'CUSTOS_OIDC_CLIENT_ID', byDefault: '', meaning: 'client id at that provider' },
  { name: 'CUSTOS_OIDC_CLIENT_SECRET', byDefault: '', meaning: 'client secret at that provider' },
  { name: 'CUSTOS_OIDC_GROUPS_CLAIM', byDefault: 'groups', meaning: 'claim that lists the groups of a person' },
  { name: 'CUSTOS_OIDC_ROLES', byDefault: '', meaning: 'group=role list: trust-leads=admin,trust-staff=reviewer' },
  { name: 'CUSTOS_MEDIA_HOSTS', byDefault: '(none)', meaning: 'hosts that media may be fetched from: *.example.org' },
  { name: 'CUSTOS_SECRET_KEY', byDefault: '(made in the data folder)', meaning: '32 bytes in base64 or hexadecimal' },
  { name: 'CUSTOS_URL', byDefault: 'http://127.0.0.1:7070', meaning: 'where "custos ingest" sends events' },
  { name: 'CUSTOS_KEY', byDefault: '', meaning: 'API key that "custos ingest" sends them with' },
  { name: 'CUSTOS_LOG', byDefault: 'info; warn on a terminal', meaning: `how much is logged: ${logLevels.join(', ')}` },
]

/** Variables of the test runner, which programs under test inherit. */
const testPrefix = 'CUSTOS_TEST_'

export type Environment = Record<string, string | undefined>
export type Overrides = { dataDir?: string; port?: string; host?: string }

/**
 * Reads the configuration from the environment and command line; an empty variable counts as absent.
 * Throws one InputError that names every variable that is wrong. Touches no files.
 */
export function readConfig(env: Environment, cwd: string, overrides: Overrides = {}): Config {
  const problems: FieldProblem[] = []
  const get = (name: string) => {
    const value = env[name]?.trim()
    return value === undefined || value === '' ? undefined : value
  }
  const bad = (field: string, value: string, problem: string) =>
    void problems.push({ field, problem, value: /SECRET|DATABASE_URL/.test(field) ? '(hidden)' : quote(value) })

  for (const name of Object.keys(env))
    if (
      name.startsWith('CUSTOS_') &&
      !name.startsWith(testPrefix) &&
      !settings.some((setting) => setting.name === name)
    )
      bad(name, env[name] ?? '', `is not a setting of this release; did you mean ${nearest(name)}?`)

  const portName = overrides.port === undefined ? 'CUSTOS_PORT' : '--port'
  const portText = overrides.port ?? get('CUSTOS_PORT') ?? '7070'
  const port = Number(portText)
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) bad(portName, portText, 'must be a whole number from 0 to 65535')

  const databaseUrl = get('DATABASE_URL')
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\/./.test(databaseUrl))
    bad('DATABASE_URL', databaseUrl, 'must look like postgresql://user:password@host:5432/database')

  const kafkaBrokers = list(get('KAFKA_BROKERS'))
  for (const broker of kafkaBrokers)
    if (!/^[^\s:/]+:\d{1,5}$/.test(broker)) bad('KAFKA_BROKERS', broker, 'must be host:port, separated by commas')

  const valkeyUrl = get('VALKEY_URL')
  if (valkeyUrl !== undefined && !/^(redis|rediss|valkey|valkeys):\/\/./.test(valkeyUrl))
    bad('VALKEY_URL', valkeyUrl, 'must look like redis://host:6379')

  const mediaHosts = list(get('CUSTOS_MEDIA_HOSTS')).map((host) => host.toLowerCase())
  for (const host of mediaHosts)
    if (!/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(host))
      bad('CUSTOS_MEDIA_HOSTS', host, 'must be a host name without scheme or port; *.example.org covers subdomains')

  const secretText = get('CUSTOS_SECRET_KEY')
  const secretKey = secretText === undefined ? undefined : decodeKey(secretText)
  if (secretText !== undefined && secretKey === undefined)
    bad('CUSTOS_SECRET_KEY', '', 'must be 32 bytes as 64 hexadecimal digits or as base64')

  const logLevel = get('CUSTOS_LOG') ?? 'info'
  if (!isLogLevel(logLevel)) bad('CUSTOS_LOG', logLevel, `must be one of ${logLevels.join(', ')}`)

  const oidc = readOidc(get, bad)
  if (problems.length > 0)
    throw new InputError(`Cannot start: ${problems.length === 1 ? 'a setting is' : 'settings are'} wrong`, problems)
  return {
    dataDir: resolve(cwd, overrides.dataDir ?? get('CUSTOS_DATA') ?? 'data'),
    host: overrides.host ?? get('CUSTOS_HOST') ?? '127.0.0.1',
    port,
    databaseUrl,
    kafkaBrokers,
    valkeyUrl,
    ffmpeg: get('FFMPEG') ?? 'ffmpeg',
    modelsDir: get('CUSTOS_MODELS') === undefined ? undefined : resolve(cwd, get('CUSTOS_MODELS')!),
    oidc,
    mediaHosts,
    secretKey,
    logLevel: isLogLevel(logLevel) ? logLevel : 'info',
  }
}

/** Name of the file in the data folder that holds the secret key when the environment does not. */
export const secretKeyFile = 'secret.key'

/**
 * The 32-byte secret key: from the environment, else from the data folder, where it is made (readable by its owner
 * only) when there is none yet. Whoever loses it can no longer open what the vault sealed.
 */
export async function ensureSecretKey(config: Config): Promise<Uint8Array> {
  if (config.secretKey !== undefined) return config.secretKey
  await mkdir(config.dataDir, { recursive: true })
  const path = join(config.dataDir, secretKeyFile)
  if (!existsSync(path)) {
    // Written whole before it gets its name: two programs that start at once must end up with the same key.
    const draft = `${path}.${randomBytes(6).toString('hex')}`
    await writeFile(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true })
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    await unlink(draft)
  }
  const key = decodeKey((await readFile(path, 'utf8')).trim())
  if (key === undefined)
    throw new Error(
      `Cannot read the secret key: ${path} does not hold 32 bytes in hexadecimal; restore it from a backup`,
    )
  return key
}

function readOidc(
  get: (name: string) => string | undefined,
  bad: (field: string, value: string, problem: string) => void,
): OidcConfig | undefined {
  const names = ['CUSTOS_OIDC_ISSUER', 'CUSTOS_OIDC_CLIENT_ID', 'CUSTOS_OIDC_CLIENT_SECRET'] as const
  const [issuer, clientId, clientSecret] = names.map(get)
  if (issuer === undefined && clientId === undefined && clientSecret === undefined) return undefined
  for (const name of names)
    if (get(name) === undefined) bad(name, '', `is needed as well: ${names.join(', ')} belong together`)
  if (
    issuer !== undefined &&
    !/^https:\/\/./.test(issuer) &&
    !/^http:\/\/(localhost|127\.0\.0\.1)(:|\/|$)/.test(issuer)
  )
    bad('CUSTOS_OIDC_ISSUER', issuer, 'must be an https address')
  const mapping: Record<string, string> = {}
  for (const pair of list(get('CUSTOS_OIDC_ROLES'))) {
    const [group, role, ...rest] = pair.split('=')
    if (group === undefined || group === '' || role === undefined || role === '' || rest.length > 0)
      bad('CUSTOS_OIDC_ROLES', pair, 'must be group=role, separated by commas')
    else mapping[group] = role
  }
  return {
    issuer: issuer ?? '',
    clientId: clientId ?? '',
    clientSecret: clientSecret ?? '',
    groupsClaim: get('CUSTOS_OIDC_GROUPS_CLAIM') ?? 'groups',
    roles: mapping,
  }
}

function decodeKey(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return new Uint8Array(Buffer.from(text, 'hex'))
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === 32 ? new Uint8Array(bytes) : undefined
}

function list(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text)
}

function nearest(name: string): string {
  const ranked = settings.map((setting) => ({ name: setting.name, distance: editDistance(name, setting.name) }))
  return ranked.sort((a, b) => a.distance - b.distance)[0]!.name
}

/** Levenshtein distance: insertions, deletions and substitutions that turn one word into the other. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
