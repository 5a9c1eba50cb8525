import type { Role, Scope } from '../domain/staff.ts'
import type { Query, Tx } from './database.ts'

// People of the staff. A person is one across tenants; roles are held per tenant.

export type PersonRow = {
  id: string
  handle: string
  name: string
  hasPassword: boolean
  createdMs: number
  disabledMs: number | null
  lastSignInMs: number | null
  version: number
  roles: Role[]
}
const personColumns = `p.id, p.handle, p.name, p.password_hash IS NOT NULL AS "hasPassword", p.created_ms AS "createdMs",
  p.disabled_ms AS "disabledMs", p.last_sign_in_ms AS "lastSignInMs", p.version, coalesce(r.roles, '{}') AS roles`

export async function insertPerson(
  tx: Tx,
  person: { id: string; handle: string; name: string; nowMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    'INSERT INTO people (id, handle, name, created_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (handle) DO NOTHING RETURNING id',
    [person.id, person.handle, person.name, person.nowMs],
  )
  return rows.length > 0
}

/** Sets a person's roles in a tenant; none means that the person is no longer part of it. */
export async function setRoles(tx: Tx, tenantId: string, personId: string, roles: readonly Role[]): Promise<void> {
  if (roles.length === 0)
    await tx.query('DELETE FROM person_roles WHERE tenant_id = $1 AND person_id = $2', [tenantId, personId])
  else
    await tx.query(
      'INSERT INTO person_roles (tenant_id, person_id, roles) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, person_id) DO UPDATE SET roles = excluded.roles',
      [tenantId, personId, roles],
    )
}

/** A person as part of a tenant; undefined for people who hold no role there. */
export async function selectPerson(query: Query, tenantId: string, id: string): Promise<PersonRow | undefined> {
  const [row] = await query<PersonRow>(
    `SELECT ${personColumns} FROM people p JOIN person_roles r ON r.person_id = p.id AND r.tenant_id = $1 WHERE p.id::text = $2`,
    [tenantId, id],
  )
  return row
}

export async function selectPeople(
  query: Query,
  tenantId: string,
  filter: { afterHandle: string; limit: number; search?: string },
): Promise<PersonRow[]> {
  return query<PersonRow>(
    `SELECT ${personColumns} FROM people p JOIN person_roles r ON r.person_id = p.id AND r.tenant_id = $1
     WHERE p.handle > $2 AND ($4::text IS NULL OR strpos(p.handle, lower($4)) > 0 OR strpos(lower(p.name), lower($4)) > 0)
     ORDER BY p.handle LIMIT $3`,
    [tenantId, filter.afterHandle, filter.limit, filter.search ?? null],
  )
}

export async function selectPersonByHandle(
  query: Query,
  handle: string,
): Promise<{ id: string; passwordHash: string | null; disabledMs: number | null } | undefined> {
  const [row] = await query<{ id: string; passwordHash: string | null; disabledMs: number | null }>(
    'SELECT id, password_hash AS "passwordHash", disabled_ms AS "disabledMs" FROM people WHERE handle = $1',
    [handle],
  )
  return row
}

export async function selectPasswordHash(query: Query, id: string): Promise<string | null> {
  const [row] = await query<{ password_hash: string | null }>('SELECT password_hash FROM people WHERE id = $1', [id])
  return row?.password_hash ?? null
}

/** Where a person holds roles, by tenant id. */
export function selectMemberships(
  query: Query,
  personId: string,
): Promise<{ tenantId: string; name: string; roles: Role[] }[]> {
  return query(
    `SELECT r.tenant_id AS "tenantId", t.name, r.roles FROM person_roles r JOIN tenants t ON t.id = r.tenant_id
     WHERE r.person_id = $1 ORDER BY r.tenant_id`,
    [personId],
  )
}

export async function updatePerson(
  tx: Tx,
  id: string,
  change: { name?: string; disabledMs?: number | null; passwordHash?: string; lastSignInMs?: number },
): Promise<void> {
  // A sign-in is no change that anybody's If-Match should trip over.
  const counts = change.name !== undefined || change.disabledMs !== undefined
  await tx.query(
    `UPDATE people SET name = coalesce($2, name), disabled_ms = CASE WHEN $3 THEN $4::bigint ELSE disabled_ms END,
       password_hash = coalesce($5, password_hash), last_sign_in_ms = coalesce($6, last_sign_in_ms), version = version + $7::int
     WHERE id = $1`,
    [
      id,
      change.name ?? null,
      change.disabledMs !== undefined,
      change.disabledMs ?? null,
      change.passwordHash ?? null,
      change.lastSignInMs ?? null,
      counts ? 1 : 0,
    ],
  )
}

/** Raises the version of a person, so that an edit based on the older one is refused. */
export async function bumpPerson(tx: Tx, id: string): Promise<void> {
  await tx.query('UPDATE people SET version = version + 1 WHERE id = $1', [id])
}

/** Admins of a tenant who can sign in, locked, so that two of them cannot remove each other at once. */
export async function lockAdmins(tx: Tx, tenantId: string): Promise<string[]> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('admins:' || $1, 0))`, [tenantId])
  const rows = await tx.query<{ id: string }>(
    `SELECT p.id FROM people p JOIN person_roles r ON r.person_id = p.id
     WHERE r.tenant_id = $1 AND 'admin' = ANY(r.roles) AND p.disabled_ms IS NULL ORDER BY p.created_ms, p.id`,
    [tenantId],
  )
  return rows.map((row) => row.id)
}

/** Whether an administrator of the tenant has ever signed in; until then a start prints a sign-in link. */
export async function anyoneSignedIn(query: Query, tenantId: string): Promise<boolean> {
  const rows = await query(
    `SELECT 1 FROM people p JOIN person_roles r ON r.person_id = p.id
     WHERE r.tenant_id = $1 AND 'admin' = ANY(r.roles) AND p.last_sign_in_ms IS NOT NULL LIMIT 1`,
    [tenantId],
  )
  return rows.length > 0
}

// Sessions: found by the hash of their token.

export type SessionRow = {
  personId: string
  tenantId: string
  name: string
  handle: string
  roles: Role[]
  seenMs: number
  expiresMs: number
}

export async function insertSession(
  tx: Tx,
  session: { hash: Buffer; personId: string; tenantId: string; nowMs: number; expiresMs: number },
): Promise<void> {
  await tx.query('DELETE FROM sessions WHERE expires_ms < $1', [session.nowMs])
  await tx.query(
    'INSERT INTO sessions (hash, person_id, tenant_id, created_ms, seen_ms, expires_ms) VALUES ($1, $2, $3, $4, $4, $5)',
    [session.hash, session.personId, session.tenantId, session.nowMs, session.expiresMs],
  )
}

/** A session with what its person may do in its tenant now; undefined for sessions of disabled people. */
export async function selectSession(query: Query, hash: Buffer): Promise<SessionRow | undefined> {
  const [row] = await query<SessionRow>(
    `SELECT s.person_id AS "personId", s.tenant_id AS "tenantId", p.name, p.handle, r.roles, s.seen_ms AS "seenMs", s.expires_ms AS "expiresMs"
     FROM sessions s JOIN people p ON p.id = s.person_id AND p.disabled_ms IS NULL
     JOIN person_roles r ON r.person_id = s.person_id AND r.tenant_id = s.tenant_id
     WHERE s.hash = $1`,
    [hash],
    'session-select',
  )
  return row
}

export async function touchSession(query: Query, hash: Buffer, nowMs: number, expiresMs: number): Promise<void> {
  await query('UPDATE sessions SET seen_ms = $2, expires_ms = $3 WHERE hash = $1 AND expires_ms > $2', [
    hash,
    nowMs,
    expiresMs,
  ])
}

export async function moveSession(tx: Tx, hash: Buffer, tenantId: string): Promise<void> {
  await tx.query('UPDATE sessions SET tenant_id = $2 WHERE hash = $1', [hash, tenantId])
}

export async function deleteSession(query: Query, hash: Buffer): Promise<void> {
  await query('DELETE FROM sessions WHERE hash = $1', [hash])
}

/** Ends the sessions of a person, all or all but one, and takes back unused sign-in links; answers how many sessions. */
export async function deleteSessionsOf(tx: Tx, personId: string, except?: Buffer): Promise<number> {
  await tx.query('DELETE FROM sign_in_links WHERE person_id = $1 AND used_ms IS NULL', [personId])
  const rows = await tx.query(
    'DELETE FROM sessions WHERE person_id = $1 AND ($2::bytea IS NULL OR hash <> $2) RETURNING 1',
    [personId, except ?? null],
  )
  return rows.length
}

// Sign-in links: one use each.

export async function insertSignInLink(
  tx: Tx,
  link: { hash: Buffer; personId: string; tenantId: string; nowMs: number; expiresMs: number },
): Promise<void> {
  await tx.query('DELETE FROM sign_in_links WHERE expires_ms < $1', [link.nowMs - 86_400_000])
  await tx.query(
    'INSERT INTO sign_in_links (hash, person_id, tenant_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)',
    [link.hash, link.personId, link.tenantId, link.nowMs, link.expiresMs],
  )
}

export async function selectSignInLink(
  query: Query,
  hash: Buffer,
): Promise<{ name: string; expiresMs: number; usedMs: number | null } | undefined> {
  const [row] = await query<{ name: string; expiresMs: number; usedMs: number | null }>(
    `SELECT p.name, l.expires_ms AS "expiresMs", l.used_ms AS "usedMs" FROM sign_in_links l
     JOIN people p ON p.id = l.person_id AND p.disabled_ms IS NULL WHERE l.hash = $1`,
    [hash],
  )
  return row
}

/** Uses a link up; undefined when it was used before, is too old, or its person is disabled. */
export async function consumeSignInLink(
  tx: Tx,
  hash: Buffer,
  nowMs: number,
): Promise<{ personId: string; tenantId: string } | undefined> {
  const [row] = await tx.query<{ personId: string; tenantId: string }>(
    `UPDATE sign_in_links l SET used_ms = $2 FROM people p
     WHERE l.hash = $1 AND l.used_ms IS NULL AND l.expires_ms > $2 AND p.id = l.person_id AND p.disabled_ms IS NULL
     RETURNING l.person_id AS "personId", l.tenant_id AS "tenantId"`,
    [hash, nowMs],
  )
  return row
}

// API keys.

export type KeyRow = {
  id: string
  tenantId: string
  name: string
  scopes: Scope[]
  createdMs: number
  createdBy: string | null
  expiresMs: number | null
  lastUsedMs: number | null
  revokedMs: number | null
}
const keyColumns = `id, tenant_id AS "tenantId", name, scopes, created_ms AS "createdMs", created_by AS "createdBy",
  expires_ms AS "expiresMs", last_used_ms AS "lastUsedMs", revoked_ms AS "revokedMs"`

export async function insertKey(
  tx: Tx,
  key: Omit<KeyRow, 'lastUsedMs' | 'revokedMs'> & { hash: Buffer },
): Promise<void> {
  await tx.query(
    `INSERT INTO api_keys (id, tenant_id, name, hash, scopes, created_ms, created_by, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [key.id, key.tenantId, key.name, key.hash, key.scopes, key.createdMs, key.createdBy, key.expiresMs],
  )
}

export async function selectKeyById(query: Query, id: string): Promise<(KeyRow & { hash: Buffer }) | undefined> {
  const [row] = await query<KeyRow & { hash: Buffer }>(
    `SELECT ${keyColumns}, hash FROM api_keys WHERE id = $1`,
    [id],
    'key-select',
  )
  return row
}

export function selectKeys(
  query: Query,
  tenantId: string,
  filter: { afterCreatedMs: number; afterId: string; limit: number },
): Promise<KeyRow[]> {
  return query<KeyRow>(
    `SELECT ${keyColumns} FROM api_keys WHERE tenant_id = $1 AND (created_ms, id) > ($2, $3) ORDER BY created_ms, id LIMIT $4`,
    [tenantId, filter.afterCreatedMs, filter.afterId, filter.limit],
  )
}

/** Revokes a key of a tenant; undefined when there is none; answers it as it now is, also when it was revoked before. */
export async function revokeKey(
  tx: Tx,
  tenantId: string,
  id: string,
  nowMs: number,
): Promise<{ key: KeyRow; already: boolean } | undefined> {
  const [before] = await tx.query<KeyRow>(
    `SELECT ${keyColumns} FROM api_keys WHERE tenant_id = $1 AND id = $2 FOR UPDATE`,
    [tenantId, id],
  )
  if (before === undefined) return undefined
  if (before.revokedMs !== null) return { key: before, already: true }
  await tx.query('UPDATE api_keys SET revoked_ms = $2 WHERE id = $1', [id, nowMs])
  return { key: { ...before, revokedMs: nowMs }, already: false }
}

export async function touchKeys(query: Query, used: ReadonlyMap<string, number>): Promise<void> {
  await query(
    `UPDATE api_keys k SET last_used_ms = greatest(k.last_used_ms, u.at_ms)
     FROM unnest($1::text[], $2::bigint[]) AS u (id, at_ms) WHERE k.id = u.id`,
    [[...used.keys()], [...used.values()]],
  )
}

// Links by which a platform lets an affected actor see their own page.

export async function insertSubjectLink(
  tx: Tx,
  link: { hash: Buffer; tenantId: string; actorId: string; nowMs: number; expiresMs: number },
): Promise<void> {
  await tx.query('DELETE FROM subject_links WHERE expires_ms < $1', [link.nowMs])
  await tx.query(
    'INSERT INTO subject_links (hash, tenant_id, actor_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)',
    [link.hash, link.tenantId, link.actorId, link.nowMs, link.expiresMs],
  )
}

export async function selectSubjectLink(
  query: Query,
  hash: Buffer,
): Promise<{ tenantId: string; actorId: string; expiresMs: number } | undefined> {
  const [row] = await query<{ tenantId: string; actorId: string; expiresMs: number }>(
    'SELECT tenant_id AS "tenantId", actor_id AS "actorId", expires_ms AS "expiresMs" FROM subject_links WHERE hash = $1',
    [hash],
  )
  return row
}

export async function deleteSubjectLinks(tx: Tx, tenantId: string, actorId: string): Promise<number> {
  const rows = await tx.query('DELETE FROM subject_links WHERE tenant_id = $1 AND actor_id = $2 RETURNING 1', [
    tenantId,
    actorId,
  ])
  return rows.length
}
