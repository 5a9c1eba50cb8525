import { InputError } from '../domain/error.ts'
import { uuidv7 } from '../domain/ids.ts'
import { canRepeat, retireAll, type ExchangeDeps } from '../flows/exchange.ts'
import { urlTrouble, type OutboundRules } from '../flows/outbound.ts'
import { createBank } from '../match/changes.ts'
import { parseFields, type Credentials, type Exchange, type Settings } from '../match/exchange/exchange.ts'
import { kinds } from '../match/exchange/kinds.ts'
import * as store from '../match/exchange/store.ts'
import { selectBank } from '../match/store.ts'
import type { Tx } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'
import { recordChange, staffSubject } from './access.ts'
import type { BodyOf } from './contract/route.ts'
import type { makeExchange } from './contract/exchanges.ts'
import { authorOf, type Principal } from './principal.ts'
import { notFound, problem } from './problem.ts'

export type SetupDeps = ExchangeDeps & { outbound: OutboundRules }

const minuteMs = 60_000
const everyMinutesDefault = 60
/** The vault keeps secrets per person; an exchange is the person of its own, so that deleting it erases them. */
const secretOwner = (exchangeId: string) => `custos.exchange:${exchangeId}`
export const noCredentials = { credentialsRef: null, credentialsFields: [], credentialsSetMs: null }

/** Settings as the kind wants them, with addresses that may be called. Throws an InputError that names every bad field. */
export function exchangeSettings(
  { outbound }: Pick<SetupDeps, 'outbound'>,
  kind: Exchange['kind'],
  settings: Record<string, unknown>,
): Settings {
  const parsed = parseFields(kinds[kind].settings, settings, 'settings')
  for (const { name, kind: how } of kinds[kind].settings) {
    const trouble = how === 'url' && parsed[name] !== undefined ? urlTrouble(String(parsed[name]), outbound) : undefined
    if (trouble !== undefined)
      throw new InputError(`settings.${name} ${trouble}`, [{ field: `settings.${name}`, problem: trouble }])
  }
  return parsed
}

/** Seals the credentials of an exchange in place of those that it had; an empty object only forgets them. */
export async function sealCredentials(
  tx: Tx,
  deps: Pick<SetupDeps, 'vault' | 'clock'>,
  exchange: Pick<Exchange, 'tenantId' | 'exchangeId' | 'kind'>,
  given: Credentials,
): Promise<Pick<Exchange, 'credentialsRef' | 'credentialsFields' | 'credentialsSetMs'>> {
  const { tenantId, exchangeId, kind } = exchange
  await deps.vault.erase(tx, tenantId, secretOwner(exchangeId))
  if (Object.keys(given).length === 0) return noCredentials
  const credentials = parseFields(kinds[kind].credentials, given, 'credentials', { secret: true })
  return {
    credentialsRef: await deps.vault.seal(tx, tenantId, secretOwner(exchangeId), JSON.stringify(credentials)),
    credentialsFields: Object.keys(credentials).sort(),
    credentialsSetMs: deps.clock(),
  }
}

/** Whether credentials that its kind needs are missing. */
export function lacksCredentials(exchange: Exchange): boolean {
  return kinds[exchange.kind].credentials.some(
    ({ name, required }) => required && !exchange.credentialsFields.includes(name),
  )
}

/** When it runs next: at once when it was just switched on or set up, never while it is off or lacks its credentials. */
export function nextRunMs(after: Exchange, nowMs: number, before?: Exchange): number | null {
  if (!after.enabled || !canRepeat(after) || lacksCredentials(after)) return null
  if (before === undefined || before.nextMs === null || after.credentialsSetMs !== before.credentialsSetMs) return nowMs
  return Math.min(before.nextMs, nowMs + after.everyMs)
}

/** Throws an InputError when something is to be sent back that the kind does not take. */
export function checkSendBack(kind: Exchange['kind'], sendBack: Exchange['sendBack'] | undefined): void {
  for (const opinion of ['seen', 'confirm', 'dispute'] as const)
    if (sendBack?.[opinion] === true && !kinds[kind].sendBack.includes(opinion))
      throw new InputError(`${kinds[kind].title} takes no "${opinion}"`, [
        { field: `sendBack.${opinion}`, problem: `is not taken by ${kinds[kind].title}` },
      ])
}

/** What the ledger keeps of an exchange when it changes. */
const publicOf = (exchange: Exchange) => {
  const { name, kind, bankId, enabled, settings, credentialsFields, everyMs, filter, labels, sendBack } = exchange
  return { name, kind, bankId, enabled, settings, credentialsFields, everyMs, filter, labels, sendBack }
}
function record(tx: Tx, deps: SetupDeps, principal: Principal, exchangeId: string, before: unknown, after: unknown) {
  return recordChange(tx, deps, principal.tenantId, authorOf(principal), staffSubject('exchange', exchangeId), {
    [`exchanges.${exchangeId}`]: { before, after },
  })
}

/** Sets up an exchange and, unless one is named, the bank that it fills. Answers its id; throws problems for refusals. */
export async function setUpExchange(
  deps: SetupDeps,
  principal: Principal,
  body: BodyOf<typeof makeExchange>,
): Promise<string> {
  const { tenantId } = principal
  const settings = exchangeSettings(deps, body.kind, body.settings ?? {})
  checkSendBack(body.kind, body.sendBack)
  const exchangeId = uuidv7(deps.clock(), deps.randomBytes)
  await deps.db.transaction(async (tx) => {
    await lockKeys(tx, [`banks:${tenantId}`, `exchanges:${tenantId}`])
    if ((await store.selectExchangeNamed(tx.query, tenantId, body.name)) !== undefined) throw nameTaken(body.name)
    if (body.bankId !== undefined && (await selectBank(tx.query, tenantId, body.bankId)) === undefined)
      throw notFound('bank', body.bankId)
    const nowMs = deps.clock()
    const exchange: Exchange = {
      exchangeId,
      tenantId,
      kind: body.kind,
      name: body.name,
      bankId: body.bankId ?? (await ownBank(tx, deps, principal, body)),
      enabled: body.enabled ?? true,
      settings,
      ...noCredentials,
      everyMs: (body.everyMinutes ?? everyMinutesDefault) * minuteMs,
      filter: body.filter ?? {},
      labels: body.labels ?? {},
      sendBack: body.sendBack ?? { seen: false, confirm: false, dispute: false },
      cursor: undefined,
      snapshotId: null,
      nextMs: null,
      failures: 0,
      leaseRunId: null,
      leaseUntilMs: null,
      createdMs: nowMs,
      deletedMs: null,
      version: 1,
    }
    Object.assign(exchange, await sealCredentials(tx, deps, exchange, body.credentials ?? {}))
    exchange.nextMs = nextRunMs(exchange, nowMs)
    await store.insertExchange(tx, exchange)
    await record(tx, deps, principal, exchangeId, null, publicOf(exchange))
  })
  await deps.refresh()
  return exchangeId
}

async function ownBank(tx: Tx, deps: SetupDeps, principal: Principal, body: BodyOf<typeof makeExchange>) {
  const nowMs = deps.clock()
  const made = await createBank(
    tx.query,
    principal.tenantId,
    { name: body.name, purpose: `Filled by ${kinds[body.kind].title}.`, action: 'review' },
    { author: authorOf(principal), nowMs, newId: () => uuidv7(nowMs, deps.randomBytes) },
  )
  if (!made.ok) throw problem(409, 'The bank was not made', made.detail)
  await deps.ledger.append(tx, principal.tenantId, made.entries)
  return made.bankId
}

export const nameTaken = (name: string) =>
  problem(409, 'The name is taken', `There is an exchange called "${name}" already.`)

/** One exchange of the caller's tenant; throws 404. `lock` holds it until the transaction ends. */
export async function exchangeFor(
  { query }: Pick<Tx, 'query'>,
  principal: Principal,
  exchangeId: string,
  lock = false,
): Promise<Exchange> {
  const exchange = await store.selectExchange(query, principal.tenantId, exchangeId, lock)
  if (exchange === undefined || exchange.deletedMs !== null) throw notFound('exchange', exchangeId)
  return exchange
}

/** Changes an exchange; what changed is in the ledger, and the schedule follows. */
export async function alterExchange(
  deps: SetupDeps,
  principal: Principal,
  exchangeId: string,
  decide: (tx: Tx, before: Exchange) => Promise<Exchange>,
): Promise<Exchange> {
  await deps.db.transaction(async (tx) => {
    const before = await exchangeFor(tx, principal, exchangeId, true)
    const after = await decide(tx, before)
    await store.updateExchange(tx, { ...after, nextMs: nextRunMs(after, deps.clock(), before) })
    await record(tx, deps, principal, exchangeId, publicOf(before), publicOf(after))
  })
  return exchangeFor(deps.db, principal, exchangeId)
}

/** Stops an exchange for good and forgets its credentials; its entries stay unless they are to be retired with it. */
export async function removeExchange(
  deps: SetupDeps,
  principal: Principal,
  exchangeId: string,
  retire: boolean,
): Promise<number> {
  const exchange = await exchangeFor(deps.db, principal, exchangeId)
  await deps.db.transaction(async (tx) => {
    const before = await exchangeFor(tx, principal, exchangeId, true)
    const cleared = await sealCredentials(tx, deps, before, {})
    await store.stopRun(tx, principal.tenantId, exchangeId, deps.clock())
    await store.updateExchange(tx, { ...before, ...cleared, enabled: false, nextMs: null, deletedMs: deps.clock() })
    await record(tx, deps, principal, exchangeId, publicOf(before), null)
  })
  return retire ? retireAll(deps, exchange) : 0
}
