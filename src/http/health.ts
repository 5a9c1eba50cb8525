import type { Clock } from '../domain/ids.ts'
import type { Database } from '../storage/database.ts'
import { selectLag, selectMigrations } from '../storage/health.ts'

export type Check = { name: string; ok: boolean; detail: string }

/** A consumer of events further behind than this makes the process unready. */
export const lagMsMax = 60_000

/** Whether the process can do its work: database, migrations, stream, index. Never throws; each check says what it found. */
export async function readiness(deps: {
  db: Database
  clock: Clock
  /** Names of the migrations of this release. */
  migrations: readonly string[]
  /** How far the indexes of tenants are loaded ahead of their first lookups. */
  loaded?: () => { tenants: number; tenantsReady: number; entries: number; entriesReady: number }
  lagMsMax?: number
  timeoutMs?: number
}): Promise<{ ok: boolean; checks: Check[] }> {
  const { db, clock, timeoutMs = 2_000 } = deps
  const check = async (name: string, run: () => Promise<{ ok: boolean; detail: string }>): Promise<Check> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_done, fail) => {
      timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    })
    try {
      return { name, ...(await Promise.race([run(), late])) }
    } catch (error) {
      return { name, ok: false, detail: (error as Error).message.slice(0, 200) || 'not reachable' }
    } finally {
      clearTimeout(timer)
    }
  }
  const index = () => {
    const { tenants, tenantsReady, entries, entriesReady } = deps.loaded!()
    const detail = `${tenantsReady} of ${tenants} tenants loaded, ${entriesReady} of ${entries} bank entries`
    return Promise.resolve({ ok: tenantsReady === tenants, detail })
  }
  const checks = await Promise.all([
    check('database', async () => {
      await db.query('SELECT 1')
      return { ok: true, detail: 'answers' }
    }),
    check('migrations', async () => {
      const ran = await selectMigrations(db.query)
      const missing = deps.migrations.filter((name) => !ran.has(name))
      return { ok: missing.length === 0, detail: missing.length === 0 ? 'all ran' : `missing: ${missing.join(', ')}` }
    }),
    check('stream', async () => {
      const limitMs = deps.lagMsMax ?? lagMsMax
      const worst = Math.max(0, ...(await selectLag(db.query, clock())).map(({ lagMs }) => lagMs))
      return { ok: worst <= limitMs, detail: `${Math.round(worst / 1_000)} s behind, limit ${limitMs / 1_000} s` }
    }),
    ...(deps.loaded === undefined ? [] : [check('index', index)]),
  ])
  return { ok: checks.every(({ ok }) => ok), checks }
}
