import { uuidv7 } from '../domain/ids.ts'
import type { NewEntry } from '../domain/entry.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { addBankEntry, createBank, type ChangeContext } from '../match/changes.ts'
import type { NewEntryContent } from '../match/checks.ts'
import { selectBankNamed } from '../match/store.ts'
import type { MediaLibrary } from '../media/library.ts'
import { bankSeeds, type BankSeed } from '../sim/catalog.ts'
import type { PhotoSpec } from '../sim/truth.ts'
import type { Database } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'

export type SeedBankDeps = {
  db: Database
  ledger: Ledger
  clock: () => number
  randomBytes: (length: number) => Uint8Array
  media: Pick<MediaLibrary, 'put'>
  photograph: (spec: PhotoSpec) => Promise<Uint8Array>
}

/** Banks what a trust team of the simulated platform already knows; what is there already stays as it is. Answers how many entries are new. */
export async function seedBanks(deps: SeedBankDeps, tenantId: string, seed: number, actors: number): Promise<number> {
  let added = 0
  for (const known of bankSeeds(seed, actors)) {
    const content = await contentOf(deps, tenantId, known)
    await deps.db.transaction(async (tx) => {
      await lockKeys(tx, [`banks:${tenantId}`])
      const append = (entries: readonly NewEntry[]) => deps.ledger.append(tx, tenantId, entries)
      const context: ChangeContext = {
        author: { kind: 'system', part: 'demo' },
        nowMs: deps.clock(),
        newId: () => uuidv7(deps.clock(), deps.randomBytes),
      }
      const bank = { name: known.bank, purpose: known.purpose, action: 'review' }
      let bankId = (await selectBankNamed(tx.query, tenantId, known.bank))?.bankId
      if (bankId === undefined) {
        const made = await createBank(tx.query, tenantId, bank, context)
        if (!made.ok) return
        await append(made.entries)
        bankId = made.bankId
      }
      const input = { ...content, labels: [known.label], source: 'demo', note: known.note }
      const entry = await addBankEntry(tx.query, tenantId, bankId, input, context)
      // Content that is there already, from an earlier start of the demo, is nothing to add.
      if (!entry.ok) return
      await append(entry.entries)
      added++
    })
  }
  return added
}

async function contentOf(deps: SeedBankDeps, tenantId: string, known: BankSeed): Promise<NewEntryContent> {
  if (known.kind === 'text') return { text: known.text }
  return { media: await deps.media.put(tenantId, await deps.photograph(known.photo)) }
}
