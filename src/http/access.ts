import type { Author } from '../domain/entry.ts'
import { InputError, quote } from '../domain/error.ts'
import { uuidv7, type Clock, type RandomBytes } from '../domain/ids.ts'
import { roles, scopes, type Role, type Scope } from '../domain/staff.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { Ledger } from '../ledger/ledger.ts'
import {
  anyoneSignedIn,
  consumeSignInLink,
  insertKey,
  insertPerson,
  insertSession,
  insertSignInLink,
  insertSubjectLink,
  lockAdmins,
  selectSubjectLink,
  setRoles,
  updatePerson,
} from '../storage/access.ts'
import type { Database, Query, Tx } from '../storage/database.ts'
import { insertTenant } from '../storage/tenants.ts'
import { sessionIdleMs } from './auth.ts'
import { problem } from './problem.ts'
import { hashToken, randomToken } from './secrets.ts'

/** The tenant of a fresh installation. Its admins run the installation: they make other tenants. */
export const defaultTenantId = 'default'
export const signInLinkMs = 15 * 60_000

export type AccessDeps = { ledger: Ledger; clock: Clock; randomBytes: RandomBytes }
export type Changes = Record<string, { before: unknown; after: unknown }>

/** Staff, keys and settings are no actors of the platform; the prefix keeps them apart from ids that platforms choose. */
export function staffSubject(kind: 'tenant' | 'person' | 'key' | 'webhook' | 'exchange', id: string): SubjectRef {
  return { kind: 'actor', id: `custos.${kind}:${id}` }
}

/** Writes a change of settings, people or keys into the ledger, in the transaction that makes it. */
export async function recordChange(
  tx: Tx,
  deps: AccessDeps,
  tenantId: string,
  author: Author,
  subject: SubjectRef,
  changes: Changes,
): Promise<void> {
  if (Object.keys(changes).length === 0) return
  await deps.ledger.append(tx, tenantId, [
    {
      kind: 'settings.changed',
      subject,
      occurredAtMs: deps.clock(),
      author,
      automation: author.kind === 'person' || author.kind === 'platform' ? 'none' : 'full',
      because: [],
      body: { changes },
    },
  ])
}

const keyAlphabet = '0123456789abcdefghijklmnopqrstuvwxyz'

export type NewKey = { name: string; scopes: readonly Scope[]; expiresMs?: number; createdBy?: string }

/** Makes an API key and answers its token, which is shown this once: only its hash is kept. */
export async function createKey(
  tx: Tx,
  deps: AccessDeps,
  tenantId: string,
  key: NewKey,
  author: Author,
): Promise<{ id: string; token: string; createdMs: number }> {
  const unknown = key.scopes.filter((scope) => !scopes.includes(scope))
  if (unknown.length > 0)
    throw new InputError(`Unknown scope ${quote(unknown[0])}`, [
      { field: 'scopes', problem: `unknown; the scopes are ${scopes.join(', ')}`, value: quote(unknown) },
    ])
  // 256 is no multiple of 36; the id is a name, not a secret, so that its slight bias harms nobody.
  const id = Array.from(deps.randomBytes(8), (byte) => keyAlphabet[byte % keyAlphabet.length]).join('')
  const secret = randomToken(deps.randomBytes)
  const nowMs = deps.clock()
  await insertKey(tx, {
    id,
    tenantId,
    name: key.name,
    hash: hashToken(secret),
    scopes: [...new Set(key.scopes)],
    createdMs: nowMs,
    createdBy: key.createdBy ?? null,
    expiresMs: key.expiresMs ?? null,
  })
  await recordChange(tx, deps, tenantId, author, staffSubject('key', `ck_${id}`), {
    [`keys.ck_${id}`]: {
      before: null,
      after: { name: key.name, scopes: key.scopes, expiresMs: key.expiresMs ?? null },
    },
  })
  return { id: `ck_${id}`, token: `ck_${id}_${secret}`, createdMs: nowMs }
}

/** A handle as it is stored and compared. Throws an InputError for what cannot be one. */
export function parseHandle(text: string): string {
  const handle = text.trim().normalize('NFKC').toLowerCase()
  if (!/^[^\s\p{C}]{1,200}$/u.test(handle))
    throw new InputError('The handle cannot be used', [
      { field: 'handle', problem: 'must be 1 to 200 characters without spaces', value: quote(text), limit: 200 },
    ])
  return handle
}

export type NewPerson = { handle: string; name: string; roles: readonly Role[] }

/** Makes a person with roles in a tenant; undefined when the handle is taken. */
export async function createPerson(
  tx: Tx,
  deps: AccessDeps,
  tenantId: string,
  person: NewPerson,
  author: Author,
): Promise<string | undefined> {
  const unknown = person.roles.filter((role) => !roles.includes(role))
  if (unknown.length > 0 || person.roles.length === 0)
    throw new InputError('The roles cannot be given', [
      { field: 'roles', problem: `must be one or more of ${roles.join(', ')}`, value: quote(person.roles) },
    ])
  const nowMs = deps.clock()
  const id = uuidv7(nowMs, deps.randomBytes)
  if (!(await insertPerson(tx, { id, handle: parseHandle(person.handle), name: person.name, nowMs }))) return undefined
  await setRoles(tx, tenantId, id, person.roles)
  await recordChange(tx, deps, tenantId, author, staffSubject('person', id), {
    [`people.${id}.roles`]: { before: null, after: person.roles },
  })
  return id
}

/** Makes a link that signs a person in once, within 15 minutes. Answers its token for `/sign-in?token=…`. */
export async function createSignInLink(
  tx: Tx,
  deps: AccessDeps,
  tenantId: string,
  personId: string,
): Promise<{ token: string; expiresMs: number }> {
  const token = randomToken(deps.randomBytes)
  const nowMs = deps.clock()
  const expiresMs = nowMs + signInLinkMs
  await insertSignInLink(tx, { hash: hashToken(token), personId, tenantId, nowMs, expiresMs })
  return { token, expiresMs }
}

/** Starts a session and answers its token for the cookie. */
export async function startSession(tx: Tx, deps: AccessDeps, tenantId: string, personId: string): Promise<string> {
  const token = randomToken(deps.randomBytes)
  const nowMs = deps.clock()
  await insertSession(tx, { hash: hashToken(token), personId, tenantId, nowMs, expiresMs: nowMs + sessionIdleMs })
  await updatePerson(tx, personId, { lastSignInMs: nowMs })
  return token
}

/** Uses a sign-in link up and starts a session; undefined when the link is unknown, used or too old. */
export async function signInWithLink(tx: Tx, deps: AccessDeps, linkToken: string): Promise<string | undefined> {
  const link = await consumeSignInLink(tx, hashToken(linkToken), deps.clock())
  return link === undefined ? undefined : startSession(tx, deps, link.tenantId, link.personId)
}

/**
 * Makes sure that somebody can get in: the default tenant, an administrator when there is none, and a sign-in link when
 * no administrator ever signed in, or when asked for one. Answers the link's token.
 */
export function ensureFirstAdmin(
  db: Database,
  deps: AccessDeps,
  options: { always?: boolean } = {},
): Promise<{ token: string; expiresMs: number; path: string } | undefined> {
  return db.transaction(async (tx) => {
    await insertTenant(tx, { id: defaultTenantId, name: 'Default', nowMs: deps.clock() })
    const admins = await lockAdmins(tx, defaultTenantId)
    let personId = admins[0]
    if (personId === undefined) {
      const author: Author = { kind: 'system', part: 'start' }
      const person = (handle: string): NewPerson => ({ handle, name: 'Administrator', roles: ['admin'] })
      personId =
        (await createPerson(tx, deps, defaultTenantId, person('admin'), author)) ??
        // "admin" may have been taken by somebody who has lost the role since.
        (await createPerson(tx, deps, defaultTenantId, person(`admin-${deps.clock()}`), author))
    } else if (!options.always && (await anyoneSignedIn(tx.query, defaultTenantId))) return undefined
    const link = await createSignInLink(tx, deps, defaultTenantId, personId!)
    return { ...link, path: `/sign-in?token=${link.token}` }
  })
}

/** Makes a link by which an affected actor sees their own page. Answers its token for `/me/{token}`. */
export async function createSubjectLink(
  tx: Tx,
  deps: AccessDeps,
  tenantId: string,
  link: { actorId: string; ttlMs: number },
): Promise<{ token: string; expiresMs: number }> {
  const token = randomToken(deps.randomBytes)
  const nowMs = deps.clock()
  const expiresMs = nowMs + link.ttlMs
  await insertSubjectLink(tx, { hash: hashToken(token), tenantId, actorId: link.actorId, nowMs, expiresMs })
  return { token, expiresMs }
}

/** Whose page a token of `/me/{token}` opens; undefined when it is unknown, expired or taken back. */
export async function resolveSubjectLink(
  query: Query,
  token: string,
  nowMs: number,
): Promise<{ tenantId: string; actorId: string } | undefined> {
  if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return undefined
  const link = await selectSubjectLink(query, hashToken(token))
  return link === undefined || link.expiresMs <= nowMs ? undefined : { tenantId: link.tenantId, actorId: link.actorId }
}

/** Throws 409 when the change would leave a tenant without anyone who can administrate it. */
export async function keepAnAdmin(tx: Tx, tenantId: string, leavingPersonId: string): Promise<void> {
  const admins = await lockAdmins(tx, tenantId)
  if (admins.length === 1 && admins[0] === leavingPersonId)
    throw problem(
      409,
      'The last administrator stays',
      'This person is the only one who can administrate this tenant. Give the role "admin" to somebody else first.',
    )
}
