import type { Hygiene } from '../../flows/bank-hygiene.ts'
import { defaultBankHygiene } from '../../domain/settings.ts'
import { dropCanary, setCanary } from '../../match/hygiene/canaries.ts'
import { expectedMatches, isFlood } from '../../match/hygiene/floods.ts'
import { groupsOf } from '../../match/hygiene/groups.ts'
import {
  deletePairs,
  saveScanned,
  selectBoardList,
  selectCanaries,
  selectFloodReadings,
  selectMatchDays,
  selectPairs,
  type BoardList,
} from '../../match/hygiene/store.ts'
import { selectBankRecords } from '../../match/precision/store.ts'
import { selectBankEntriesById, selectBanks } from '../../match/store.ts'
import * as contract from '../contract/hygiene.ts'
import type { Mount } from '../server.ts'
import { bankWork, entryView, precisionOf, type BankRouteDeps } from './bank-work.ts'

export type HygieneRouteDeps = BankRouteDeps & { hygiene: Pick<Hygiene, 'checkCanaries' | 'soon'> }

const dayMs = 86_400_000
const canariesMax = 1_000

/** The board of what needs care in the banks, near-duplicates, and canaries. */
export function hygieneRoutes(mount: Mount, deps: HygieneRouteDeps): void {
  const { db, clock, settings, hygiene } = deps
  const { contextOf, change, bankOf, contentOf } = bankWork(deps)

  /** The members of groups, with what a screen shows of each. */
  const filled = async (tenantId: string, groups: ReturnType<typeof groupsOf>): Promise<contract.DuplicateGroup[]> => {
    const ids = groups.flatMap(({ members }) => members.map(({ entryId }) => entryId))
    const entries = new Map(
      (await selectBankEntriesById(db.query, tenantId, ids)).map((entry) => [entry.entryId, entry]),
    )
    return groups.map(({ groupId, bankId, members }) => ({
      groupId,
      bankId,
      entries: members.flatMap((member) => {
        const entry = entries.get(member.entryId)
        if (entry === undefined) return []
        const { labels, matches, mediaSha256, addedMs } = entry
        return [{ ...member, labels, matches, mediaSha256, addedMs }]
      }),
    }))
  }
  const floods = async (tenantId: string, bankId: string | undefined): Promise<contract.Flood[]> => {
    const { flood } = settings?.(tenantId).banks ?? defaultBankHygiene
    const nowMs = clock()
    const windowMs = flood.windowMinutes * 60_000
    const readings = (
      await selectFloodReadings(db.query, tenantId, {
        fromMs: nowMs - windowMs,
        baselineFromMs: nowMs - flood.baselineDays * dayMs,
        windowMs,
        matchesMin: flood.matchesMin,
        active: false,
      })
    ).filter((reading) => (bankId === undefined || reading.bankId === bankId) && isFlood(reading, flood))
    const ids = readings.map(({ entryId }) => entryId)
    const entries = new Map(
      (await selectBankEntriesById(db.query, tenantId, ids)).map((entry) => [entry.entryId, entry]),
    )
    return Promise.all(
      readings.map(async (reading) => ({
        entry: entryView(entries.get(reading.entryId)!),
        matches: reading.matches,
        windowMinutes: flood.windowMinutes,
        expected: expectedMatches(reading, windowMs),
        perDay: await selectMatchDays(db.query, tenantId, reading.entryId, nowMs - 30 * dayMs),
      })),
    )
  }

  mount(contract.hygieneBoard, async ({ query, principal }) => {
    const { tenantId } = principal
    const { bankId, limit = 20 } = query
    if (bankId !== undefined) await bankOf(tenantId, bankId)
    const { precision } = settings?.(tenantId).banks ?? defaultBankHygiene
    const options = {
      ...(bankId === undefined ? {} : { bankId }),
      nowMs: clock(),
      verdictsMin: precision.verdictsMin,
      shareMax: precision.upperMin,
      limit,
    }
    const list = async (name: BoardList) => {
      const { count, entries } = await selectBoardList(db.query, tenantId, name, options)
      return { count, entries: entries.map(entryView) }
    }
    const flooding = await floods(tenantId, bankId)
    const groups = groupsOf(await selectPairs(db.query, tenantId, bankId))
    const canaries = await selectCanaries(db.query, tenantId, {
      ...(bankId === undefined ? {} : { bankId }),
      limit: canariesMax,
    })
    const [quarantined, lowPrecision, expiring, neverMatched, agedOut, disputed, drafts] = await Promise.all([
      list('quarantined'),
      list('lowPrecision'),
      list('expiring'),
      list('neverMatched'),
      list('agedOut'),
      list('disputed'),
      list('drafts'),
    ])
    return {
      counts: {
        quarantined: quarantined.count,
        floods: flooding.length,
        lowPrecision: lowPrecision.count,
        canariesFailing: canaries.filter(({ state }) => state === 'failing').length,
        duplicateGroups: groups.length,
        expiring: expiring.count,
        neverMatched: neverMatched.count,
        agedOut: agedOut.count,
        drafts: drafts.count,
        disputed: disputed.count,
      },
      quarantined: quarantined.entries,
      floods: flooding.slice(0, limit),
      lowPrecision: lowPrecision.entries,
      canaries: canaries.slice(0, limit),
      duplicateGroups: await filled(tenantId, groups.slice(0, limit)),
      expiring: expiring.entries,
      neverMatched: neverMatched.entries,
      agedOut: agedOut.entries,
      disputed: disputed.entries,
    }
  })

  mount(contract.bankPrecision, async ({ query, principal }) => {
    const { tenantId } = principal
    const { bankId, days = 30 } = query
    if (bankId !== undefined) await bankOf(tenantId, bankId)
    const sinceMs = (Math.floor(clock() / dayMs) - days + 1) * dayMs
    const records = await selectBankRecords(db.query, tenantId, {
      ...(bankId === undefined ? {} : { bankId }),
      sinceMs,
    })
    return {
      items: records.map(({ right, wrong, ...record }) => ({ ...record, precision: precisionOf(right, wrong) })),
    }
  })

  mount(contract.listDuplicates, async ({ query, principal }) => {
    const { tenantId } = principal
    const { bankId, limit = 50, after = '' } = query
    if (bankId !== undefined) await bankOf(tenantId, bankId)
    const groups = groupsOf(await selectPairs(db.query, tenantId, bankId)).filter(({ groupId }) => groupId > after)
    const page = groups.slice(0, limit)
    return { items: await filled(tenantId, page), next: groups.length > limit ? page.at(-1)!.groupId : null }
  })
  mount(contract.scanDuplicates, async ({ principal }) => {
    const { tenantId } = principal
    await db.transaction(async (tx) => {
      await deletePairs(tx.query, tenantId)
      await saveScanned(tx.query, tenantId, '')
    })
    hygiene.soon()
    let entries = 0
    for (let afterId = ''; ;) {
      const page = await selectBanks(db.query, tenantId, afterId, 1_000)
      for (const bank of page) entries += bank.entries.active
      if (page.length < 1_000) return { entries }
      afterId = page.at(-1)!.bankId
    }
  })

  mount(contract.listCanaries, async ({ params, principal }) => {
    await bankOf(principal.tenantId, params.bankId)
    return { items: await selectCanaries(db.query, principal.tenantId, { ...params, limit: canariesMax }) }
  })
  mount(contract.makeCanary, async ({ params, body, principal }) => {
    const { tenantId } = principal
    const { expects, entryId, note, ...given } = body
    const content = await contentOf(tenantId, given)
    const canary = {
      expects,
      content,
      ...(entryId === undefined ? {} : { entryId }),
      ...(note === undefined ? {} : { note }),
    }
    const { canaryId } = await change(tenantId, (tx) =>
      setCanary(tx.query, tenantId, params.bankId, canary, contextOf(principal)),
    )
    await hygiene.checkCanaries(tenantId, params.bankId)
    return (await selectCanaries(db.query, tenantId, { canaryId, limit: 1 }))[0]!
  })
  mount(contract.checkCanaries, async ({ params, principal }) => {
    const { tenantId } = principal
    await bankOf(tenantId, params.bankId)
    await hygiene.checkCanaries(tenantId, params.bankId)
    return { items: await selectCanaries(db.query, tenantId, { bankId: params.bankId, limit: canariesMax }) }
  })
  mount(contract.removeCanary, async ({ params, principal }) => {
    const { tenantId } = principal
    const { bankId, canaryId } = params
    await change(tenantId, (tx) => dropCanary(tx.query, tenantId, bankId, canaryId, contextOf(principal)))
    return { canaryId }
  })
}
