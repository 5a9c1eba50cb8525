import type { FastifyInstance } from 'fastify'
import { InputError, quote } from '../../domain/error.ts'
import { scopesOf, type Scope } from '../../domain/staff.ts'
import {
  bumpPerson,
  deleteSessionsOf,
  deleteSubjectLinks,
  moveSession,
  revokeKey,
  selectKeys,
  selectMemberships,
  selectPasswordHash,
  selectPeople,
  selectPerson,
  setRoles,
  updatePerson,
  type KeyRow,
  type PersonRow,
} from '../../storage/access.ts'
import type { Database, Query } from '../../storage/database.ts'
import * as access from '../access.ts'
import { requireSameOrigin, type Auth } from '../auth.ts'
import * as contract from '../contract/access.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import { hashPassword, hashToken } from '../secrets.ts'
import type { Mount } from '../server.ts'
import { createPasswordSignIn } from '../sign-in.ts'
import { signInPages } from './sign-in.ts'

export type AccessRouteDeps = access.AccessDeps & { db: Database; auth: Auth }

/** Sessions, people, keys, links for affected persons, and the sign-in page. */
export function accessRoutes(app: FastifyInstance, mount: Mount, deps: AccessRouteDeps): void {
  const { db, auth } = deps
  const passwords = createPasswordSignIn(deps)
  signInPages(app, mount, deps, passwords)

  const sessionOf = async (principal: Principal): Promise<contract.Session> => {
    const [person, tenants] = await Promise.all([
      selectPerson(db.query, principal.tenantId, principal.id),
      selectMemberships(db.query, principal.id),
    ])
    if (person === undefined) throw problem(401, 'Sign in first', 'You are no longer part of this tenant.')
    return {
      person: { id: person.id, handle: person.handle, name: person.name, hasPassword: person.hasPassword },
      tenantId: principal.tenantId,
      roles: person.roles,
      scopes: [...scopesOf(person.roles)],
      tenants,
    }
  }
  mount(contract.getSession, ({ principal }) => sessionOf(principal))
  mount(contract.signIn, async ({ body, request, reply }) => {
    requireSameOrigin(request)
    auth.setSessionCookie(request, reply, await passwords.signIn(body.handle, body.password, request.ip))
    return { ok: true }
  })
  mount(contract.switchTenant, async ({ body, principal, request }) => {
    const tenants = await selectMemberships(db.query, principal.id)
    const membership = tenants.find((tenant) => tenant.tenantId === body.tenantId)
    if (membership === undefined) throw notFound('tenant', body.tenantId)
    await db.transaction((tx) => moveSession(tx, hashToken(auth.sessionToken(request)!), body.tenantId))
    auth.forgetSessions()
    return sessionOf({ ...principal, tenantId: body.tenantId })
  })
  mount(contract.signOut, async ({ request, reply }) => {
    await auth.signOut(auth.sessionToken(request)!)
    auth.clearSessionCookie(request, reply)
    return { ok: true }
  })
  mount(contract.setPassword, async ({ body, principal, request }) => {
    const current = await selectPasswordHash(db.query, principal.id)
    if (current !== null) await passwords.confirm(principal.id, body.current ?? '', current, request.ip)
    const passwordHash = await hashPassword(body.password, deps.randomBytes)
    const sessionsEnded = await db.transaction(async (tx) => {
      await updatePerson(tx, principal.id, { passwordHash })
      await access.recordChange(
        tx,
        deps,
        principal.tenantId,
        authorOf(principal),
        access.staffSubject('person', principal.id),
        { [`people.${principal.id}.password`]: { before: current === null ? null : 'set', after: 'set' } },
      )
      return deleteSessionsOf(tx, principal.id, hashToken(auth.sessionToken(request)!))
    })
    auth.forgetSessions()
    return { ok: true, sessionsEnded }
  })

  peopleRoutes(mount, deps)
  keyRoutes(mount, deps)

  mount(contract.createSubjectLink, async ({ body, principal }) => {
    const link = await db.transaction((tx) =>
      access.createSubjectLink(tx, deps, principal.tenantId, {
        actorId: body.actorId,
        ttlMs: (body.ttlS ?? 604_800) * 1_000,
      }),
    )
    return { ...link, path: `/me/${link.token}` }
  })
  mount(contract.deleteSubjectLinks, async ({ params, principal }) => ({
    deleted: await db.transaction((tx) => deleteSubjectLinks(tx, principal.tenantId, params.actorId)),
  }))
}

function peopleRoutes(mount: Mount, deps: AccessRouteDeps): void {
  const { db, auth } = deps

  mount(contract.listPeople, async ({ query, principal }) => {
    const limit = query.limit ?? 50
    const rows = await selectPeople(db.query, principal.tenantId, {
      afterHandle: query.after === undefined ? '' : decodeCursor(query.after, 1)[0]!,
      limit: limit + 1,
      ...(query.search === undefined ? {} : { search: query.search }),
    })
    const page = rows.slice(0, limit)
    return { items: page.map(personOf), next: rows.length > limit ? encodeCursor([page.at(-1)!.handle]) : null }
  })
  mount(contract.createPerson, async ({ body, principal, reply }) => {
    refuseMore(principal, scopesOf(body.roles), 'roles')
    const row = await db.transaction(async (tx) => {
      const id = await access.createPerson(tx, deps, principal.tenantId, body, authorOf(principal))
      if (id === undefined)
        throw problem(409, 'The handle is taken', `Somebody signs in as "${quote(body.handle)}" already.`)
      return (await selectPerson(tx.query, principal.tenantId, id))!
    })
    reply.header('etag', etagOf(row)).header('location', `/v1/people/${row.id}`)
    return personOf(row)
  })
  mount(contract.getPerson, async ({ params, principal, reply }) => {
    const row = await selectPerson(db.query, principal.tenantId, params.personId)
    if (row === undefined) throw notFound('person', params.personId)
    reply.header('etag', etagOf(row))
    return personOf(row)
  })
  mount(contract.updatePerson, async ({ params, body, principal, request, reply }) => {
    if (body.roles !== undefined) refuseMore(principal, scopesOf(body.roles), 'roles')
    const row = await db.transaction(async (tx) => {
      await access.keepAnAdmin(tx, principal.tenantId, '')
      const before = await selectPerson(tx.query, principal.tenantId, params.personId)
      if (before === undefined) throw notFound('person', params.personId)
      requireMatch(request.headers['if-match'], etagOf(before), 'person')
      refuseMore(principal, scopesOf(before.roles), 'personId')
      const loses = (body.roles !== undefined && !body.roles.includes('admin')) || body.disabled === true
      if (loses) await access.keepAnAdmin(tx, principal.tenantId, before.id)
      const own = body.name !== undefined || body.disabled !== undefined
      if (own) await requireOwn(tx.query, principal, before.id)
      const disabledMs = body.disabled === undefined ? undefined : body.disabled ? deps.clock() : null
      await updatePerson(tx, before.id, { name: body.name, disabledMs })
      if (body.roles !== undefined) {
        await setRoles(tx, principal.tenantId, before.id, body.roles)
        if (!own) await bumpPerson(tx, before.id)
      }
      if (body.disabled === true) await deleteSessionsOf(tx, before.id)
      const changes: access.Changes = {}
      if (body.roles !== undefined) changes[`people.${before.id}.roles`] = { before: before.roles, after: body.roles }
      if (body.disabled !== undefined)
        changes[`people.${before.id}.disabled`] = { before: before.disabledMs !== null, after: body.disabled }
      // The name itself is personal data, which the ledger does not hold.
      if (body.name !== undefined) changes[`people.${before.id}.name`] = { before: 'was', after: 'changed' }
      await access.recordChange(
        tx,
        deps,
        principal.tenantId,
        authorOf(principal),
        access.staffSubject('person', before.id),
        changes,
      )
      return (await selectPerson(tx.query, principal.tenantId, before.id))!
    })
    auth.forgetSessions()
    reply.header('etag', etagOf(row))
    return personOf(row)
  })
  mount(contract.createSignInLink, async ({ params, principal }) => {
    const link = await db.transaction(async (tx) => {
      const person = await selectPerson(tx.query, principal.tenantId, params.personId)
      if (person === undefined) throw notFound('person', params.personId)
      refuseMore(principal, scopesOf(person.roles), 'personId')
      await requireOwn(tx.query, principal, person.id)
      const made = await access.createSignInLink(tx, deps, principal.tenantId, person.id)
      await access.recordChange(
        tx,
        deps,
        principal.tenantId,
        authorOf(principal),
        access.staffSubject('person', person.id),
        { [`people.${person.id}.signInLink`]: { before: null, after: { expiresMs: made.expiresMs } } },
      )
      return made
    })
    return { path: `/sign-in?token=${link.token}`, expiresMs: link.expiresMs }
  })
  mount(contract.endSessions, async ({ params, principal }) => {
    const ended = await db.transaction(async (tx) => {
      const person = await selectPerson(tx.query, principal.tenantId, params.personId)
      if (person === undefined) throw notFound('person', params.personId)
      const count = await deleteSessionsOf(tx, person.id)
      await access.recordChange(
        tx,
        deps,
        principal.tenantId,
        authorOf(principal),
        access.staffSubject('person', person.id),
        { [`people.${person.id}.sessions`]: { before: count, after: 0 } },
      )
      return count
    })
    auth.forgetSessions()
    return { ended }
  })
}

function keyRoutes(mount: Mount, deps: AccessRouteDeps): void {
  const { db, auth } = deps

  mount(contract.listKeys, async ({ query, principal }) => {
    const limit = query.limit ?? 50
    const [afterCreated = '-1', afterId = ''] = query.after === undefined ? [] : decodeCursor(query.after, 2)
    const rows = await selectKeys(db.query, principal.tenantId, {
      afterCreatedMs: cursorNumber(afterCreated),
      afterId,
      limit: limit + 1,
    })
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    return {
      items: page.map(keyOf),
      next: rows.length > limit && last !== undefined ? encodeCursor([String(last.createdMs), last.id]) : null,
    }
  })
  mount(contract.createKey, async ({ body, principal, reply }) => {
    refuseMore(principal, new Set(body.scopes), 'scopes')
    if (body.expiresMs !== undefined && body.expiresMs <= deps.clock())
      throw new InputError('The key would have expired already', [
        { field: 'expiresMs', problem: 'must be in the future', value: quote(body.expiresMs), limit: deps.clock() },
      ])
    const made = await db.transaction((tx) =>
      access.createKey(tx, deps, principal.tenantId, { ...body, createdBy: principal.id }, authorOf(principal)),
    )
    reply.header('location', `/v1/keys/${made.id}`)
    return {
      id: made.id,
      name: body.name,
      scopes: [...new Set(body.scopes)],
      createdMs: made.createdMs,
      createdBy: principal.id,
      expiresMs: body.expiresMs ?? null,
      lastUsedMs: null,
      revokedMs: null,
      token: made.token,
    }
  })
  mount(contract.revokeKey, async ({ params, principal }) => {
    const id = params.keyId.replace(/^ck_/, '')
    const key = await db.transaction(async (tx) => {
      const revoked = await revokeKey(tx, principal.tenantId, id, deps.clock())
      if (revoked === undefined) throw notFound('key', params.keyId)
      if (!revoked.already)
        await access.recordChange(
          tx,
          deps,
          principal.tenantId,
          authorOf(principal),
          access.staffSubject('key', `ck_${id}`),
          { [`keys.ck_${id}.revoked`]: { before: false, after: true } },
        )
      return revoked.key
    })
    auth.forgetKey(id)
    return keyOf(key)
  })
}

function personOf(row: PersonRow): contract.Person {
  const { version: _version, ...person } = row
  return person
}

function keyOf(row: KeyRow): contract.ApiKey {
  const { tenantId: _tenantId, ...key } = row
  return { ...key, id: `ck_${row.id}` }
}

const etagOf = (row: PersonRow) => `"${row.version}"`

/** Nobody hands out, or acts on, more than they may do themselves. */
function refuseMore(principal: Principal, wanted: ReadonlySet<Scope>, field: string): void {
  const more = [...wanted].filter((scope) => !principal.scopes.has(scope))
  if (more.length > 0)
    throw problem(403, 'Not allowed', `This takes scopes that ${principal.name} does not have: ${more.join(', ')}.`, [
      { field, problem: 'reaches further than the caller may', value: more.join(', ') },
    ])
}

/**
 * A person may belong to several tenants. What would let one tenant act as that person in another (a sign-in link) or
 * keep them out of it (disabling) is for the admins of the installation alone.
 */
async function requireOwn(query: Query, principal: Principal, personId: string): Promise<void> {
  if (principal.tenantId === access.defaultTenantId || principal.id === personId) return
  const elsewhere = (await selectMemberships(query, personId)).some(
    (membership) => membership.tenantId !== principal.tenantId,
  )
  if (elsewhere)
    throw problem(
      403,
      'Not allowed',
      'This person also belongs to another tenant. Only an administrator of the installation may do this.',
    )
}

function cursorNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new InputError('after is no cursor', [
      { field: 'after', problem: 'must be the `next` of the page before', value: quote(text) },
    ])
  return value
}
