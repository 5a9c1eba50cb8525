import { randomBytes } from 'node:crypto'
import { defaultTenantId } from '../http/access.ts'
import { readConfig, type Config } from '../config.ts'
import type { Author } from '../domain/entry.ts'
import type { Clock, RandomBytes } from '../domain/ids.ts'
import { createLedger, type Ledger } from '../ledger/ledger.ts'
import { connect } from '../storage/connect.ts'
import type { Database } from '../storage/database.ts'
import { selectTenant } from '../storage/tenants.ts'
import type { Io } from './command.ts'

/** An installation as a command changes it: its database, and its ledger with every projection kept in step. */
export type Installation = {
  config: Config
  db: Database
  ledger: Ledger
  clock: Clock
  randomBytes: RandomBytes
  tenantId: string
}

/** Whoever may run commands on the data folder is the operator; the audit log names them so. */
export const operator: Author = { kind: 'person', id: 'operator', role: 'admin' }

/** Opens the installation of a command, running or not, does the work, and leaves things as they were found. */
export async function withInstallation<T>(
  io: Io,
  options: { purpose: string; data?: string; tenant?: string },
  work: (installation: Installation) => Promise<T>,
): Promise<T> {
  const config = readConfig(io.env, io.cwd, { dataDir: options.data })
  const clock = () => Date.now()
  const log = (line: string) => void io.stderr.write(`${line}\n`)
  const connection = await connect(config, { purpose: options.purpose, clock, log })
  try {
    const { projectors } = await import('../app.ts')
    const tenantId = options.tenant ?? defaultTenantId
    if ((await selectTenant(connection.db.query, tenantId)) === undefined)
      throw new Error(`Cannot run "${options.purpose}": there is no tenant "${tenantId}"; name another with --tenant`)
    const ledger = createLedger({ projectors, clock, randomBytes })
    return await work({ config, db: connection.db, ledger, clock, randomBytes, tenantId })
  } finally {
    await connection.close()
  }
}
