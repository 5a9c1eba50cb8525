import type { Query } from '../../storage/database.ts'
import { banksVisibleTo } from '../sharing/store.ts'
import { signalTypes } from '../signal-types/all.ts'
import type { LookupContent } from '../signal-types/signal-type.ts'
import { backgroundTurn, inSlices } from '../slices.ts'
import { createTenantIndex, type TenantIndex } from '../tenant-index.ts'
import { selectSearchedEntries, type SearchedEntry } from './store.ts'

const banksPage = 1_000
/** Rows are turned into objects as they arrive: more at once would hold up others. */
export const loadPage = 1_000
export const tidyNs = 700_000
const samplesMax = 64
const warmLookups = 256

/** A tenant's banks and entries as the database has them, indexed and warm. Others have their turns in between. */
export async function loadTenant(
  query: Query,
  tenantId: string,
  variantThresholds?: Readonly<Record<string, number>>,
): Promise<TenantIndex> {
  const index = createTenantIndex(variantThresholds)
  for (let afterId = ''; ;) {
    const page = await banksVisibleTo(query, tenantId, { afterId, limit: banksPage })
    index.setBanks(page)
    if (page.length < banksPage) break
    afterId = page.at(-1)!.bankId
  }
  const samples: LookupContent[] = []
  const take = (page: readonly SearchedEntry[]) => {
    const [entry] = page
    if (entry === undefined || samples.length >= samplesMax) return
    for (const { name, contentOf } of signalTypes)
      if (entry.signals[name] !== undefined) samples.push(contentOf(entry.signals[name]))
  }
  await loadEntries(query, index, tenantId, { seen: take })
  for (const { bankId, ownerTenantId } of index.banks.values())
    if (ownerTenantId !== tenantId) await loadEntries(query, index, ownerTenantId, { bankId, seen: take })
  await tidied(index)
  await warm(index, samples)
  return index
}

/** Entries of a tenant, or of one of its banks, into an index. They are all found once the index is tidied. */
export async function loadEntries(
  query: Query,
  index: TenantIndex,
  ownerTenantId: string,
  of: { bankId?: string; first?: readonly SearchedEntry[]; seen?: (page: readonly SearchedEntry[]) => void },
): Promise<void> {
  const { bankId, first, seen } = of
  const read = (afterId: string) =>
    selectSearchedEntries(query, ownerTenantId, {
      ...(bankId === undefined ? {} : { bankId }),
      afterId,
      limit: loadPage,
    })
  // The next page is read while this one is taken in.
  for (let next = first === undefined ? read('') : Promise.resolve(first), only = true; ; only = false) {
    const page = await next
    const last = page.length < loadPage
    if (!last) next = read(page.at(-1)!.entryId)
    // It is awaited a page later.
    next.catch(() => {})
    seen?.(page)
    // A part of an index has megabytes of tables: few entries do without.
    await inSlices(page, only && last ? index.put : index.putLater, backgroundTurn)
    if (last) return
  }
}

/** Puts an index in order, in the background, until there is nothing more to do. */
export async function tidied(index: TenantIndex, wanted: () => boolean = () => true): Promise<void> {
  while (wanted() && index.maintain(tidyNs)) await backgroundTurn()
}

/** What the first lookups would wait for: compiled code, and memory that was never read. */
async function warm(index: TenantIndex, samples: readonly LookupContent[]): Promise<void> {
  const asked = Array.from({ length: samples.length === 0 ? 0 : warmLookups }, (_, at) => samples[at % samples.length]!)
  await inSlices(asked, (content) => void index.find(content), backgroundTurn)
}
