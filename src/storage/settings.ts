import { defaultSettings, type TenantSettings } from '../domain/settings.ts'
import type { Clock } from '../domain/ids.ts'
import type { Database } from './database.ts'
import { createFresh } from './fresh.ts'
import { selectTenant, selectTenants } from './tenants.ts'

export type SettingsReader = {
  /** The settings of a tenant, at most a second old. */
  get: (tenantId: string) => Promise<TenantSettings>
  /** The settings as last read, without waiting; asks for newer ones meanwhile. The defaults until the first read. */
  current: (tenantId: string) => TenantSettings
  /** Reads the settings of all tenants, so that `current` knows them from the start. */
  load: () => Promise<void>
  /** Makes a change of this process count at once. */
  changed: (tenantId: string, settings: TenantSettings) => void
}

const staleMs = 1_000

/** Settings for hot paths, which cannot ask the database for every event. */
export function createSettingsReader({ db, clock }: { db: Database; clock: Clock }): SettingsReader {
  const last = new Map<string, TenantSettings>()
  const fresh = createFresh<TenantSettings>({
    clock,
    staleMs,
    sizeMax: 10_000,
    async load(tenantId) {
      const tenant = await selectTenant(db.query, tenantId)
      if (tenant !== undefined) last.set(tenantId, tenant.settings)
      return tenant?.settings
    },
  })
  return {
    get: async (tenantId) => (await fresh.get(tenantId)) ?? defaultSettings,
    current(tenantId) {
      // An unreachable database leaves the settings as they were known; the request itself will say what is wrong.
      void fresh.get(tenantId).catch(() => {})
      return last.get(tenantId) ?? defaultSettings
    },
    async load() {
      for (let after = ''; ;) {
        const page = await selectTenants(db.query, { after, limit: 1_000 })
        for (const tenant of page) last.set(tenant.id, tenant.settings)
        if (page.length < 1_000) break
        after = page.at(-1)!.id
      }
    },
    changed(tenantId, settings) {
      last.set(tenantId, settings)
      fresh.forget(tenantId)
    },
  }
}
