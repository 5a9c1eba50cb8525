import { InputError } from '../../domain/error.ts'
import { uuidv7 } from '../../domain/ids.ts'
import { urlTrouble, type OutboundRules } from '../../flows/outbound.ts'
import { canRepeat, previewRun, retireAll, type ExchangeDeps, type ExchangeWorker } from '../../flows/exchange.ts'
import { previewFeedback, queueOpinion } from '../../flows/exchange-feedback.ts'
import { bankSubject, createBank } from '../../match/changes.ts'
import { ExchangeError } from '../../match/exchange/call.ts'
import { connectors } from '../../match/exchange/connectors.ts'
import { exchangeKinds, parseFields, type Exchange, type Field, type Run } from '../../match/exchange/exchange.ts'
import { kinds } from '../../match/exchange/kinds.ts'
import * as store from '../../match/exchange/store.ts'
import * as feedbackStore from '../../match/feedback/store.ts'
import { selectBank, selectBankEntriesById, selectBankEntry } from '../../match/store.ts'
import type { Query, Tx } from '../../storage/database.ts'
import { lockKeys } from '../../storage/ledger-records.ts'
import { recordChange, staffSubject } from '../access.ts'
import * as contract from '../contract/exchanges.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'

export type ExchangeRouteDeps = ExchangeDeps & {
  outbound: OutboundRules
  worker: Pick<ExchangeWorker, 'start'>
}

const everyMinutesDefault = 60
const minuteMs = 60_000
const etagOf = ({ version }: { version: number }) => `"${version}"`
/** The vault keeps secrets per person; an exchange is the person of its own, so that deleting it erases them. */
const secretOwner = (exchangeId: string) => `custos.exchange:${exchangeId}`

/** Exchanges: set up, run, previewed, and told what was made of what they gave. */
export function exchangeRoutes(mount: Mount, deps: ExchangeRouteDeps): void {
  const { db, clock } = deps

  const exchangeOf = async (query: Query, principal: Principal, exchangeId: string, lock = false) => {
    const exchange = await store.selectExchange(query, principal.tenantId, exchangeId, lock)
    if (exchange === undefined || exchange.deletedMs !== null) throw notFound('exchange', exchangeId)
    return exchange
  }
  const viewOf = async (exchange: Exchange) => (await viewsOf(db.query, exchange.tenantId, [exchange], clock()))[0]!
  const record = (tx: Tx, principal: Principal, exchangeId: string, before: unknown, after: unknown) =>
    recordChange(tx, deps, principal.tenantId, authorOf(principal), staffSubject('exchange', exchangeId), {
      [`exchanges.${exchangeId}`]: { before, after },
    })
  /** Settings as the kind wants them, with addresses that may be called. */
  const settingsOf = (kind: Exchange['kind'], settings: Record<string, unknown>) => {
    const parsed = parseFields(kinds[kind].settings, settings, 'settings')
    for (const { name, kind: how } of kinds[kind].settings) {
      const trouble =
        how === 'url' && parsed[name] !== undefined ? urlTrouble(String(parsed[name]), deps.outbound) : undefined
      if (trouble !== undefined)
        throw new InputError(`settings.${name} ${trouble}`, [{ field: `settings.${name}`, problem: trouble }])
    }
    return parsed
  }
  const sealCredentials = async (
    tx: Tx,
    tenantId: string,
    exchangeId: string,
    kind: Exchange['kind'],
    given: object,
  ) => {
    await deps.vault.erase(tx, tenantId, secretOwner(exchangeId))
    const credentials = parseFields(kinds[kind].credentials, given as Record<string, unknown>, 'credentials', {
      secret: true,
    })
    return {
      credentialsRef: await deps.vault.seal(tx, tenantId, secretOwner(exchangeId), JSON.stringify(credentials)),
      credentialsFields: Object.keys(credentials).sort(),
      credentialsSetMs: clock(),
    }
  }
  const noCredentials = { credentialsRef: null, credentialsFields: [], credentialsSetMs: null }

  mount(contract.listExchangeKinds, () => ({
    items: exchangeKinds.map((kind) => ({
      kind,
      title: kinds[kind].title,
      about: kinds[kind].about,
      settings: kinds[kind].settings.map(fieldView),
      credentials: kinds[kind].credentials.map(fieldView),
      sendBack: [...kinds[kind].sendBack],
      shares: kinds[kind].shares,
      uploads: kind === 'file',
    })),
    next: null,
  }))

  mount(contract.listExchanges, async ({ query, principal }) => {
    const limit = query.limit ?? 50
    const page = await store.selectExchanges(db.query, principal.tenantId, query.after ?? '', limit)
    return {
      items: await viewsOf(db.query, principal.tenantId, page, clock()),
      next: page.length === limit ? page.at(-1)!.exchangeId : null,
    }
  })

  mount(contract.makeExchange, async ({ body, principal, reply }) => {
    const { tenantId } = principal
    const settings = settingsOf(body.kind, body.settings ?? {})
    checkSendBack(body.kind, body.sendBack)
    const exchangeId = uuidv7(clock(), deps.randomBytes)
    await db.transaction(async (tx) => {
      await lockKeys(tx, [`banks:${tenantId}`, `exchanges:${tenantId}`])
      if ((await store.selectExchangeNamed(tx.query, tenantId, body.name)) !== undefined)
        throw problem(409, 'The name is taken', `There is an exchange called "${body.name}" already.`)
      if (body.bankId !== undefined && (await selectBank(tx.query, tenantId, body.bankId)) === undefined)
        throw notFound('bank', body.bankId)
      const nowMs = clock()
      let bankId = body.bankId
      if (bankId === undefined) {
        const made = await createBank(
          tx.query,
          tenantId,
          { name: body.name, purpose: `Filled by ${kinds[body.kind].title}.`, action: 'review' },
          { author: authorOf(principal), nowMs, newId: () => uuidv7(nowMs, deps.randomBytes) },
        )
        if (!made.ok) throw problem(409, 'The bank was not made', made.detail)
        await deps.ledger.append(tx, tenantId, made.entries)
        bankId = made.bankId
      }
      const exchange: Exchange = {
        exchangeId,
        tenantId,
        kind: body.kind,
        name: body.name,
        bankId,
        enabled: body.enabled ?? true,
        settings,
        ...(body.credentials === undefined || Object.keys(body.credentials).length === 0
          ? noCredentials
          : await sealCredentials(tx, tenantId, exchangeId, body.kind, body.credentials)),
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
      exchange.nextMs = dueMs(exchange, nowMs)
      await store.insertExchange(tx, exchange)
      await record(tx, principal, exchangeId, null, publicOf(exchange))
    })
    await deps.refresh()
    const exchange = await exchangeOf(db.query, principal, exchangeId)
    reply.header('etag', etagOf(exchange)).header('location', `/v1/exchanges/${exchangeId}`)
    return viewOf(exchange)
  })

  mount(contract.getExchange, async ({ params, principal, reply }) => {
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    reply.header('etag', etagOf(exchange))
    return viewOf(exchange)
  })

  const change = async (
    principal: Principal,
    exchangeId: string,
    decide: (tx: Tx, before: Exchange) => Promise<Exchange>,
  ): Promise<Exchange> => {
    await db.transaction(async (tx) => {
      const before = await exchangeOf(tx.query, principal, exchangeId, true)
      const after = await decide(tx, before)
      await store.updateExchange(tx, { ...after, nextMs: dueMs(after, clock(), before) })
      await record(tx, principal, exchangeId, publicOf(before), publicOf(after))
    })
    return exchangeOf(db.query, principal, exchangeId)
  }

  mount(contract.changeExchange, async ({ params, body, principal, request, reply }) => {
    const exchange = await change(principal, params.exchangeId, async (tx, before) => {
      requireMatch(request.headers['if-match'], etagOf(before), 'exchange')
      checkSendBack(before.kind, body.sendBack)
      if (body.name !== undefined && body.name !== before.name) {
        await lockKeys(tx, [`exchanges:${principal.tenantId}`])
        if ((await store.selectExchangeNamed(tx.query, principal.tenantId, body.name)) !== undefined)
          throw problem(409, 'The name is taken', `There is an exchange called "${body.name}" already.`)
      }
      const { everyMinutes, settings, ...rest } = body
      if (body.sendBack !== undefined) await feedbackStore.parkSwitchedOff(tx, before, body.sendBack)
      return {
        ...before,
        ...rest,
        ...(settings === undefined ? {} : { settings: settingsOf(before.kind, settings) }),
        ...(everyMinutes === undefined ? {} : { everyMs: everyMinutes * minuteMs }),
      }
    })
    reply.header('etag', etagOf(exchange))
    return viewOf(exchange)
  })

  mount(contract.setExchangeCredentials, async ({ params, body, principal, reply }) => {
    const exchange = await change(principal, params.exchangeId, async (tx, before) => {
      if (Object.keys(body).length > 0)
        return {
          ...before,
          ...(await sealCredentials(tx, principal.tenantId, before.exchangeId, before.kind, body)),
          failures: 0,
        }
      await deps.vault.erase(tx, principal.tenantId, secretOwner(before.exchangeId))
      return { ...before, ...noCredentials }
    })
    reply.header('etag', etagOf(exchange))
    return viewOf(exchange)
  })

  mount(contract.deleteExchange, async ({ params, query, principal }) => {
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    await db.transaction(async (tx) => {
      const before = await exchangeOf(tx.query, principal, params.exchangeId, true)
      await deps.vault.erase(tx, principal.tenantId, secretOwner(before.exchangeId))
      await store.stopRun(tx, principal.tenantId, before.exchangeId, clock())
      await store.updateExchange(tx, { ...before, ...noCredentials, enabled: false, nextMs: null, deletedMs: clock() })
      await record(tx, principal, before.exchangeId, publicOf(before), null)
    })
    return { ok: true, retired: query.entries === 'retire' ? await retireAll(deps, exchange) : 0 }
  })

  mount(contract.runExchange, async ({ params, body, principal }) => {
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    if (!canRepeat(exchange))
      throw problem(409, 'There is nothing to fetch', 'This exchange has no address; upload the file instead.')
    const started = await deps.worker.start(exchange, { trigger: 'person', fromStart: body.fromStart === true })
    if (started !== undefined) return runView(started.run)
    const [current] = await store.selectRuns(db.query, principal.tenantId, exchange.exchangeId, null, 1)
    if (body.fromStart === true || current === undefined)
      throw problem(409, 'A run is in progress', 'Stop it first, or wait until it has ended.')
    return runView(current)
  })

  mount(contract.stopExchange, async ({ params, principal, reply }) => {
    await db.transaction(async (tx) => {
      const exchange = await exchangeOf(tx.query, principal, params.exchangeId, true)
      await store.stopRun(tx, principal.tenantId, exchange.exchangeId, clock())
    })
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    reply.header('etag', etagOf(exchange))
    return viewOf(exchange)
  })

  mount(contract.uploadExchangeFile, async ({ params, request, principal }) => {
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    if (exchange.kind !== 'file')
      throw problem(409, 'Nothing to upload', `${kinds[exchange.kind].title} is fetched and takes no files.`)
    const upload =
      request.body === undefined
        ? (request.raw as AsyncIterable<Uint8Array>)
        : one(Buffer.from(JSON.stringify(request.body)))
    const started = await deps.worker.start(exchange, { trigger: 'upload', upload })
    if (started === undefined) throw problem(409, 'A run is in progress', 'Stop it first, or wait until it has ended.')
    return runView(await started.done)
  })

  mount(contract.listExchangeRuns, async ({ params, query, principal }) => {
    await exchangeOf(db.query, principal, params.exchangeId)
    const limit = query.limit ?? 50
    const runs = await store.selectRuns(db.query, principal.tenantId, params.exchangeId, query.after ?? null, limit)
    return { items: runs.map(runView), next: runs.length === limit ? runs.at(-1)!.runId : null }
  })

  mount(contract.previewExchange, async ({ params, body, principal }) => {
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    if (!canRepeat(exchange))
      throw problem(409, 'There is nothing to fetch', 'This exchange has no address; upload the file instead.')
    try {
      const { samples, ...preview } = await previewRun(
        deps,
        { ...exchange, filter: body.filter ?? exchange.filter, labels: body.labels ?? exchange.labels },
        { pages: body.pages ?? 1, ...(body.fromStart === undefined ? {} : { fromStart: body.fromStart }) },
      )
      return {
        ...preview,
        samples: samples.map(({ outcome, because, signals, labels, record: row }) => ({
          externalId: row.externalId,
          outcome,
          because,
          signals,
          labels,
          owner: row.ownerName ?? row.owner,
        })),
      }
    } catch (error) {
      if (error instanceof ExchangeError)
        throw problem(502, 'The other side cannot be read', `${error.message}. Nothing was changed.`)
      throw error
    }
  })

  mount(contract.listExchangeRecords, async ({ params, query, principal }) => {
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    const limit = query.limit ?? 50
    const page = await store.selectRecordPage(db.query, principal.tenantId, exchange.exchangeId, {
      afterId: query.after ?? '',
      ...(query.state === undefined ? {} : { state: query.state }),
      limit,
    })
    return {
      items: page.map((row) => recordView(row, exchange)),
      next: page.length === limit ? page.at(-1)!.externalId : null,
    }
  })

  mount(contract.getEntryExchange, async ({ params, principal }) => {
    const { tenantId } = principal
    const entry = await selectBankEntry(db.query, tenantId, params.entryId)
    if (entry === undefined || entry.bankId !== params.bankId) throw notFound('bank entry', params.entryId)
    const row = await store.selectRecordOfEntry(db.query, tenantId, entry.entryId)
    const exchange = row === undefined ? undefined : await store.selectExchange(db.query, tenantId, row.exchangeId)
    return {
      record: row === undefined || exchange === undefined ? null : recordView(row, exchange),
      opinions: await feedbackStore.selectOpinions(db.query, tenantId, entry.entryId),
    }
  })

  const feedbackView = ({ tenantId: _tenantId, ...row }: feedbackStore.Feedback, { bankId }: Exchange) => ({
    ...row,
    bankId,
  })
  mount(contract.listExchangeFeedback, async ({ params, query, principal }) => {
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    const limit = query.limit ?? 50
    const rows = await feedbackStore.selectFeedback(db.query, principal.tenantId, exchange.exchangeId, {
      beforeId: query.after ?? null,
      ...(query.state === undefined ? {} : { state: query.state }),
      limit,
    })
    return {
      items: rows.map((row) => feedbackView(row, exchange)),
      next: rows.length === limit ? rows.at(-1)!.feedbackId : null,
    }
  })
  mount(contract.makeExchangeFeedback, async ({ params, body, principal }) => {
    const exchange = await exchangeOf(db.query, principal, params.exchangeId)
    const because = body.because ?? `said by ${principal.name}`
    const queued = await queueOpinion(deps, exchange, body.entryId, body.opinion, because)
    if (!queued.ok) throw problem(409, 'It cannot be sent', queued.detail)
    const rows = await feedbackStore.selectFeedback(db.query, principal.tenantId, exchange.exchangeId, {
      beforeId: null,
      limit: 1_000,
    })
    return feedbackView(
      rows.find((row) => row.feedbackId === queued.feedbackId)!,
      exchange,
    )
  })
  mount(contract.previewExchangeFeedback, async ({ params, query, principal }) =>
    previewFeedback(deps, await exchangeOf(db.query, principal, params.exchangeId), query.limit ?? 20),
  )
  mount(contract.retryExchangeFeedback, async ({ params, body, principal }) => {
    await exchangeOf(db.query, principal, params.exchangeId)
    const retried = await db.transaction((tx) =>
      feedbackStore.retryFeedback(tx, principal.tenantId, params.exchangeId, clock(), body.feedbackId ?? null),
    )
    if (body.feedbackId !== undefined && retried === 0) throw notFound('parked feedback', body.feedbackId)
    return { retried }
  })

  mount(contract.listBankChanges, async ({ params, query, principal }) => {
    const { tenantId } = principal
    if ((await selectBank(db.query, tenantId, params.bankId)) === undefined) throw notFound('bank', params.bankId)
    if (query.after !== undefined && !/^\d{1,15}$/.test(query.after))
      throw new InputError('after is no cursor', [{ field: 'after', problem: 'must be the `next` of the page before' }])
    const log = await feedbackStore.selectBankLog(
      db.query,
      tenantId,
      bankSubject(params.bankId).id,
      Number(query.after ?? 0),
      query.limit ?? 50,
    )
    const entries = await selectBankEntriesById(db.query, tenantId, [...log.entryIds.keys()])
    return {
      items: entries
        // Drafts are nobody else's business.
        .flatMap(({ status, ...entry }) =>
          entry.bankId === params.bankId && status !== 'pending' ? [{ ...entry, status }] : [],
        )
        .sort((a, b) => (a.entryId < b.entryId ? -1 : 1))
        .map(({ entryId, status, signals, quality, labels, source, addedMs }) => ({
          entryId,
          status,
          signals: status === 'retired' ? {} : signals,
          quality,
          labels: status === 'retired' ? [] : labels,
          source,
          addedMs,
          changedMs: log.entryIds.get(entryId)!,
        })),
      next: String(log.nextOrdinal),
      more: log.more,
    }
  })
  mount(contract.giveBankFeedback, async ({ params, body, principal }) => {
    const { tenantId } = principal
    const ids = body.items.map((item) => item.entryId)
    const entries = new Set(
      (await selectBankEntriesById(db.query, tenantId, ids))
        .filter((entry) => entry.bankId === params.bankId)
        .map((entry) => entry.entryId),
    )
    const known = body.items.filter((item) => entries.has(item.entryId))
    await db.transaction(async (tx) => {
      for (const { entryId, opinion, because = '' } of known)
        await feedbackStore.upsertOpinion(
          tx,
          tenantId,
          { bankId: params.bankId, entryId },
          { fromId: principal.id, fromName: principal.name, opinion, because, atMs: clock() },
        )
    })
    return { taken: known.length, unknown: ids.filter((id) => !entries.has(id)) }
  })
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const fieldView = ({ pattern, choices, ...field }: Field) => ({
  ...field,
  ...(choices === undefined ? {} : { choices: [...choices] }),
  ...(pattern === undefined ? {} : { pattern: pattern.source }),
})

function checkSendBack(kind: Exchange['kind'], sendBack: Exchange['sendBack'] | undefined): void {
  for (const opinion of ['seen', 'confirm', 'dispute'] as const)
    if (sendBack?.[opinion] === true && !kinds[kind].sendBack.includes(opinion))
      throw new InputError(`${kinds[kind].title} takes no "${opinion}"`, [
        { field: `sendBack.${opinion}`, problem: `is not taken by ${kinds[kind].title}` },
      ])
}

/** When it runs next: at once when it was just switched on or set up, never while it is off or lacks its credentials. */
function dueMs(after: Exchange, nowMs: number, before?: Exchange): number | null {
  if (!after.enabled || !canRepeat(after) || lacksCredentials(after)) return null
  if (before === undefined || before.nextMs === null || after.credentialsSetMs !== before.credentialsSetMs) return nowMs
  return Math.min(before.nextMs, nowMs + after.everyMs)
}
const lacksCredentials = (exchange: Exchange) =>
  kinds[exchange.kind].credentials.some(({ name, required }) => required && !exchange.credentialsFields.includes(name))

/** What the ledger keeps of a change. */
const publicOf = ({
  name,
  kind,
  bankId,
  enabled,
  settings,
  credentialsFields,
  everyMs,
  filter,
  labels,
  sendBack,
}: Exchange) => ({
  name,
  kind,
  bankId,
  enabled,
  settings,
  credentialsFields,
  everyMs,
  filter,
  labels,
  sendBack,
})

const runView = (run: Run): contract.ExchangeRun => run

function recordView(row: store.StoredRecord, exchange: Exchange): contract.ExchangeRecord {
  const { exchangeId, externalId, bankId, entryId, state, owner, ownerName, tags, severity, unsupported, sent } = row
  return {
    exchangeId,
    exchangeName: exchange.name,
    kind: exchange.kind,
    externalId,
    bankId,
    entryId,
    state,
    owner,
    ownerName,
    tags,
    severity,
    unsupported,
    firstFetchedMs: row.firstMs,
    lastFetchedMs: row.lastMs,
    sent,
  }
}

async function viewsOf(
  query: Query,
  tenantId: string,
  exchanges: readonly Exchange[],
  nowMs: number,
): Promise<contract.Exchange[]> {
  const ids = exchanges.map((exchange) => exchange.exchangeId)
  const [records, feedback, runs] = await Promise.all([
    store.countRecords(query, tenantId, ids),
    feedbackStore.countFeedback(query, tenantId, ids),
    Promise.all(ids.map((id) => store.selectRuns(query, tenantId, id, null, 1))),
  ])
  return exchanges.map((exchange, index) => {
    const lastRun = runs[index]![0]
    return {
      exchangeId: exchange.exchangeId,
      kind: exchange.kind,
      name: exchange.name,
      bankId: exchange.bankId,
      enabled: exchange.enabled,
      settings: exchange.settings,
      credentials: { set: exchange.credentialsFields, setMs: exchange.credentialsSetMs },
      everyMinutes: Math.round(exchange.everyMs / minuteMs),
      filter: exchange.filter,
      labels: exchange.labels,
      sendBack: exchange.sendBack,
      ...statusOf(exchange, lastRun, nowMs),
      readUntil: connectors[exchange.kind].readUntil(exchange.cursor),
      nextRunMs: exchange.nextMs,
      failures: exchange.failures,
      lastRun: lastRun === undefined ? null : runView(lastRun),
      records: records.get(exchange.exchangeId)!,
      feedback: feedback.get(exchange.exchangeId)!,
      createdMs: exchange.createdMs,
      version: exchange.version,
    }
  })
}

function statusOf(
  exchange: Exchange,
  lastRun: Run | undefined,
  nowMs: number,
): Pick<contract.Exchange, 'status' | 'statusText'> {
  if (exchange.leaseRunId !== null && (exchange.leaseUntilMs ?? 0) > nowMs)
    return {
      status: 'running',
      statusText: `Reading: ${lastRun?.counts.received ?? 0} records so far${
        lastRun?.estimate == null ? '' : `, about ${lastRun.estimate} to come`
      }.`,
    }
  if (!exchange.enabled) return { status: 'off', statusText: 'Switched off; its entries stay.' }
  if (lacksCredentials(exchange)) return { status: 'needs-credentials', statusText: 'Waiting for its credentials.' }
  if (exchange.failures > 0)
    return {
      status: 'failing',
      statusText: `${exchange.failures === 1 ? 'The last run' : `The last ${exchange.failures} runs`} failed: ${lastRun?.error ?? 'the reason is in the log'}. What was read before stays; it is tried again.`,
    }
  if (!canRepeat(exchange)) return { status: 'waiting', statusText: 'Waiting for a file to be uploaded.' }
  return {
    status: 'waiting',
    statusText: lastRun === undefined ? 'Not read yet.' : 'Up to date as of its last run.',
  }
}
