import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApp, type App } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { scopes, type Role } from '../src/domain/staff.ts'
import { createKey, createPerson, createSignInLink, defaultTenantId } from '../src/http/access.ts'
import { createClient, type Client } from '../src/http/client.ts'
import { createLedger } from '../src/ledger/ledger.ts'
import { projectors } from '../src/app.ts'
import type { Database } from '../src/storage/database.ts'
import { testDatabase, whenDone } from './database.ts'

export type TestApp = {
  app: App
  db: Database
  url: string
  dataDir: string
  /** The environment in which a command works on this installation. */
  env: Record<string, string>
  /** A platform with every scope. */
  platform: Client
  key: string
  /** A signed-in member of the staff, as the console is: a cookie and requests from the same origin. */
  staff: (
    roles: readonly Role[],
    name?: string,
    tenantId?: string,
  ) => Promise<Client & { cookie: string; personId: string }>
  logged: string[]
}

/** The whole product in this process, on a database of its own, with every answer held against its contract. */
export async function testApp(options: { demo?: boolean; env?: Record<string, string> } = {}): Promise<TestApp> {
  const db = await testDatabase()
  const { host, user, password, database } = db.options
  const dataDir = mkdtempSync(join(tmpdir(), 'custos-app-'))
  const databaseUrl = `postgres://${user}:${encodeURIComponent(password)}@/${database}?host=${encodeURIComponent(host)}`
  const env = { DATABASE_URL: databaseUrl, CUSTOS_DATA: dataDir }
  const config = readConfig({ ...env, CUSTOS_PORT: '0', CUSTOS_LOG: 'warn', ...options.env }, dataDir)
  config.secretKey = randomBytes(32)
  const logged: string[] = []
  const app = await startApp(config, {
    log: (line) => void logged.push(line),
    checkResponses: true,
    demo: options.demo,
  })
  whenDone(async () => {
    await app.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  const deps = {
    ledger: createLedger({ projectors, clock: () => Date.now(), randomBytes }),
    clock: () => Date.now(),
    randomBytes,
  }
  const author = { kind: 'system', part: 'test' } as const
  const { token: key } = await db.transaction((tx) =>
    createKey(tx, deps, defaultTenantId, { name: 'platform', scopes }, author),
  )
  let people = 0
  return {
    app,
    db,
    url: app.url,
    dataDir,
    env,
    key,
    platform: createClient({ baseUrl: app.url, key }),
    async staff(roles, name = `Person ${people + 1}`, tenantId = defaultTenantId) {
      const handle = `person${++people}@example.org`
      const personId = await db.transaction((tx) => createPerson(tx, deps, tenantId, { handle, name, roles }, author))
      const link = await db.transaction((tx) => createSignInLink(tx, deps, tenantId, personId!))
      const entered = await fetch(`${app.url}/sign-in`, {
        method: 'POST',
        redirect: 'manual',
        headers: { origin: app.url, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ token: link.token }),
      })
      const cookie = entered.headers.getSetCookie()[0]?.split(';')[0]
      if (cookie === undefined) throw new Error(`signing in answered ${entered.status}`)
      return {
        ...createClient({ baseUrl: app.url, headers: { cookie, origin: app.url } }),
        cookie,
        personId: personId!,
      }
    },
    logged,
  }
}
