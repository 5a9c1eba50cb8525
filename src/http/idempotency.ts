import { AsyncLocalStorage } from 'node:async_hooks'
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { uuidv7, type Clock, type RandomBytes } from '../domain/ids.ts'
import type { Database } from '../storage/database.ts'
import {
  claimKey,
  commitKey,
  deleteOldKeys,
  finishKey,
  releaseKey,
  type IdempotencyKey,
  type IdempotencyRow,
} from '../storage/idempotency.ts'
import type { AnyRoute } from './contract/any-route.ts'
import { HttpProblem, problem, problemBody } from './problem.ts'
import { toProblem, type HandlerInput } from './server.ts'

export type Idempotency = {
  /** Runs a handler once per Idempotency-Key; for `ServerDeps.idempotent`. */
  idempotent: (input: HandlerInput<AnyRoute>, route: AnyRoute, run: () => Promise<unknown>) => Promise<unknown>
  /**
   * The database as handlers must use it: a transaction of a request with a key commits together with the mark that the
   * key's change was made, and not at all once another process has taken the key over.
   */
  database: Database
  /** Forgets keys older than 24 hours; for a timer. */
  sweep: () => Promise<number>
}

/** How long a key is remembered. */
export const idempotencyKeptMs = 24 * 3_600_000
/** After this long without an answer a request counts as dead, and its key may be claimed again. */
const leaseMs = 120_000
const keyLengthMax = 255
const replayedHeaders = ['etag', 'location'] as const

type Claim = { key: IdempotencyKey; claim: string; committed: boolean; over: boolean }

/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the first request with a key is carried out, every further
 * one with the same body gets the same answer. A crash between the change and its answer cannot double the change: the
 * mark that it was made is part of its transaction.
 */
export function createIdempotency(deps: {
  db: Database
  clock: Clock
  randomBytes: RandomBytes
  secretKey: string | Uint8Array
}): Idempotency {
  const { db, clock } = deps
  const current = new AsyncLocalStorage<Claim>()
  const seal = sealer(deps.secretKey, deps.randomBytes)

  const replay = (row: IdempotencyRow, requestSha256: Buffer, input: HandlerInput<AnyRoute>): unknown => {
    if (!row.requestSha256.equals(requestSha256))
      throw problem(
        422,
        'The Idempotency-Key was used for another request',
        'The same key came before with another body, or on another path. Make a new key for each new request.',
        [{ field: 'Idempotency-Key', problem: 'belongs to another request' }],
      )
    if (row.state === 'running' || (row.state === 'committed' && row.leaseMs > clock()))
      throw new HttpProblem(
        409,
        'The first request is still running',
        'A request with this Idempotency-Key has not been answered yet. Try again in a moment.',
        undefined,
        { 'retry-after': '1' },
      )
    if (row.state === 'committed')
      throw problem(
        409,
        'The answer was lost',
        'The request with this Idempotency-Key was carried out, but the program stopped before it could answer. Look at what it made; do not send it again with a new key.',
      )
    const { headers, body } = JSON.parse(seal.open(row.answer!)) as { headers: Record<string, string>; body: unknown }
    void input.reply.code(row.status!).headers(headers).header('idempotent-replayed', 'true')
    if (row.status! >= 400) return input.reply.type('application/problem+json').send(JSON.stringify(body))
    return body
  }

  return {
    async idempotent(input, route, run) {
      const header = input.request.headers['idempotency-key']
      if (header === undefined) return run()
      if (typeof header !== 'string' || header.length === 0 || header.length > keyLengthMax)
        throw problem(422, 'The Idempotency-Key cannot be used', 'It must be 1 to 255 characters.', [
          { field: 'Idempotency-Key', problem: 'must be 1 to 255 characters', limit: keyLengthMax },
        ])
      const { principal, request, reply } = input
      const key: IdempotencyKey = {
        tenantId: principal?.tenantId ?? '',
        caller: principal === undefined ? `ip:${request.ip}` : `${principal.kind}:${principal.id}`,
        keySha256: sha256(header),
      }
      const requestSha256 = sha256(JSON.stringify([route.id, input.params, input.query, input.body ?? null]))
      const nowMs = clock()
      const claim = uuidv7(nowMs, deps.randomBytes)
      const blocking = await claimKey(db.query, key, {
        requestSha256,
        claim,
        nowMs,
        leaseMs: nowMs + leaseMs,
        keptMs: idempotencyKeptMs,
      })
      if (blocking !== undefined) return replay(blocking, requestSha256, input)

      const held: Claim = { key, claim, committed: false, over: false }
      const finish = (status: number, headers: Record<string, string>, body: unknown) =>
        finishKey(db.query, key, claim, status, seal.close(JSON.stringify({ headers, body })))
      try {
        const answer = await current.run(held, run).finally(() => (held.over = true))
        const headers: Record<string, string> = {}
        for (const name of replayedHeaders) {
          const value = reply.getHeader(name)
          if (value !== undefined) headers[name] = String(value)
        }
        // The change is made: its maker gets the answer even when it cannot be kept for a second time.
        await finish(reply.statusCode, headers, answer ?? null).catch((error: Error) => {
          if (!held.committed) throw error
        })
        return answer
      } catch (error) {
        const known = toProblem(error)
        // What may go better next time (too many, broken, unreachable) is not remembered, unless it changed something.
        if (known.status < 500 && known.status !== 429)
          await finish(known.status, known.headers, problemBody(known, request.url.split('?')[0]!))
        else if (!held.committed) await releaseKey(db.query, key, claim).catch(() => {})
        throw error
      }
    },
    database: {
      ...db,
      transaction: (work) =>
        db.transaction(async (tx) => {
          const result = await work(tx)
          const held = current.getStore()
          // Work that a handler left behind goes on in its context; it is no part of the request any more.
          if (held !== undefined && !held.over) {
            if (!(await commitKey(tx, held.key, held.claim)))
              throw problem(
                409,
                'The request took too long',
                'Its Idempotency-Key was claimed again; nothing was changed here.',
              )
            tx.afterCommit(() => (held.committed = true))
          }
          return result
        }),
    },
    sweep: () => deleteOldKeys(db.query, clock() - idempotencyKeptMs),
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}

/** Answers may hold a secret that is shown once, such as a new key; they are stored under the installation's secret. */
function sealer(secretKey: string | Uint8Array, randomBytes: RandomBytes) {
  const key = createHash('sha256').update('custos idempotency\0').update(secretKey).digest()
  return {
    close(text: string): Buffer {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed: Buffer): string {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
      decipher.setAuthTag(sealed.subarray(-16))
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8')
    },
  }
}
