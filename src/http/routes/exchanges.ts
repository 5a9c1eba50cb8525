import { InputError } from '../../domain/error.ts'
import { canRepeat, previewRun, type ExchangeWorker } from '../../flows/exchange.ts'
import { previewFeedback, queueOpinion } from '../../flows/exchange-feedback.ts'
import { bankSubject } from '../../match/changes.ts'
import { ExchangeError } from '../../match/exchange/call.ts'
import { connectors } from '../../match/exchange/connectors.ts'
import { exchangeKinds, type Exchange, type Field, type Run } from '../../match/exchange/exchange.ts'
import { kinds } from '../../match/exchange/kinds.ts'
import * as store from '../../match/exchange/store.ts'
import * as feedbackStore from '../../match/feedback/store.ts'
import { selectBank, selectBankEntriesById, selectBankEntry } from '../../match/store.ts'
import type { Query } from '../../storage/database.ts'
import { lockKeys } from '../../storage/ledger-records.ts'
import * as contract from '../contract/exchanges.ts'
import {
  alterExchange,
  checkSendBack,
  exchangeFor,
  exchangeSettings,
  lacksCredentials,
  nameTaken,
  removeExchange,
  sealCredentials,
  setUpExchange,
  type SetupDeps,
} from '../exchange-setup.ts'
import type { Principal } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'

export type ExchangeRouteDeps = SetupDeps & { worker: Pick<ExchangeWorker, 'start'> }

const minuteMs = 60_000
const etagOf = ({ version }: { version: number }) => `"${version}"`

/** Exchanges: set up, run, previewed, and told what was made of what they gave. */
export function exchangeRoutes(mount: Mount, deps: ExchangeRouteDeps): void {
  const { db, clock } = deps

  const exchangeOf = (principal: Principal, exchangeId: string) => exchangeFor(db, principal, exchangeId)
  const viewOf = async (exchange: Exchange) => (await viewsOf(db.query, exchange.tenantId, [exchange], clock()))[0]!

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
    const exchange = await exchangeOf(principal, await setUpExchange(deps, principal, body))
    reply.header('etag', etagOf(exchange)).header('location', `/v1/exchanges/${exchange.exchangeId}`)
    return viewOf(exchange)
  })

  mount(contract.getExchange, async ({ params, principal, reply }) => {
    const exchange = await exchangeOf(principal, params.exchangeId)
    reply.header('etag', etagOf(exchange))
    return viewOf(exchange)
  })

  mount(contract.changeExchange, async ({ params, body, principal, request, reply }) => {
    const exchange = await alterExchange(deps, principal, params.exchangeId, async (tx, before) => {
      requireMatch(request.headers['if-match'], etagOf(before), 'exchange')
      checkSendBack(before.kind, body.sendBack)
      if (body.name !== undefined && body.name !== before.name) {
        await lockKeys(tx, [`exchanges:${principal.tenantId}`])
        if ((await store.selectExchangeNamed(tx.query, principal.tenantId, body.name)) !== undefined)
          throw nameTaken(body.name)
      }
      const { everyMinutes, settings, ...rest } = body
      if (body.sendBack !== undefined) await feedbackStore.parkSwitchedOff(tx, before, body.sendBack)
      return {
        ...before,
        ...rest,
        ...(settings === undefined ? {} : { settings: exchangeSettings(deps, before.kind, settings) }),
        ...(everyMinutes === undefined ? {} : { everyMs: everyMinutes * minuteMs }),
      }
    })
    reply.header('etag', etagOf(exchange))
    return viewOf(exchange)
  })

  mount(contract.setExchangeCredentials, async ({ params, body, principal, reply }) => {
    const exchange = await alterExchange(deps, principal, params.exchangeId, async (tx, before) => ({
      ...before,
      ...(await sealCredentials(tx, deps, before, body)),
      failures: 0,
    }))
    reply.header('etag', etagOf(exchange))
    return viewOf(exchange)
  })

  mount(contract.deleteExchange, async ({ params, query, principal }) => ({
    ok: true,
    retired: await removeExchange(deps, principal, params.exchangeId, query.entries === 'retire'),
  }))

  mount(contract.runExchange, async ({ params, body, principal }) => {
    const exchange = await exchangeOf(principal, params.exchangeId)
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
      const exchange = await exchangeFor(tx, principal, params.exchangeId, true)
      await store.stopRun(tx, principal.tenantId, exchange.exchangeId, clock())
    })
    const exchange = await exchangeOf(principal, params.exchangeId)
    reply.header('etag', etagOf(exchange))
    return viewOf(exchange)
  })

  mount(contract.uploadExchangeFile, async ({ params, request, principal }) => {
    const exchange = await exchangeOf(principal, params.exchangeId)
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
    await exchangeOf(principal, params.exchangeId)
    const limit = query.limit ?? 50
    const runs = await store.selectRuns(db.query, principal.tenantId, params.exchangeId, query.after ?? null, limit)
    return { items: runs.map(runView), next: runs.length === limit ? runs.at(-1)!.runId : null }
  })

  mount(contract.previewExchange, async ({ params, body, principal }) => {
    const exchange = await exchangeOf(principal, params.exchangeId)
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
    const exchange = await exchangeOf(principal, params.exchangeId)
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
    const exchange = await exchangeOf(principal, params.exchangeId)
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
    const exchange = await exchangeOf(principal, params.exchangeId)
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
    previewFeedback(deps, await exchangeOf(principal, params.exchangeId), query.limit ?? 20),
  )
  mount(contract.retryExchangeFeedback, async ({ params, body, principal }) => {
    await exchangeOf(principal, params.exchangeId)
    const retried = await db.transaction((tx) =>
      feedbackStore.retryFeedback(tx, principal.tenantId, params.exchangeId, clock(), body.feedbackId ?? null),
    )
    if (body.feedbackId !== undefined && retried === 0) throw notFound('parked feedback', body.feedbackId)
    return { retried }
  })

  mount(contract.listBankChanges, async ({ params, query, principal }) => {
    const { tenantId } = principal
    if ((await selectBank(db.query, tenantId, params.bankId)) === undefined) throw notFound('bank', params.bankId)
    const place = /^(\d{1,15})(?:\.([\w:-]{1,100}))?$/.exec(query.after ?? '0')
    if (place === null)
      throw new InputError('after is no cursor', [{ field: 'after', problem: 'must be the `next` of the page before' }])
    const log = await feedbackStore.selectBankLog(
      db.query,
      tenantId,
      { bankId: params.bankId, subjectId: bankSubject(params.bankId).id },
      { ordinal: Number(place[1]), entryId: place[2] ?? '' },
      query.limit ?? 50,
    )
    const entries = await selectBankEntriesById(db.query, tenantId, [...log.entryIds.keys()])
    return {
      items: entries
        // What was moved to another bank is gone from this one.
        .map((entry) => (entry.bankId === params.bankId ? entry : { ...entry, status: 'retired' as const }))
        // Drafts are nobody else's business.
        .flatMap(({ status, ...entry }) => (status === 'pending' ? [] : [{ ...entry, status }]))
        .sort((a, b) => (a.entryId < b.entryId ? -1 : 1))
        .map(({ entryId, status, signals, quality, labels, source, addedMs }) => ({
          entryId,
          status,
          signals: status === 'retired' ? {} : signals,
          quality: status === 'retired' ? null : quality,
          labels: status === 'retired' ? [] : labels,
          source: status === 'retired' ? '' : source,
          addedMs,
          changedMs: log.entryIds.get(entryId)!,
        })),
      next: log.next.entryId === '' ? String(log.next.ordinal) : `${log.next.ordinal}.${log.next.entryId}`,
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
