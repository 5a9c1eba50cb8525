import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import { uuidv7 } from '../src/domain/ids.ts'
import { defaultSettings } from '../src/domain/settings.ts'
import { beginRun, driveRun, type ExchangeDeps, type StartRun } from '../src/flows/exchange.ts'
import { createCall } from '../src/flows/outbound.ts'
import { createLedger } from '../src/ledger/ledger.ts'
import { createVault } from '../src/ledger/vault.ts'
import { createBank } from '../src/match/changes.ts'
import type { Credentials, Exchange, ExchangeKind, Run } from '../src/match/exchange/exchange.ts'
import { insertExchange, selectExchange } from '../src/match/exchange/store.ts'
import { bankProjector } from '../src/match/project.ts'
import type { Database } from '../src/storage/database.ts'
import { testDatabase } from './database.ts'

const closing: (() => unknown)[] = []
after(async () => {
  for (const close of closing) await close()
})

export type Asked = {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
}
export type Said = {
  status?: number
  headers?: Record<string, string>
  body?: string | Uint8Array | AsyncIterable<Uint8Array>
}

/** A server of somebody else: answers by whatever `answer` says by then, and remembers what it was asked. */
export async function outside(): Promise<{
  url: string
  asked: Asked[]
  answer: (reply: (asked: Asked) => Said) => void
}> {
  const asked: Asked[] = []
  let reply: (asked: Asked) => Said = () => ({ status: 404 })
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString('utf8')
      const { pathname, searchParams } = new URL(request.url!, 'http://outside')
      const one = { method: request.method!, path: pathname, query: searchParams, headers: request.headers, body }
      asked.push(one)
      const said = reply(one)
      response.writeHead(said.status ?? 200, said.headers)
      if (said.body !== undefined && typeof said.body === 'object' && Symbol.asyncIterator in said.body) {
        for await (const chunk of said.body)
          if (!response.write(chunk)) await new Promise((go) => response.once('drain', go))
        response.end()
      } else response.end(said.body)
    })().catch(() => response.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (next) => void (reply = next),
  }
}

export type Workshop = {
  db: Database
  deps: ExchangeDeps
  nowMs: () => number
  advance: (ms: number) => void
  /** A new exchange of a new tenant, with a bank of its own. */
  exchange: (
    kind: ExchangeKind,
    settings: Exchange['settings'],
    more?: Partial<Exchange>,
    secrets?: Credentials,
  ) => Promise<Exchange>
  again: (exchange: Exchange) => Promise<Exchange>
  /** A whole run; undefined when another one is in progress. */
  run: (exchange: Exchange, start?: Partial<StartRun>, deps?: ExchangeDeps) => Promise<Run | undefined>
  logged: Record<string, unknown>[]
}

/** Everything that exchanges need, on a real database, with a clock that stands still. */
export async function exchangeWorkshop(): Promise<Workshop> {
  const db = await testDatabase()
  let nowMs = Date.UTC(2026, 10, 20, 12)
  const clock = () => nowMs
  const { call, close } = createCall({ privateAddresses: 'loopback' })
  closing.push(close)
  const logged: Record<string, unknown>[] = []
  const deps: ExchangeDeps = {
    db,
    ledger: createLedger({ projectors: [bankProjector], clock, randomBytes }),
    vault: createVault({ secretKey: 'secret', clock, randomBytes }),
    clock,
    randomBytes,
    call,
    refresh: async () => {},
    log: (line) => void logged.push(line),
    settings: () => defaultSettings,
  }
  let tenants = 0
  const again = async (exchange: Exchange) => (await selectExchange(db.query, exchange.tenantId, exchange.exchangeId))!
  return {
    db,
    deps,
    nowMs: clock,
    advance: (ms) => void (nowMs += ms),
    logged,
    again,
    async exchange(kind, settings, more = {}, secrets = {}) {
      const tenantId = more.tenantId ?? `tenant-${tenants++}`
      const newId = () => uuidv7(clock(), randomBytes)
      const exchangeId = newId()
      const exchange = await db.transaction(async (tx): Promise<Exchange> => {
        const bank = { name: `bank of ${exchangeId}`, purpose: '', action: 'review' }
        const made = await createBank(tx.query, tenantId, bank, {
          author: { kind: 'system', part: 'test' },
          nowMs,
          newId,
        })
        if (!made.ok) throw new Error(made.detail)
        await deps.ledger.append(tx, tenantId, made.entries)
        const one: Exchange = {
          exchangeId,
          tenantId,
          kind,
          name: `${kind} list`,
          bankId: made.bankId,
          enabled: true,
          settings,
          credentialsRef: await deps.vault.seal(tx, tenantId, `x:${exchangeId}`, JSON.stringify(secrets)),
          credentialsFields: Object.keys(secrets),
          credentialsSetMs: nowMs,
          everyMs: 3_600_000,
          filter: {},
          labels: {},
          sendBack: { seen: true, confirm: true, dispute: true },
          cursor: undefined,
          snapshotId: null,
          nextMs: nowMs,
          failures: 0,
          leaseRunId: null,
          leaseUntilMs: null,
          createdMs: nowMs,
          deletedMs: null,
          version: 1,
          ...more,
        }
        await insertExchange(tx, one)
        return one
      })
      return again(exchange)
    },
    async run(exchange, start = {}, given = deps) {
      const how: StartRun = { trigger: 'person', ...start }
      const fresh = await again(exchange)
      const begun = await beginRun(given, fresh, how)
      return begun === undefined ? undefined : driveRun(given, fresh, begun, how)
    },
  }
}
