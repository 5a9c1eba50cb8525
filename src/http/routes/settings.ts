import { checkSettings, type TenantSettings } from '../../domain/settings.ts'
import { setRoles } from '../../storage/access.ts'
import type { Database } from '../../storage/database.ts'
import type { SettingsReader } from '../../storage/settings.ts'
import { insertTenant, selectTenant, selectTenants, updateTenant, type TenantRow } from '../../storage/tenants.ts'
import { defaultTenantId, recordChange, staffSubject, type AccessDeps, type Changes } from '../access.ts'
import * as contract from '../contract/settings.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'

export type SettingsRouteDeps = AccessDeps & { db: Database; settings: SettingsReader }

/** Tenants, and what each may set for itself. */
export function settingsRoutes(mount: Mount, deps: SettingsRouteDeps): void {
  const { db } = deps

  mount(contract.listTenants, async ({ query, principal }) => {
    const limit = query.limit ?? 50
    const rows = await selectTenants(db.query, {
      after: query.after === undefined ? '' : decodeCursor(query.after, 1)[0]!,
      limit: limit + 1,
      ...(runsInstallation(principal) ? {} : { ids: [principal.tenantId] }),
    })
    const page = rows.slice(0, limit)
    return { items: page.map(tenantOf), next: rows.length > limit ? encodeCursor([page.at(-1)!.id]) : null }
  })
  mount(contract.createTenant, async ({ body, principal, reply }) => {
    if (!runsInstallation(principal))
      throw problem(403, 'Not allowed', 'Only administrators of the installation (tenant "default") make tenants.')
    const row = await db.transaction(async (tx) => {
      if (!(await insertTenant(tx, { id: body.id, name: body.name, nowMs: deps.clock() })))
        throw problem(409, 'The tenant exists already', `There is a tenant "${body.id}" already.`)
      if (principal.kind === 'person') await setRoles(tx, body.id, principal.id, ['admin'])
      await recordChange(tx, deps, body.id, authorOf(principal), staffSubject('tenant', body.id), {
        tenant: { before: null, after: { id: body.id, name: body.name } },
      })
      return (await selectTenant(tx.query, body.id))!
    })
    reply.header('etag', etagOf(row))
    return tenantOf(row)
  })
  mount(contract.getSettings, async ({ principal, reply }) => {
    const row = await selectTenant(db.query, principal.tenantId)
    if (row === undefined) throw notFound('tenant', principal.tenantId)
    reply.header('etag', etagOf(row))
    return tenantOf(row)
  })
  mount(contract.updateSettings, async ({ body, principal, request, reply }) => {
    const { name, ...changed } = body
    checkSettings(changed)
    const row = await db.transaction(async (tx) => {
      const before = await selectTenant(tx.query, principal.tenantId, true)
      if (before === undefined) throw notFound('tenant', principal.tenantId)
      requireMatch(request.headers['if-match'], etagOf(before), 'settings')
      const settings: TenantSettings = { ...before.settings, ...changed }
      const changes: Changes = {}
      for (const field of Object.keys(changed) as (keyof TenantSettings)[])
        if (JSON.stringify(before.settings[field]) !== JSON.stringify(settings[field]))
          changes[field] = { before: before.settings[field], after: settings[field] }
      if (name !== undefined && name !== before.name) changes.name = { before: before.name, after: name }
      if (Object.keys(changes).length === 0) return before
      await updateTenant(tx, principal.tenantId, { name: name ?? before.name, settings })
      const subject = staffSubject('tenant', principal.tenantId)
      await recordChange(tx, deps, principal.tenantId, authorOf(principal), subject, changes)
      return (await selectTenant(tx.query, principal.tenantId))!
    })
    deps.settings.changed(principal.tenantId, row.settings)
    reply.header('etag', etagOf(row))
    return tenantOf(row)
  })
}

const runsInstallation = (principal: Principal) =>
  principal.tenantId === defaultTenantId && principal.scopes.has('settings:write')
const etagOf = (row: TenantRow) => `"${row.version}"`

function tenantOf(row: TenantRow): contract.Tenant {
  const { version: _version, ...tenant } = row
  return tenant
}
