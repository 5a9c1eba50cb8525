import type { NewEntry } from '../domain/entry.ts'
import { uuidv7 } from '../domain/ids.ts'
import type { TenantSettings } from '../domain/settings.ts'
import { wilson } from '../kernels/wilson.ts'
import { bankLedgerEntry, changeBankEntry, updateBank, type ChangeContext } from '../match/changes.ts'
import { checkCanary } from '../match/hygiene/canaries.ts'
import { expectedMatches, isFlood } from '../match/hygiene/floods.ts'
import type { MatchMeter } from '../match/hygiene/meter.ts'
import { nearEntriesOf } from '../match/hygiene/near.ts'
import {
  deleteMatchCounts,
  saveScanned,
  selectBankTenants,
  selectCanaries,
  selectExpired,
  selectFloodReadings,
  selectJudgedEntries,
  selectScanned,
  touchCanaries,
  upsertPairs,
  type Canary,
  type EntryPair,
} from '../match/hygiene/store.ts'
import type { Lookup } from '../match/lookup.ts'
import { sourcesOf, weigh } from '../match/precision/weigh.ts'
import { selectUntoldVerdicts } from '../match/team-verdicts/store.ts'
import { selectBank, selectBankEntries, selectBankEntry } from '../match/store.ts'
import { selectOpenDecisions } from '../match/verdicts/store.ts'
import type { Database, Tx } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'
import type { EnforceDeps } from './enforce.ts'
import { appendQuarantines } from './learn.ts'

export type HygieneDeps = EnforceDeps & {
  db: Database
  lookup: Pick<Lookup, 'lookup' | 'lookupMany' | 'refresh'>
  meter: Pick<MatchMeter, 'flush'>
  settings: (tenantId: string) => TenantSettings
}

const author = { kind: 'system', part: 'hygiene' } as const
const minuteMs = 60_000
const dayMs = 86_400_000
/** Counts of matches are kept so long: more than any baseline may ask for. */
const countsKeptMs = 35 * dayMs
const expiredAtOnce = 500
const scannedAtOnce = 100
const toldAtOnce = 1_000
/** Near-duplicates are looked for so long in each tick; a million entries take their time in the background. */
const scanMs = 1_000

export type Hygiene = {
  /** Does what is due: expiry, counts and near-duplicates every time, floods and precision every minute with verdicts of other teams, canaries as set. */
  tick: () => Promise<void>
  /** Makes the next tick do what is done every minute. */
  soon: () => void
  /** Looks all canaries of a bank up now. */
  checkCanaries: (tenantId: string, bankId: string) => Promise<void>
}

/** Looks after the banks of every tenant: what expires, floods, is wrong too often, is there twice, or no longer matches. */
export function createHygiene(deps: HygieneDeps): Hygiene {
  const { db, clock } = deps
  let sweptMs = Number.NEGATIVE_INFINITY
  let prunedMs = Number.NEGATIVE_INFINITY
  return {
    async tick() {
      const nowMs = clock()
      await deps.meter.flush()
      await expire(deps)
      const tenantIds = await selectBankTenants(db.query)
      for (const tenantId of tenantIds) await scanPairs(deps, tenantId)
      if (nowMs - sweptMs < minuteMs) return
      sweptMs = nowMs
      for (const tenantId of tenantIds) {
        await holdFloods(deps, tenantId)
        await tellVerdicts(deps, tenantId)
        await holdWrong(deps, tenantId)
        const everyMs = deps.settings(tenantId).banks.canaryMinutes * minuteMs
        const canaries = await selectCanaries(db.query, tenantId, { limit: 1_000 })
        await lookUp(
          deps,
          tenantId,
          canaries.filter(({ checkedMs }) => checkedMs === null || nowMs - checkedMs >= everyMs),
        )
      }
      if (nowMs - prunedMs < dayMs) return
      prunedMs = nowMs
      await deleteMatchCounts(db.query, nowMs - countsKeptMs)
    },
    soon: () => void (sweptMs = Number.NEGATIVE_INFINITY),
    checkCanaries: async (tenantId, bankId) =>
      lookUp(deps, tenantId, await selectCanaries(db.query, tenantId, { bankId, limit: 1_000 })),
  }
}

const contextOf = ({ clock, randomBytes }: HygieneDeps): ChangeContext => ({
  author,
  nowMs: clock(),
  newId: () => uuidv7(clock(), randomBytes),
})

async function change(
  deps: HygieneDeps,
  tenantId: string,
  decide: (tx: Tx) => Promise<readonly NewEntry[]>,
): Promise<void> {
  await deps.db.transaction(async (tx) => {
    await lockKeys(tx, [`banks:${tenantId}`])
    await appendQuarantines(tx, deps, tenantId, await decide(tx))
  })
  await deps.lookup.refresh()
}

/** Switches off banks and retires entries whose time is over. */
async function expire(deps: HygieneDeps): Promise<void> {
  const nowMs = deps.clock()
  const expired = await selectExpired(deps.db.query, nowMs, expiredAtOnce)
  for (const tenantId of new Set(expired.map((one) => one.tenantId)))
    await change(deps, tenantId, async (tx) => {
      const entries: NewEntry[] = []
      for (const { bankId, entryId } of expired.filter((one) => one.tenantId === tenantId)) {
        const outcome =
          entryId === null
            ? (await selectBank(tx.query, tenantId, bankId))?.enabled === true
              ? await updateBank(tx.query, tenantId, bankId, { enabled: false }, contextOf(deps))
              : undefined
            : await changeBankEntry(tx.query, tenantId, bankId, entryId, 'retire', 'its time is over', contextOf(deps))
        if (outcome?.ok === true) entries.push(...outcome.entries)
      }
      return entries
    })
}

/** Holds entries for review that match far more than their own past; decisions of the window are looked at again. */
async function holdFloods(deps: HygieneDeps, tenantId: string): Promise<void> {
  const { flood } = deps.settings(tenantId).banks
  if (!flood.enabled) return
  const nowMs = deps.clock()
  const windowMs = flood.windowMinutes * minuteMs
  const fromMs = nowMs - windowMs
  const readings = await selectFloodReadings(deps.db.query, tenantId, {
    fromMs,
    baselineFromMs: nowMs - flood.baselineDays * dayMs,
    windowMs,
    matchesMin: flood.matchesMin,
    active: true,
  })
  for (const reading of readings) {
    if (!isFlood(reading, flood)) continue
    const { bankId, entryId, matches } = reading
    const expected = expectedMatches(reading, windowMs)
    const reason = `flood: ${matches} matches within ${flood.windowMinutes} minutes, where its own past leads one to expect ${expected < 10 ? expected.toFixed(1) : Math.round(expected)}`
    await change(deps, tenantId, async (tx) => {
      const entry = await selectBankEntry(tx.query, tenantId, entryId)
      if (entry?.status !== 'active') return []
      const decisionIds = await selectOpenDecisions(tx.query, tenantId, entryId, fromMs)
      const body = { bankId, entryId, reason, decisionIds, hold: 'review' as const }
      return [bankLedgerEntry('bank.entry_quarantined', bankId, body, contextOf(deps), reason)]
    })
  }
}

/** Tells the owner of a shared bank how many matches other teams found right and wrong, where that changed. */
async function tellVerdicts(deps: HygieneDeps, tenantId: string): Promise<void> {
  if ((await selectUntoldVerdicts(deps.db.query, tenantId, 1)).length === 0) return
  await change(deps, tenantId, async (tx) =>
    (await selectUntoldVerdicts(tx.query, tenantId, toldAtOnce)).map((body) => ({
      ...bankLedgerEntry('bank.entry_judged_by_teams', body.bankId, body, contextOf(deps)),
      effectKey: `team-verdicts:${body.entryId}:${body.version}`,
    })),
  )
}

/** Holds entries back whose precision lies under the bound of the tenant even at the upper end of its interval. */
async function holdWrong(deps: HygieneDeps, tenantId: string): Promise<void> {
  const { banks, match } = deps.settings(tenantId)
  const { precision } = banks
  const peerWeight = match.peerOpinionWeight
  if (!precision.enabled) return
  const { verdictsMin } = precision
  for (const { entryId, bankId } of await selectJudgedEntries(deps.db.query, tenantId, { verdictsMin, peerWeight }))
    await change(deps, tenantId, async (tx) => {
      const entry = await selectBankEntry(tx.query, tenantId, entryId)
      if (entry?.status !== 'active') return []
      const { since } = entry.verdicts
      const { right, wrong } = weigh(since, peerWeight)
      const { high } = wilson(right, right + wrong)
      if (right + wrong < verdictsMin || high >= precision.upperMin) return []
      const sources = wrong === since.own.wrong ? '' : ` (${sourcesOf(since, 'wrong')})`
      const rounded = (count: number) => Number(count.toFixed(2))
      const reason = `precision: ${rounded(wrong)} of ${rounded(right + wrong)} matches that were looked at were wrong${sources}; at best ${Math.round(high * 100)} % are right, under the bound of ${Math.round(precision.upperMin * 100)} %`
      const outcome = await changeBankEntry(
        tx.query,
        tenantId,
        bankId,
        entryId,
        'quarantine',
        reason,
        contextOf(deps),
        'silent',
      )
      return outcome.ok ? outcome.entries : []
    })
}

/** Looks for entries of the same bank that match each other, among those that were added since the last time. */
async function scanPairs(deps: HygieneDeps, tenantId: string): Promise<void> {
  const { db, lookup, clock } = deps
  const untilMs = clock() + scanMs
  for (let afterId = await selectScanned(db.query, tenantId); clock() < untilMs;) {
    const page = await selectBankEntries(db.query, tenantId, { matching: true, afterId, limit: scannedAtOnce })
    if (page.length === 0) return
    const found = await nearEntriesOf(
      lookup,
      tenantId,
      page.map(({ signals }) => signals),
    )
    const pairs = page.flatMap(({ entryId, bankId }, at): EntryPair[] =>
      found[at]!.flatMap((near) =>
        near.bankId === bankId && near.entryId !== entryId
          ? [{ bankId, entryId, otherId: near.entryId, signalType: near.signalType, distance: near.distance }]
          : [],
      ),
    )
    await upsertPairs(db.query, tenantId, pairs)
    afterId = page.at(-1)!.entryId
    await saveScanned(db.query, tenantId, afterId)
  }
}

/** Looks canaries up; one that no longer finds what it must, or begins to find what it must not, is told in the ledger. */
async function lookUp(deps: HygieneDeps, tenantId: string, canaries: readonly Canary[]): Promise<void> {
  if (canaries.length === 0) return
  const changed: NewEntry[] = []
  for (const canary of canaries) {
    const { canaryId, bankId } = canary
    const { state, because } = await checkCanary(deps.lookup, tenantId, canary)
    if (state === canary.state) continue
    const body = { canaryId, bankId, state, because }
    changed.push(bankLedgerEntry('bank.canary_checked', bankId, body, contextOf(deps), because))
  }
  await deps.db.transaction(async (tx) => {
    await touchCanaries(
      tx.query,
      tenantId,
      canaries.map(({ canaryId }) => canaryId),
      deps.clock(),
    )
    await deps.ledger.append(tx, tenantId, changed)
  })
}
