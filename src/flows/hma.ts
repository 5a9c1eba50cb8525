import type { Author } from '../domain/entry.ts'
import { uuidv7, type Clock, type RandomBytes } from '../domain/ids.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { changeBankEntry } from '../match/changes.ts'
import { selectBankEntry } from '../match/store.ts'
import type { Tx } from '../storage/database.ts'
import { selectContent, updateContent } from '../storage/hma.ts'
import { cancelTimer, scheduleTimer, type Timer, type TimerHandlers } from '../storage/timers.ts'

export type HmaDeps = { ledger: Ledger; clock: Clock; randomBytes: RandomBytes }

/** What `disable_until_ts` says: off for good, on, or off until a second of the Unix clock. */
export const disabledForGood = 0
export const enabled = 1

/**
 * Switches an entry off until a second, for good (0), or on (1), as clients of Hasher-Matcher-Actioner do: it is held
 * back like any other quarantined entry, with the reason, and a timer lets it match again.
 */
export async function disableUntil(
  tx: Tx,
  deps: HmaDeps,
  tenantId: string,
  contentId: number,
  untilS: number,
  author: Author,
): Promise<void> {
  const content = await selectContent(tx.query, tenantId, contentId)
  const entry = content === undefined ? undefined : await selectBankEntry(tx.query, tenantId, content.entryId)
  if (entry === undefined) return
  const nowMs = deps.clock()
  const off = untilS === disabledForGood || untilS * 1_000 > nowMs
  const change =
    off && entry.status === 'active' ? 'quarantine' : !off && entry.status === 'quarantined' ? 'release' : undefined
  const reason = off
    ? untilS === disabledForGood
      ? 'disabled for good'
      : `disabled until ${new Date(untilS * 1_000).toISOString()}`
    : 'enabled again'
  if (change !== undefined) {
    const changed = await changeBankEntry(tx.query, tenantId, entry.bankId, entry.entryId, change, reason, {
      author,
      nowMs,
      newId: () => uuidv7(nowMs, deps.randomBytes),
    })
    if (changed.ok) await deps.ledger.append(tx, tenantId, changed.entries)
  }
  await updateContent(tx, tenantId, contentId, { disabledUntilS: untilS })
  const timer = { tenantId, kind: 'hma.enable', key: String(contentId) }
  if (off && untilS !== disabledForGood) await scheduleTimer(tx, { ...timer, dueMs: untilS * 1_000 })
  else await cancelTimer(tx, tenantId, timer.kind, timer.key)
}

/** Lets entries match again whose time is over. */
export function hmaTimers(deps: HmaDeps): TimerHandlers {
  return {
    async 'hma.enable'(tx: Tx, timer: Timer) {
      const author: Author = { kind: 'system', part: 'timers' }
      await disableUntil(tx, deps, timer.tenantId, Number(timer.key), enabled, author)
    },
  }
}
