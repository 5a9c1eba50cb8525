import type { NewEntry } from '../../domain/entry.ts'
import { InputError, quote, type Outcome } from '../../domain/error.ts'
import type { Query } from '../../storage/database.ts'
import { bankActions } from '../bank.ts'
import { bankLedgerEntry, noSuchBank, type ChangeContext } from '../changes.ts'
import { thresholdProblems } from '../checks.ts'
import { selectOfferedBank, selectSubscription } from './store.ts'

export type SubscriptionInput = { thresholds?: Record<string, number>; action?: string | null; enabled?: boolean }

/**
 * A subscription to a bank that another tenant shares with this one, or changes of it; what is not given stays. Thresholds
 * given replace all that were given before. Throws an InputError for thresholds or an action out of range.
 */
export async function subscribe(
  query: Query,
  tenantId: string,
  bankId: string,
  input: SubscriptionInput,
  context: ChangeContext,
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-bank'>> {
  const problems = thresholdProblems(input.thresholds ?? {})
  if (typeof input.action === 'string' && !(bankActions as readonly string[]).includes(input.action))
    problems.push({ field: 'action', problem: `must be one of ${bankActions.join(', ')}`, value: quote(input.action) })
  if (problems.length > 0) throw new InputError('The subscription cannot be kept', problems)
  const found = await selectOfferedBank(query, tenantId, bankId)
  if (found === undefined) return noSuchBank(bankId)
  const before = found.subscription
  return {
    ok: true,
    entries: [
      bankLedgerEntry(
        'bank.subscribed',
        bankId,
        {
          bankId,
          ownerTenantId: found.ownerTenantId,
          thresholds: input.thresholds ?? before?.thresholds ?? {},
          action: input.action === undefined ? (before?.action ?? null) : input.action,
          enabled: input.enabled ?? before?.enabled ?? true,
        },
        context,
      ),
    ],
  }
}

/** The end of a subscription; also to a bank that is no longer shared. */
export async function unsubscribe(
  query: Query,
  tenantId: string,
  bankId: string,
  context: ChangeContext,
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-subscription'>> {
  const held = await selectSubscription(query, tenantId, bankId)
  if (held === undefined)
    return { ok: false, reason: 'no-such-subscription', detail: `This tenant does not subscribe to bank ${bankId}.` }
  const body = { bankId, ownerTenantId: held.ownerTenantId }
  return { ok: true, entries: [bankLedgerEntry('bank.unsubscribed', bankId, body, context)] }
}
