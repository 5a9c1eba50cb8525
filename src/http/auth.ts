import { timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../domain/ids.ts'
import { scopesOf } from '../domain/staff.ts'
import {
  deleteSession,
  selectKeyById,
  selectSession,
  touchKeys,
  touchSession,
  type KeyRow,
  type SessionRow,
} from '../storage/access.ts'
import type { Database } from '../storage/database.ts'
import { createFresh } from '../storage/fresh.ts'
import type { Principal } from './principal.ts'
import { problem } from './problem.ts'
import { hashToken } from './secrets.ts'

export const sessionCookie = 'custos_session'
/** A session ends this long after it was last used. */
export const sessionIdleMs = 12 * 3_600_000
/** How long a revoked key or an ended session may still pass in another process of the same installation. */
const staleMs = 1_000
/** A session's expiry is pushed on at most this often; a key's last use is written as often. */
const touchEveryMs = 60_000
const cachedMax = 10_000

export type Auth = {
  /** Who makes this request; undefined for nobody in particular. Throws 401 for a key that is wrong, expired or revoked. */
  authenticate: (request: FastifyRequest) => Promise<Principal | undefined>
  /** Throws 403 when a request that changes something comes with a cookie from another site. */
  refuseCrossSite: (request: FastifyRequest, principal: Principal | undefined) => void
  /** The token of the session that this request came with. */
  sessionToken: (request: FastifyRequest) => string | undefined
  setSessionCookie: (request: FastifyRequest, reply: FastifyReply, token: string) => void
  clearSessionCookie: (request: FastifyRequest, reply: FastifyReply) => void
  signOut: (token: string) => Promise<void>
  /** Makes changes to keys and people of this process count at once. */
  forgetKey: (id: string) => void
  forgetSessions: () => void
  /** Whether the session that this request came with still stands: for streams that outlive their request. */
  stillSignedIn: (request: FastifyRequest) => Promise<boolean>
  /** Writes the last uses of keys that have not been written yet. */
  flush: () => Promise<void>
}

export type AuthDeps = {
  db: Database
  clock: Clock
  /** Marks cookies Secure; on where the installation is reached over HTTPS. */
  secureCookies?: boolean
}

type HeldKey = KeyRow & { hash: Buffer; principal: Principal }

/** Recognises callers: API keys as bearer tokens, staff by their session cookie. */
export function createAuth({ db, clock, secureCookies = false }: AuthDeps): Auth {
  const keys = createFresh<HeldKey>({
    clock,
    staleMs,
    sizeMax: cachedMax,
    async load(id) {
      const row = await selectKeyById(db.query, id)
      if (row === undefined) return undefined
      const principal: Principal = {
        kind: 'key',
        id: `ck_${row.id}`,
        name: row.name,
        tenantId: row.tenantId,
        scopes: new Set(row.scopes),
        roles: [],
      }
      return { ...row, principal }
    },
  })
  const sessions = createFresh<SessionRow & { principal: Principal }>({
    clock,
    staleMs,
    sizeMax: cachedMax,
    async load(hash) {
      const row = await selectSession(db.query, Buffer.from(hash, 'base64'))
      if (row === undefined) return undefined
      const principal: Principal = {
        kind: 'person',
        id: row.personId,
        name: row.name,
        tenantId: row.tenantId,
        scopes: scopesOf(row.roles),
        roles: row.roles,
      }
      return { ...row, principal }
    },
  })

  const writtenMs = new Map<string, number>()
  const used = new Map<string, number>()
  const flush = async () => {
    if (used.size === 0) return
    const batch = new Map(used)
    used.clear()
    await touchKeys(db.query, batch)
  }
  const noteUse = (id: string, nowMs: number) => {
    if (nowMs - (writtenMs.get(id) ?? 0) < touchEveryMs) return
    if (writtenMs.size >= cachedMax) writtenMs.clear()
    writtenMs.set(id, nowMs)
    used.set(id, nowMs)
    // Not awaited: a request must not wait for, or fail with, the note that it was made.
    void flush().catch(() => {})
  }

  const withKey = async (token: string): Promise<Principal> => {
    const [, id, secret] = /^ck_([0-9a-z]{8})_([A-Za-z0-9_-]{43})$/.exec(token) ?? []
    if (id === undefined || secret === undefined)
      throw wrongKey('The key does not have the form "ck_<8 characters>_<secret>".')
    const key = await keys.get(id)
    const nowMs = clock()
    if (key === undefined || !timingSafeEqual(key.hash, hashToken(secret))) throw wrongKey('There is no such key.')
    if (key.revokedMs !== null) throw wrongKey('The key was revoked.')
    if (key.expiresMs !== null && key.expiresMs <= nowMs) throw wrongKey('The key has expired.')
    noteUse(id, nowMs)
    return key.principal
  }

  const withSession = async (token: string): Promise<Principal | undefined> => {
    const hash = hashToken(token)
    const session = await sessions.get(hash.toString('base64'))
    const nowMs = clock()
    // A session that ended is no error: public pages and the sign-in page must open with an old cookie.
    if (session === undefined || session.expiresMs <= nowMs) return undefined
    if (nowMs - session.seenMs >= touchEveryMs) {
      session.seenMs = nowMs
      session.expiresMs = nowMs + sessionIdleMs
      void touchSession(db.query, hash, nowMs, session.expiresMs).catch(() => {})
    }
    return session.principal
  }

  const sessionToken = (request: FastifyRequest) => cookieOf(request.headers.cookie, sessionCookie)
  const cookie = (request: FastifyRequest, value: string, maxAgeS: number) =>
    `${sessionCookie}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secureCookies || request.protocol === 'https' ? '; Secure' : ''}`

  return {
    async authenticate(request) {
      const header = request.headers.authorization
      if (header !== undefined) {
        const [, token] = /^Bearer +(\S+) *$/i.exec(header) ?? basicKey(request.url, header)
        if (token === undefined) throw wrongKey('Send the key as "Authorization: Bearer ck_…".')
        return withKey(token)
      }
      const token = sessionToken(request)
      return token === undefined || token.length > 100 ? undefined : withSession(token)
    },
    refuseCrossSite(request, principal) {
      if (principal?.kind !== 'person' || request.method === 'GET' || request.method === 'HEAD') return
      requireSameOrigin(request)
    },
    sessionToken,
    setSessionCookie: (request, reply, token) =>
      // The browser keeps it longer than it is valid idle, so that the sliding expiry is decided here alone.
      void reply.header('set-cookie', cookie(request, token, 30 * 86_400)),
    clearSessionCookie: (request, reply) => void reply.header('set-cookie', cookie(request, '', 0)),
    async signOut(token) {
      const hash = hashToken(token)
      await deleteSession(db.query, hash)
      sessions.forget(hash.toString('base64'))
    },
    forgetKey: keys.forget,
    forgetSessions: sessions.clear,
    async stillSignedIn(request) {
      const token = sessionToken(request)
      return token !== undefined && (await withSession(token)) !== undefined
    },
    flush,
  }
}

/**
 * Throws 403 unless the browser says that the request comes from our own pages. Browsers set Sec-Fetch-Site and Origin
 * themselves; a page elsewhere can neither leave out the one nor forge the other.
 */
export function requireSameOrigin(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site']
  const { origin, host } = request.headers
  const sameOrigin = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
  // "null" is what a page with a strict referrer policy sends; it counts for nothing, Sec-Fetch-Site decides then.
  const known = origin !== undefined && origin !== 'null'
  if (site === undefined ? sameOrigin : site === 'same-origin' && (!known || sameOrigin)) return
  throw problem(
    403,
    'The request comes from another site',
    'Requests that change something with a sign-in cookie must come from the pages of this installation: Origin or Sec-Fetch-Site must say so. Programs use API keys.',
  )
}

/** Clients of Hasher-Matcher-Actioner can send a user and a password at most: the key is the password, and only there. */
function basicKey(url: string, header: string): [string, string | undefined] {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header) ?? []
  if (encoded === undefined || !url.startsWith('/hma/')) return [header, undefined]
  return [header, /^[^:]*:(\S+)$/.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1]]
}

function wrongKey(detail: string) {
  const error = problem(401, 'The API key is not valid', detail)
  error.headers['www-authenticate'] = 'Bearer realm="custos", error="invalid_token"'
  return error
}

/** The value of one cookie of a Cookie header. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}
