import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, beforeEach, after, test } from 'node:test'
import type { NewEntry, ViolationProposal } from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import { InputError } from '../domain/error.ts'
import { uuidv7 } from '../domain/ids.ts'
import { pdqDihedralOfHash, pdqFromHex, pdqToHex } from '../kernels/pdq.ts'
import { createLedger } from '../ledger/ledger.ts'
import { rebuildProjections } from '../ledger/rebuild.ts'
import { openDatabase } from '../storage/database.ts'
import { testDatabase } from '../../test/database.ts'
import {
  addBankEntry,
  changeBankEntry,
  createBank,
  quarantineIfOverturned,
  updateBank,
  type ChangeContext,
  type NewBank,
} from './changes.ts'
import type { NewEntryInput } from './checks.ts'
import { createLookup, type Lookup } from './lookup.ts'
import { bankProjector } from './project.ts'
import { matchRefOf, signalsOfMatches } from './signals.ts'
import { selectBank, selectBankEntries, selectBankEntry } from './store.ts'

let db: Awaited<ReturnType<typeof testDatabase>>
let lookup: Lookup
let tenantId: string
let tenants = 0
let nowMs = 1_700_000_000_000
const clock = () => nowMs++
const ledger = createLedger({ projectors: [bankProjector], clock, randomBytes })
before(async () => {
  db = await testDatabase()
})
beforeEach(() => {
  tenantId = `t${tenants++}`
  lookup = createLookup({ db, pollMs: 0 })
})
after(() => lookup.close())

const context = (): ChangeContext => ({
  author: { kind: 'person', id: 'ana' },
  nowMs: clock(),
  newId: () => uuidv7(clock(), randomBytes),
})
const append = (entries: NewEntry[]) => db.transaction((tx) => ledger.append(tx, tenantId, entries))
async function apply<T extends { entries: NewEntry[] }>(change: Promise<Outcome<T, string>>): Promise<T> {
  const outcome = await change
  assert.ok(outcome.ok, JSON.stringify(outcome))
  await append(outcome.entries)
  return outcome
}
const bank = async (more: Partial<NewBank> = {}) =>
  (
    await apply(
      createBank(db.query, tenantId, { name: 'known-scams', purpose: 'scams', action: 'review', ...more }, context()),
    )
  ).bankId
const add = async (bankId: string, input: NewEntryInput) =>
  (await apply(addBankEntry(db.query, tenantId, bankId, input, context()))).entryId
const change = (bankId: string, entryId: string, how: 'quarantine' | 'release' | 'retire') =>
  apply(changeBankEntry(db.query, tenantId, bankId, entryId, how, 'looked at', context()))
const find = async (content: Parameters<Lookup['lookup']>[1]) => {
  await lookup.refresh()
  return lookup.lookup(tenantId, content)
}

const hash = 'f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22'
/** The hash with its lowest bits flipped. */
const off = (bits: number, from = hash) => {
  const words = pdqFromHex(from)
  for (let bit = 0; bit < bits; bit++) words[bit >>> 5]! ^= 1 << (bit & 31)
  return pdqToHex(words)
}

test('a photo is found up to the threshold of its bank, with the distance in words', async () => {
  const bankId = await bank()
  const entryId = await add(bankId, { pdq: { hash, quality: 100 }, labels: ['crypto'] })
  const matches = await find({ photos: [{ pdq: off(100) }, { sha256: 'a'.repeat(64), pdq: off(14), quality: 100 }] })
  assert.equal(matches.length, 1)
  const [match] = matches
  assert.deepEqual(
    { entryId: match!.entryId, distance: match!.distance, threshold: match!.threshold, labels: match!.labels },
    { entryId, distance: 14, threshold: 31, labels: ['crypto'] },
  )
  const [signal] = signalsOfMatches(matches, { kind: 'item', id: 'i1' })
  assert.equal(signal!.name, 'match.media')
  assert.equal(signal!.because, `14 of 256 bits from entry ${entryId} of bank "known-scams"`)
  assert.equal(signal!.value, 0.945)
  assert.deepEqual(matchRefOf(signal!), {
    bankId,
    entryId,
    signalType: 'pdq',
    distance: 14,
    threshold: 31,
    mediaSha256: 'a'.repeat(64),
  })
  assert.equal((await find({ photos: [{ pdq: off(31) }] })).length, 1)
  assert.equal((await find({ photos: [{ pdq: off(32) }] })).length, 0)
  await apply(updateBank(db.query, tenantId, bankId, { thresholds: { pdq: 10 } }, context()))
  assert.equal((await find({ photos: [{ pdq: off(11) }] })).length, 0)
  assert.equal((await find({ photos: [{ pdq: off(10) }] })).length, 1)
})

test('mirrored and turned photos are found and named, from the hash alone too', async () => {
  const bankId = await bank()
  await add(bankId, { pdq: { hash, quality: 100 } })
  const turned = pdqDihedralOfHash(pdqFromHex(hash))
  const mirrored = pdqToHex(turned, 5 * 8)
  const [match] = await find({ photos: [{ pdq: mirrored }] })
  assert.equal(match!.transformation, 'flipY')
  assert.match(signalsOfMatches([match!], { kind: 'item', id: 'i' })[0]!.because, /^0 of 256 bits .*, mirrored$/)
})

test('low quality neither matches nor is matched, but the same bytes are', async () => {
  const bankId = await bank()
  const sha256 = 'b'.repeat(64)
  await add(bankId, { media: { sha256, pdq: { hash, quality: 49 } } })
  assert.deepEqual(await find({ photos: [{ pdq: hash, quality: 100 }] }), [])
  const [match] = await find({ photos: [{ sha256, pdq: hash, quality: 49 }] })
  assert.equal(match!.signalType, 'sha256')
  await add(bankId, { pdq: { hash: off(64), quality: 100 } })
  assert.deepEqual(await find({ photos: [{ pdq: off(64), quality: 49 }] }), [])
})

test('text is found folded, whole or as a passage, with its place in the original', async () => {
  const bankId = await bank()
  await add(bankId, { text: 'Send 2 BTC to this wallet' })
  await add(bankId, { text: 'free money' })
  const text = 'hi 👋 s3nd  2 BTC, to thi\u200bs WALLET today'
  const [match] = await find({ text })
  assert.deepEqual(match!.part, { kind: 'text', start: 6, end: 34, excerpt: text.slice(6, 34) })
  assert.match(text.slice(6, 34), /^s3nd.*WALLET$/)
  assert.equal((await find({ text: 'FREE  m0ney!' })).length, 1)
  assert.equal((await find({ text: 'no free money here' })).length, 0)
})

test('a negative bank silences what it knows at least as well', async () => {
  await add(await bank(), { pdq: { hash, quality: 100 } })
  const negative = await bank({ name: 'brand logos', negative: true })
  await add(negative, { pdq: { hash: off(20), quality: 100 } })
  assert.equal((await find({ photos: [{ pdq: hash }] })).length, 1, 'nearer to the scam')
  assert.equal((await find({ photos: [{ pdq: off(20) }] })).length, 0)
  assert.equal((await find({ photos: [{ pdq: off(20) }, { pdq: hash }] })).length, 1, 'the other photo still counts')
})

test('only active entries match, and changes follow one another as they may', async () => {
  const bankId = await bank()
  const entryId = await add(bankId, { text: 'free money' })
  const found = async () => (await find({ text: 'free money' })).length
  assert.equal(await found(), 1)
  await change(bankId, entryId, 'quarantine')
  assert.equal(await found(), 0)
  await change(bankId, entryId, 'release')
  assert.equal(await found(), 1)
  await change(bankId, entryId, 'retire')
  assert.equal(await found(), 0)
  const again = await changeBankEntry(db.query, tenantId, bankId, entryId, 'release', 'x', context())
  assert.ok(!again.ok && again.reason === 'wrong-status')
  const counts = (await selectBank(db.query, tenantId, bankId))!.entries
  assert.deepEqual(counts, { pending: 0, active: 0, quarantined: 0, retired: 1 })
})

test('duplicates, names in use and content that cannot match are refused', async () => {
  const bankId = await bank()
  const entryId = await add(bankId, { pdq: { hash } })
  const twice = await addBankEntry(db.query, tenantId, bankId, { pdq: { hash: hash.toUpperCase() } }, context())
  assert.ok(!twice.ok && twice.reason === 'duplicate' && twice.detail.includes(entryId))
  await add(bankId, { text: 'Free  money!' })
  const folded = await addBankEntry(db.query, tenantId, bankId, { text: 'FREE MONEY' }, context())
  assert.ok(!folded.ok && folded.reason === 'duplicate')
  const named = await createBank(db.query, tenantId, { name: 'known-scams', purpose: '', action: 'review' }, context())
  assert.ok(!named.ok && named.reason === 'name-taken')
  const missing = await addBankEntry(db.query, tenantId, 'nope', { text: 'free money' }, context())
  assert.ok(!missing.ok && missing.reason === 'no-such-bank')
  for (const input of [
    {},
    { text: '!!!' },
    { text: 'x'.repeat(10_001) },
    { pdq: { hash: 'zz' } },
    { text: 'a', pdq: { hash } },
  ])
    await assert.rejects(addBankEntry(db.query, tenantId, bankId, input, context()), InputError)
  for (const thresholds of [{ pdq: 65 }, { pdq: -1 }, { nonsense: 3 }] as Record<string, number>[])
    await assert.rejects(
      createBank(db.query, tenantId, { name: 'n', purpose: '', action: 'review', thresholds }, context()),
      InputError,
    )
})

test('another process finds a new entry within a second, and tenants see only their own', async () => {
  const bankId = await bank()
  // Entries of one bank are counted in its row, so those of one transaction wait for the other.
  const slowBankId = await bank({ name: 'slow' })
  const otherDb = openDatabase({ ...db.options, poolSize: 2 })
  const other = createLookup({ db: otherDb })
  assert.deepEqual(await other.lookup(tenantId, { text: 'free money' }), [])
  // A transaction that began earlier and is still open must neither hide the entry nor be missed itself.
  let finishSlow = () => {}
  const slow = db.transaction(async (tx) => {
    const outcome = await addBankEntry(db.query, tenantId, slowBankId, { text: 'slow money' }, context())
    assert.ok(outcome.ok)
    await ledger.append(tx, tenantId, outcome.entries)
    await new Promise<void>((done) => (finishSlow = done))
  })
  await add(bankId, { text: 'free money' })
  const appears = async (text: string) => {
    const from = performance.now()
    while ((await other.lookup(tenantId, { text })).length === 0) {
      // A second on a machine with nothing else to do; here other tests run beside this one.
      assert.ok(performance.now() - from < 10_000, `"${text}" is found`)
      await new Promise((done) => setTimeout(done, 20))
    }
  }
  await appears('free money')
  await new Promise((done) => setTimeout(done, 500))
  finishSlow()
  await slow
  await appears('slow money')
  assert.deepEqual(await other.lookup('somebody-else', { text: 'free money' }), [])
  other.close()
  await otherDb.close()
})

const proposal = (bankId: string, entryId: string): ViolationProposal => ({
  eventId: 'e',
  rule: { id: 'r', version: 1 },
  violation: 'scam',
  severity: 2,
  context: 'feed',
  confidence: 0.9,
  actorId: 'u1',
  occurredAtMs: clock(),
  route: 'review',
  match: { bankId, entryId, signalType: 'pdq', distance: 3, threshold: 31 },
  facts: { eventId: 'e', signals: [], features: {}, labels: {}, lists: {} },
})
const said = (kind: string, automation: string, body: unknown) =>
  ({
    kind,
    subject: { kind: 'actor', id: 'u1' },
    occurredAtMs: clock(),
    author: { kind: 'system', part: 'test' },
    automation,
    because: [],
    body,
  }) as unknown as NewEntry

test('verdicts and overturns are counted once each, and three overturns quarantine the entry', async () => {
  const bankId = await bank()
  const entryId = await add(bankId, { text: 'free money' })
  const decide = async (automation: string) => {
    const match = proposal(bankId, entryId)
    const [proposed] = await append([said('violation.proposed', 'full', match)])
    const decisionId = uuidv7(clock(), randomBytes)
    const confirmations =
      automation === 'full' ? [] : [said('violation.confirmed', 'none', { proposalEntryId: proposed!.id })]
    await append([
      ...confirmations,
      said('decision.made', automation, { decisionId, proposalEntryId: proposed!.id, match: match.match }),
    ])
    return decisionId
  }
  const reverse = async (decisionId: string) =>
    db.transaction(async (tx) => {
      await ledger.append(tx, tenantId, [said('decision.reversed', 'none', { decisionId, reason: '' })])
      const entries = await quarantineIfOverturned(tx, tenantId, decisionId, context())
      await ledger.append(tx, tenantId, entries)
      return entries
    })
  const decisions = []
  for (let n = 0; n < 6; n++) decisions.push(await decide(n < 2 ? 'partial' : 'full'))
  const counters = async () => {
    const { matches, confirmed, overturned, status } = (await selectBankEntry(db.query, tenantId, entryId))!
    return { matches, confirmed, overturned, status }
  }
  assert.deepEqual(await counters(), { matches: 6, confirmed: 2, overturned: 0, status: 'active' })
  assert.deepEqual(await reverse(decisions[2]!), [])
  assert.deepEqual(await reverse(decisions[2]!), [], 'the same overturn twice counts once')
  assert.deepEqual(await reverse(decisions[3]!), [])
  const [quarantined] = await reverse(decisions[4]!)
  assert.deepEqual(quarantined!.body, {
    bankId,
    entryId,
    reason: '3 decisions that rest on this entry were overturned',
    decisionIds: [decisions[0], decisions[1], decisions[5]],
  })
  assert.deepEqual(await counters(), { matches: 6, confirmed: 2, overturned: 3, status: 'quarantined' })
  assert.deepEqual(await find({ text: 'free money' }), [])
  await change(bankId, entryId, 'release')
  assert.deepEqual(await reverse(decisions[5]!), [], 'what was forgiven counts no more')
  assert.equal((await counters()).status, 'active')
})

test('pages go through all entries, and a rebuild from the ledger makes the same rows', async () => {
  const bankId = await bank()
  for (let n = 0; n < 7; n++) await add(bankId, { text: `phrase number ${n}` })
  const seen: string[] = []
  for (let afterId = ''; ;) {
    const page = await selectBankEntries(db.query, tenantId, { bankId, afterId, limit: 3 })
    seen.push(...page.map((entry) => entry.entryId))
    if (page.length < 3) break
    afterId = page.at(-1)!.entryId
  }
  assert.equal(new Set(seen).size, 7)
  const all = Array.from({ length: tenants }, (_, n) => `t${n}`)
  const report = await rebuildProjections(db, [bankProjector], all)
  assert.deepEqual(
    report.tables.filter((table) => !table.same),
    [],
  )
})
