import { createBank, updateBank } from '../../match/changes.ts'
import { subscribe, unsubscribe } from '../../match/sharing/changes.ts'
import {
  selectOfferedBank,
  selectOfferedBanks,
  selectSubscribers,
  selectSubscription,
} from '../../match/sharing/store.ts'
import { selectBank, selectBanks } from '../../match/store.ts'
import {
  changeBank,
  getBank,
  listBanks,
  listSubscriptions,
  makeBank,
  subscribeBank,
  unsubscribeBank,
} from '../contract/banks.ts'
import { notFound, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'
import { bankEntryRoutes, type BankEntryRouteDeps } from './bank-entries.ts'
import { bankView, bankWork, etagOf } from './bank-work.ts'

/** Banks, who may match against them, and their entries: kept by hand or by a platform, each change in the ledger. */
export function bankRoutes(mount: Mount, deps: BankEntryRouteDeps): void {
  const { db } = deps
  const { contextOf, change, bankOf } = bankWork(deps)

  mount(listBanks, async ({ query, principal }) => {
    const { tenantId } = principal
    const { limit = 50, after = '', shared = 'own' } = query
    const items =
      shared === 'own'
        ? (await selectBanks(db.query, tenantId, after, limit)).map((bank) => bankView(bank, tenantId))
        : (
            await selectOfferedBanks(db.query, tenantId, { afterId: after, limit, subscribed: shared === 'subscribed' })
          ).map(({ bank, ownerTenantId, subscription }) => bankView(bank, ownerTenantId, subscription))
    return { items, next: items.length === limit ? items.at(-1)!.bankId : null }
  })

  mount(makeBank, async ({ body, principal, reply }) => {
    const { tenantId } = principal
    const { bankId } = await change(tenantId, (tx) =>
      createBank(tx.query, tenantId, { purpose: '', action: 'review', ...body }, contextOf(principal)),
    )
    const bank = await bankOf(tenantId, bankId)
    reply.header('etag', etagOf(bank)).header('location', `/v1/banks/${bankId}`)
    return bankView(bank, tenantId)
  })

  mount(getBank, async ({ params, principal, reply }) => {
    const { tenantId } = principal
    const own = await selectBank(db.query, tenantId, params.bankId)
    if (own !== undefined) {
      reply.header('etag', etagOf(own))
      return bankView(own, tenantId)
    }
    const shared = await selectOfferedBank(db.query, tenantId, params.bankId)
    if (shared === undefined) throw notFound('bank', params.bankId)
    return bankView(shared.bank, shared.ownerTenantId, shared.subscription)
  })

  mount(changeBank, async ({ params, body, principal, request, reply }) => {
    const { tenantId } = principal
    await change(tenantId, async (tx) => {
      const bank = await selectBank(tx.query, tenantId, params.bankId)
      if (bank === undefined) throw notFound('bank', params.bankId)
      requireMatch(request.headers['if-match'], etagOf(bank), 'bank')
      return updateBank(tx.query, tenantId, params.bankId, body, contextOf(principal))
    })
    const bank = await bankOf(tenantId, params.bankId)
    reply.header('etag', etagOf(bank))
    return bankView(bank, tenantId)
  })

  mount(listSubscriptions, async ({ params, principal }) => {
    const { tenantId } = principal
    if ((await selectBank(db.query, tenantId, params.bankId)) !== undefined)
      return { items: await selectSubscribers(db.query, tenantId, params.bankId) }
    const own = await selectSubscription(db.query, tenantId, params.bankId)
    if (own === undefined && (await selectOfferedBank(db.query, tenantId, params.bankId)) === undefined)
      throw notFound('bank', params.bankId)
    return { items: own === undefined ? [] : [own] }
  })

  mount(subscribeBank, async ({ params, body, principal, request, reply }) => {
    const { tenantId } = principal
    await change(tenantId, async (tx) => {
      const held = await selectSubscription(tx.query, tenantId, params.bankId)
      if (held !== undefined) requireMatch(request.headers['if-match'], etagOf(held), 'subscription', false)
      return subscribe(tx.query, tenantId, params.bankId, body, contextOf(principal))
    })
    const subscription = (await selectSubscription(db.query, tenantId, params.bankId))!
    reply.header('etag', etagOf(subscription))
    return subscription
  })

  mount(unsubscribeBank, async ({ params, principal }) => {
    const { tenantId } = principal
    await change(tenantId, (tx) => unsubscribe(tx.query, tenantId, params.bankId, contextOf(principal)))
    return { bankId: params.bankId }
  })

  bankEntryRoutes(mount, deps)
}
