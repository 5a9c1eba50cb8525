import { Pool, types, type PoolClient } from 'pg'

export type Row = Record<string, unknown>

/** Runs SQL and answers its rows. A `name` makes it a prepared statement, for hot paths. */
export type Query = <R extends object = Row>(sql: string, params?: readonly unknown[], name?: string) => Promise<R[]>

/** One transaction: everything run through it commits together or not at all. */
export type Tx = {
  query: Query
  /** Runs after the commit, in order; for waking consumers and refreshing caches. Never runs on rollback. */
  afterCommit: (action: () => void) => void
}

export type Database = {
  query: Query
  /** Runs `work` again, from the start, when the database chose it as the victim of a deadlock. */
  transaction: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  /** A dedicated connection, for COPY, LISTEN and session locks. The caller must release it. */
  connect: () => Promise<PoolClient>
  close: () => Promise<void>
}

// int8 arrives as text by default; our counts and milliseconds stay far below 2^53.
types.setTypeParser(20, Number)

export type DatabaseOptions = {
  connectionString?: string
  host?: string
  user?: string
  password?: string
  database?: string
  poolSize?: number
  /** Told about connections that break while idle, so that a database restart is visible in the log. */
  onIdleError?: (error: Error) => void
}

/** Opens a pool of connections to PostgreSQL 15 or newer. Connects lazily; nothing is checked here. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new Pool({
    ...(options.connectionString === undefined
      ? { host: options.host, user: options.user, password: options.password, database: options.database }
      : { connectionString: options.connectionString }),
    max: options.poolSize ?? 12,
    // Below this a restarting database would fail requests that a short wait could have served.
    connectionTimeoutMillis: 10_000,
    application_name: 'custos',
  })
  let closing = false
  // While the pool closes, the server may be gone before its last connection has heard so.
  pool.on('error', (error) => {
    if (!closing) options.onIdleError?.(error)
  })

  const run = async <R extends object>(
    on: Pool | PoolClient,
    sql: string,
    params?: readonly unknown[],
    name?: string,
  ) =>
    (
      await on.query<R>(
        name === undefined
          ? { text: sql, values: params as unknown[] }
          : { name, text: sql, values: params as unknown[] },
      )
    ).rows

  const once = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    const client = await pool.connect()
    // A client that loses its server emits 'error' as well as rejecting its query; unheard it would end the process.
    const onError = () => {}
    client.on('error', onError)
    const actions: (() => void)[] = []
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work({
        query: <R extends object>(sql: string, params?: readonly unknown[], name?: string) =>
          run<R>(client, sql, params, name),
        afterCommit: (action) => void actions.push(action),
      })
      await client.query('COMMIT')
      for (const action of actions) action()
      return result
    } catch (error) {
      await client.query('ROLLBACK').catch((rollbackError: Error) => (broken = rollbackError))
      throw error
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  return {
    query: <R extends object>(sql: string, params?: readonly unknown[], name?: string) =>
      run<R>(pool, sql, params, name),
    async transaction(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(work)
        } catch (error) {
          // Two transactions that locked the same subjects in different order: one of them is told to try again.
          if (attempt >= deadlockAttemptsMax || !isDeadlock(error)) throw error
        }
      }
    },
    connect: () => pool.connect(),
    close() {
      closing = true
      return pool.end()
    },
  }
}

/** Whether an error means that the database could not be reached or went away, so that trying again may help. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, syscall } = error as { code?: unknown; syscall?: unknown }
  if (typeof code === 'string') {
    // A file that is missing says so by the same code as a socket that is missing.
    if (code === 'ENOENT' && syscall !== 'connect') return false
    if (
      [
        'ECONNREFUSED',
        'ECONNRESET',
        'ENOENT',
        'EPIPE',
        'ETIMEDOUT',
        '57P01',
        '57P02',
        '57P03',
        '08006',
        '08001',
        '08003',
        '53300',
      ].includes(code)
    )
      return true
  }
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Cannot use a pool after/.test(
    error.message,
  )
}

const deadlockAttemptsMax = 5

function isDeadlock(error: unknown): boolean {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return code === '40P01' || code === '40001'
}

/** Whether an error is a unique-key conflict. */
export function isConflict(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === '23505'
}

/**
 * JSON for a jsonb column. PostgreSQL stores neither NUL nor lone surrogates; both become U+FFFD, so that hostile text
 * can be recorded instead of failing the transaction that wants to record it.
 */
export function toJsonb(value: unknown): string {
  return JSON.stringify(storable(value))
}

/** The value as PostgreSQL gives it back from a jsonb column; the very same one when nothing in it is hostile. */
export function storable<T>(value: T): T {
  return isStorable(value) ? value : (cleaned(value) as T)
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\u0000')
  if (Array.isArray(value)) return value.every(isStorable)
  if (typeof value !== 'object' || value === null) return true
  for (const key in value) if (!isStorable(key) || !isStorable((value as Record<string, unknown>)[key])) return false
  return true
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\u0000', '\uFFFD')
  if (Array.isArray(value)) return value.map(cleaned)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [cleaned(key), cleaned(entry)]))
  return value
}
