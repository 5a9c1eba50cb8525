import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../domain/ids.ts'
import { dataHolder, lockData } from './data-lock.ts'
import { openDatabase, type Database } from './database.ts'
import { findEmbedded, locateEmbedded, startEmbedded } from './embedded.ts'

/** Which database: `databaseUrl` when set, else the private one of the data folder. */
export type ConnectConfig = { dataDir: string; databaseUrl?: string }

export type Connection = {
  db: Database
  /** `yours` at DATABASE_URL, `running` beside a server that holds the folder, `started` for this command alone. */
  how: 'yours' | 'running' | 'started'
  close: () => Promise<void>
}

const waitMsMax = 20_000
const retryMs = 100

/**
 * Reaches the database for one command. Beside a running server it uses that server's PostgreSQL and leaves it running;
 * otherwise it takes the data folder, starts the private PostgreSQL, and stops it again on close. Refuses a folder that
 * has no database, unless told to `make` one.
 */
export async function connect(
  config: ConnectConfig,
  options: { purpose: string; clock: Clock; log: (line: string) => void; make?: boolean },
): Promise<Connection> {
  if (config.databaseUrl !== undefined) {
    const db = openDatabase({ connectionString: config.databaseUrl, poolSize: 4 })
    return { db, how: 'yours', close: () => db.close() }
  }
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    const holder = await dataHolder(config.dataDir, options.clock)
    if (holder === undefined) break
    const access = await findEmbedded(config.dataDir)
    if (access !== undefined) {
      const db = openDatabase({ ...access, database: 'postgres', poolSize: 4 })
      return { db, how: 'running', close: () => db.close() }
    }
    // It holds the folder and is still starting its database, or stopping it.
    if (waitedMs >= waitMsMax)
      throw new Error(
        `Cannot ${options.purpose}: custos process ${holder.pid} holds ${config.dataDir}, and its database does not answer`,
      )
    await new Promise((done) => setTimeout(done, retryMs))
  }
  if (options.make !== true && !existsSync(join(locateEmbedded(config.dataDir).clusterDir, 'PG_VERSION')))
    throw new Error(
      `Cannot run "${options.purpose}": there is no database in ${config.dataDir}; give the data folder with --data or CUSTOS_DATA`,
    )
  const lock = await lockData(config.dataDir, options.purpose, options.clock)
  try {
    const embedded = await startEmbedded({ dataDir: config.dataDir, log: options.log })
    const db = openDatabase({ ...embedded, database: 'postgres', poolSize: 4 })
    return {
      db,
      how: 'started',
      async close() {
        await db.close()
        await embedded.stop()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** What lies in a folder that should be empty, locks aside; nothing when it does not exist. */
export async function contentOf(dataDir: string): Promise<string[]> {
  const names = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => !name.startsWith('custos.lock'))
}
