import { createColumn } from '../kernels/column.ts'
import { createDigestIndex } from '../kernels/digest-index.ts'
import type { VisibleBank as Bank } from './bank.ts'
import type { HammingStats } from '../kernels/hamming-stats.ts'
import { signalTypes } from './signal-types/all.ts'
import type { Hits, LookupContent, SignalHit, SignalType } from './signal-types/signal-type.ts'

/** What of an entry is searched and said of its matches. */
export type IndexedEntry = {
  entryId: string
  bankId: string
  signals: Record<string, string>
  quality: number | null
  labels: readonly string[]
  /** Held for review: it matches, and a person looks. */
  held?: boolean
}

/** One hit, and what it hit. */
export type Found = {
  type: SignalType
  hit: SignalHit
  bank: Bank
  threshold: number
  entryId: string
  labels: string[]
  held: boolean
}

export type FindOptions = {
  /** Which banks are asked, by their settings; those of this index where missing. */
  banks?: ReadonlyMap<string, Bank>
  /** Signal types by name; all where missing. */
  types?: ReadonlySet<string>
  /** Photos are looked for as they are and not turned. */
  unturned?: boolean
}

export type TenantIndex = {
  /** Replaced, never changed, when a bank changes. */
  readonly banks: ReadonlyMap<string, Bank>
  /** Entries in memory. */
  readonly size: number
  /** About how much memory that takes, by the length of the signals. */
  readonly bytes: number
  setBanks: (banks: Iterable<Bank>) => void
  /** Asks a bank no longer. */
  dropBank: (bankId: string) => void
  /** Takes out the entries of a bank, some at each step. */
  dropEntriesOf: (bankId: string) => Iterable<void>
  /** Takes an entry that matches. Its signals never change but for what models make; what else changed is taken over. */
  put: (entry: IndexedEntry) => void
  /** The same for one of very many, quicker; it is found when `maintain` has nothing more to do. */
  putLater: (entry: IndexedEntry) => void
  /** Puts indexes in order for about so long, in nanoseconds; answers whether there is more to do. */
  maintain: (budgetNs: number) => boolean
  /** Makes indexes quicker for about so long; everything is found before, too. Answers whether there is more to do. */
  improve: (budgetNs: number) => boolean
  /** Takes an entry out; nothing happens when it is not there. */
  drop: (entryId: string) => void
  has: (entryId: string) => boolean
  /** Every hit within the thresholds of the banks, in the order of signal types; later where another thread searches. */
  find: (content: LookupContent, options?: FindOptions) => Found[] | Promise<Found[]>
  /** What the indexes of hashes are made of, by signal type. */
  stats: () => ({ signalType: string } & HammingStats)[]
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const idWords = 4
const dropSlots = 64
/** Names of variants come with queries: no more than these are remembered. */
const variantsMax = 64
/** Columns, ids and what an index keeps beside a signal; and what it keeps for a character of one. Measured with hashes. */
const entryBytes = 100
const characterBytes = 2
/** The number of no bank, for slots that are free. */
const nowhere = -1

/**
 * The searched entries of one tenant in memory: an index for each signal type, and columns by slot instead of an object
 * for each entry (about 60 bytes beside the signals; a million objects would take hundreds of megabytes).
 * `variantThresholds` are those of variants of types (`type:variant`) for banks that say nothing of them.
 */
export function createTenantIndex(variantThresholds: Readonly<Record<string, number>> = {}): TenantIndex {
  const indexes = signalTypes.map((type) => type.createIndex())
  const typeAt = new Map(signalTypes.map((type, at) => [type.name, at]))
  const entriesOf = signalTypes.map(() => 0)
  const lengthOf = signalTypes.map(() => 0)
  let banks: ReadonlyMap<string, Bank> = new Map()

  // Entries by slot.
  const bankOf = createColumn(nowhere)
  const labelsOf = createColumn()
  const typesOf = createColumn()
  const free: number[] = []
  let slots = 0
  let size = 0
  const ids = createDigestIndex(idWords)
  const key = new Uint32Array(idWords)
  /** Ids that are no UUIDs, which other installations may have made. */
  const oddSlots = new Map<string, number>()
  const oddIds = new Map<number, string>()
  /** Slots of entries that are held for review: few. */
  const heldSlots = new Set<number>()

  // What many entries share, by number.
  const bankIds: string[] = []
  const bankNumbers = new Map<string, number>()
  const labelLists: string[][] = [[]]
  const labelNumbers = new Map<string, number>([['[]', 0]])
  const numberOfBank = (bankId: string) => {
    const known = bankNumbers.get(bankId)
    if (known !== undefined) return known
    bankNumbers.set(bankId, bankIds.length)
    return bankIds.push(bankId) - 1
  }
  const numberOfLabels = (labels: readonly string[]) => {
    const text = JSON.stringify(labels)
    const known = labelNumbers.get(text)
    if (known !== undefined) return known
    labelNumbers.set(text, labelLists.length)
    return labelLists.push([...labels]) - 1
  }

  const slotOf = (entryId: string): number => {
    if (!uuid.test(entryId)) return oddSlots.get(entryId) ?? -1
    wordsOfUuid(entryId, key)
    return ids.first(key)
  }
  const idOf = (slot: number): string => {
    const odd = oddIds.get(slot)
    if (odd !== undefined) return odd
    ids.keyOf(slot, key)
    return uuidOfWords(key)
  }
  const describe = (slot: number, { bankId, labels, held = false }: IndexedEntry) => {
    bankOf.set(slot, numberOfBank(bankId))
    labelsOf.set(slot, numberOfLabels(labels))
    if (held) heldSlots.add(slot)
    else heldSlots.delete(slot)
  }
  const takeIn = (entry: IndexedEntry, slot: number, how: 'add' | 'addLater') => {
    const { entryId, signals, quality } = entry
    for (const column of [bankOf, labelsOf, typesOf]) column.reserve(slot)
    describe(slot, entry)
    size++
    if (uuid.test(entryId)) {
      wordsOfUuid(entryId, key)
      ids.add(slot, key)
    } else {
      oddSlots.set(entryId, slot)
      oddIds.set(slot, entryId)
    }
    let types = 0
    for (const name in signals) {
      const at = typeAt.get(name)
      if (at === undefined) continue
      const index = indexes[at]!
      if (how === 'addLater' && index.addLater !== undefined) index.addLater(slot, signals[name]!, quality)
      else index.add(slot, signals[name]!, quality)
      entriesOf[at]!++
      lengthOf[at]! += signals[name]!.length
      types |= 1 << at
    }
    typesOf.set(slot, types)
  }

  /** Thresholds by the number of the bank, and which are asked at all, for each map of banks that was asked with. */
  type Prepared = {
    asked: Uint8Array
    all: boolean
    thresholds: Float64Array[]
    radii: number[]
    /** Of variants, by `type:variant`; made when first asked for. */
    variants: Map<string, { thresholds: Float64Array; radiusMax: number }>
    bankCount: number
  }
  let preparedFor = new WeakMap<ReadonlyMap<string, Bank>, Prepared>()
  const prepare = (asked: ReadonlyMap<string, Bank>): Prepared => {
    const known = preparedFor.get(asked)
    if (known !== undefined && known.bankCount === bankIds.length) return known
    const made: Prepared = {
      asked: Uint8Array.from(bankIds, (bankId) => (asked.has(bankId) ? 1 : 0)),
      all: bankIds.every((bankId) => asked.has(bankId)),
      thresholds: signalTypes.map(({ name, threshold }) =>
        Float64Array.from(bankIds, (bankId) => asked.get(bankId)?.thresholds[name] ?? threshold),
      ),
      radii: [],
      variants: new Map(),
      bankCount: bankIds.length,
    }
    made.radii = made.thresholds.map((each) => radiusOf(made.asked, each))
    preparedFor.set(asked, made)
    return made
  }
  const radiusOf = (asked: Uint8Array, thresholds: Float64Array) =>
    thresholds.reduce((most, one, at) => (asked[at] === 1 ? Math.max(most, one) : most), 0)
  /** A bank's threshold for a variant, else for its type, else that of the variant itself, else that of the type. */
  const variantOf = (prepared: Prepared, asked: ReadonlyMap<string, Bank>, type: SignalType, variant: string) => {
    const name = `${type.name}:${variant}`
    const known = prepared.variants.get(name)
    if (known !== undefined) return known
    const fallback = variantThresholds[name] ?? type.threshold
    const thresholds = Float64Array.from(bankIds, (bankId) => {
      const own = asked.get(bankId)?.thresholds
      return own?.[name] ?? own?.[type.name] ?? fallback
    })
    const made = { thresholds, radiusMax: radiusOf(prepared.asked, thresholds) }
    if (prepared.variants.size < variantsMax) prepared.variants.set(name, made)
    return made
  }

  const drop = (slot: number) => {
    for (let at = 0, types = typesOf.get(slot); types !== 0; at++, types >>>= 1)
      if ((types & 1) !== 0) {
        indexes[at]!.remove(slot)
        lengthOf[at]! -= lengthOf[at]! / entriesOf[at]!
        entriesOf[at]!--
      }
    const odd = oddIds.get(slot)
    if (odd === undefined) ids.remove(slot)
    else {
      oddIds.delete(slot)
      oddSlots.delete(odd)
    }
    heldSlots.delete(slot)
    bankOf.set(slot, nowhere)
    free.push(slot)
    size--
  }

  /** What models make of an entry comes later than the entry, and anew with another model. */
  const replace = (at: number, slot: number, signal: string | undefined) => {
    const bit = 1 << at
    const there = (typesOf.get(slot) & bit) !== 0
    if (there) {
      lengthOf[at]! -= lengthOf[at]! / entriesOf[at]!
      entriesOf[at]!--
    }
    if (signal !== undefined) {
      indexes[at]!.add(slot, signal, null)
      lengthOf[at]! += signal.length
      entriesOf[at]!++
    } else if (there) indexes[at]!.remove(slot)
    if (there !== (signal !== undefined)) typesOf.set(slot, typesOf.get(slot) ^ bit)
  }
  const redescribe = (slot: number, entry: IndexedEntry) => {
    describe(slot, entry)
    for (const [at, { name, variantPattern }] of signalTypes.entries())
      if (variantPattern !== undefined) replace(at, slot, entry.signals[name])
  }

  return {
    get banks() {
      return banks
    },
    get size() {
      return size
    },
    get bytes() {
      return size * entryBytes + characterBytes * lengthOf.reduce((sum, length) => sum + length, 0)
    },
    setBanks(more) {
      const all = new Map(banks)
      for (const bank of more) {
        numberOfBank(bank.bankId)
        all.set(bank.bankId, bank)
      }
      banks = all
      preparedFor = new WeakMap()
    },
    dropBank(bankId) {
      const rest = new Map(banks)
      rest.delete(bankId)
      banks = rest
      preparedFor = new WeakMap()
    },
    *dropEntriesOf(bankId) {
      const number = bankNumbers.get(bankId)
      for (let slot = 0; number !== undefined && slot < slots; slot++) {
        if (bankOf.get(slot) === number) drop(slot)
        if (slot % dropSlots === 0) yield
      }
    },
    has: (entryId) => slotOf(entryId) >= 0,
    put(entry) {
      const held = slotOf(entry.entryId)
      if (held >= 0) redescribe(held, entry)
      else takeIn(entry, free.pop() ?? slots++, 'add')
    },
    putLater(entry) {
      const held = slotOf(entry.entryId)
      if (held >= 0) redescribe(held, entry)
      // Slots that were free before would come out of order, which indexes do not like here.
      else takeIn(entry, slots++, 'addLater')
    },
    maintain: (budgetNs) => indexes.some((index) => index.maintain?.(budgetNs) === true),
    improve: (budgetNs) => indexes.some((index) => index.improve?.(budgetNs) === true),
    drop(entryId) {
      const slot = slotOf(entryId)
      if (slot >= 0) drop(slot)
    },
    stats: () =>
      signalTypes.flatMap(({ name }, at) => {
        const stats = indexes[at]!.stats?.()
        return stats === undefined ? [] : [{ signalType: name, ...stats }]
      }),
    find(content, options = {}) {
      const asked = options.banks ?? banks
      if (size === 0) return []
      const prepared = prepare(asked)
      const wanted = prepared.all ? undefined : (slot: number) => prepared.asked[bankOf.get(slot)] === 1
      const searched: { type: SignalType; thresholds: Float64Array; hits: Hits }[] = []
      for (const [at, type] of signalTypes.entries()) {
        if (entriesOf[at] === 0 || options.types?.has(type.name) === false) continue
        const thresholds = prepared.thresholds[at]!
        const hits = indexes[at]!.search(content, {
          radiusMax: prepared.radii[at]!,
          thresholdOf: (slot) => thresholds[bankOf.get(slot)]!,
          ...(type.variantPattern === undefined
            ? {}
            : {
                variant: (name: string) => {
                  const own = variantOf(prepared, asked, type, name)
                  return { radiusMax: own.radiusMax, thresholdOf: (slot: number) => own.thresholds[bankOf.get(slot)]! }
                },
              }),
          ...(wanted === undefined ? {} : { wanted }),
          ...(options.unturned === true ? { unturned: true } : {}),
        })
        searched.push({ type, thresholds, hits })
      }
      const foundIn = (all: readonly SignalHit[][]): Found[] =>
        searched.flatMap(({ type, thresholds }, at) =>
          all[at]!.flatMap((hit): Found[] => {
            const number = bankOf.get(hit.slot)
            const bank = asked.get(bankIds[number]!)
            if (bank === undefined) return []
            const labels = labelLists[labelsOf.get(hit.slot)]!
            const held = heldSlots.has(hit.slot)
            const own =
              hit.variant === undefined ? thresholds : variantOf(prepared, asked, type, hit.variant).thresholds
            return [{ type, hit, bank, threshold: own[number]!, entryId: idOf(hit.slot), labels, held }]
          }),
        )
      const hits = searched.map((one) => one.hits)
      return hits.every((one) => Array.isArray(one))
        ? foundIn(hits)
        : Promise.all(hits.map(async (one) => one)).then(foundIn)
    },
  }
}

function wordsOfUuid(text: string, into: Uint32Array): void {
  into[0] = Number.parseInt(text.slice(0, 8), 16)
  into[1] = Number.parseInt(text.slice(9, 13) + text.slice(14, 18), 16)
  into[2] = Number.parseInt(text.slice(19, 23) + text.slice(24, 28), 16)
  into[3] = Number.parseInt(text.slice(28), 16)
}

function uuidOfWords(words: Uint32Array): string {
  const [a, b, c, d] = Array.from(words, (word) => word.toString(16).padStart(8, '0')) as [
    string,
    string,
    string,
    string,
  ]
  return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`
}
