import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { projectors } from '../../src/app.ts'
import { scopes } from '../../src/domain/staff.ts'
import { createKey } from '../../src/http/access.ts'
import { createClient, type Client } from '../../src/http/client.ts'
import * as contract from '../../src/http/contract/banks.ts'
import { getDecision, reverseDecision } from '../../src/http/contract/decisions.ts'
import { appendEvents } from '../../src/http/contract/events.ts'
import { giveBankFeedback } from '../../src/http/contract/exchanges.ts'
import { bankPrecision, hygieneBoard, scanDuplicates } from '../../src/http/contract/hygiene.ts'
import { claimJob, decideJob, listJobs } from '../../src/http/contract/jobs.ts'
import { publishRuleFile } from '../../src/http/contract/rules.ts'
import { createTenant, getSettings, updateSettings } from '../../src/http/contract/settings.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { testApp, type TestApp } from '../app.ts'
import { assertIntact } from '../hostile.ts'

// What other teams find of the matches of a shared bank, and what installations that follow it say, counts for its entries.
let app: TestApp
/** Teams that match against banks of the tenant of `app.platform`. */
let sister: Team
let cousin: Team
type Team = { platform: Client; reviewer: Client }
const keyOf = (tenantId: string, name: string, scopesOf: Parameters<typeof createKey>[3]['scopes']) => {
  const deps = { ledger: createLedger({ projectors, clock: Date.now, randomBytes }), clock: Date.now, randomBytes }
  return app.db.transaction((tx) =>
    createKey(tx, deps, tenantId, { name, scopes: scopesOf }, { kind: 'system', part: 'test' }),
  )
}
const rules = `rules:
  - id: known-text
    owner: trust
    description: A text that a shared bank knows
    on: [item.created]
    when: signals("match.text").exists(m, m.value >= 0)
    then: [{ violation: { violation: scam, severity: 2, confidence: 0.9, route: review } }]
    mode: live
`
const team = async (id: string) => {
  await app.platform.call(createTenant, { body: { id, name: `Team ${id}` } })
  const platform = createClient({ baseUrl: app.url, key: (await keyOf(id, 'platform', scopes)).token })
  await platform.call(publishRuleFile, { body: { text: rules } })
  return { platform, reviewer: await app.staff(['senior_reviewer'], `Reviewer of ${id}`, id) }
}
before(async () => {
  app = await testApp()
  sister = await team('sister')
  cousin = await team('cousin')
  const { settings } = await app.platform.call(getSettings, {})
  await app.platform.call(updateSettings, {
    headers: { 'if-match': '*' },
    body: { banks: { ...settings.banks, precision: { enabled: true, verdictsMin: 3, upperMin: 0.6 } } },
  })
})

const until = async <T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> => {
  for (const endMs = performance.now() + 60_000; performance.now() < endMs; await wait(50)) {
    const answer = await ask()
    if (holds(answer)) return answer
  }
  return assert.fail(`waited in vain until ${what}`)
}
let made = 0
const shared = async (sharing: contract.Bank['sharing'], text: string) => {
  const { bankId } = await app.platform.call(contract.makeBank, { body: { name: `shared ${made++}`, sharing } })
  const { entryId } = await app.platform.call(contract.makeBankEntry, { params: { bankId }, body: { text } })
  return { bankId, entryId }
}
const entryOf = (params: { bankId: string; entryId: string }) => app.platform.call(contract.getBankEntry, { params })
/** The entry as soon as the next sweep made it so: what is done every minute is done now. */
const swept = async (
  params: { bankId: string; entryId: string },
  what: string,
  holds: (entry: contract.BankEntry) => boolean,
) => {
  await app.platform.call(scanDuplicates, { body: {} })
  return until(what, () => entryOf(params), holds)
}
/** Somebody posts the text on a platform of the team, which has it reviewed; answers the job. */
const post = async ({ platform, reviewer }: Team, itemId: string, text: string) => {
  const event = { id: `e-${itemId}`, type: 'item.created', time: new Date().toISOString(), context: 'feed' }
  const item = { id: itemId, kind: 'post', text }
  await platform.call(appendEvents, { body: [{ ...event, actor: { id: `author-${itemId}` }, item }] })
  const jobs = () => reviewer.call(listJobs, { query: { state: 'open', limit: 200 } })
  const { items } = await until(`${itemId} is to be reviewed`, jobs, (page) => page.items.length > 0)
  return items[0]!.jobId
}
/** A reviewer of the team decides; answers the decision where there is one. */
const decide = async ({ reviewer }: Team, jobId: string, right: boolean) => {
  const { etag } = await reviewer.call(claimJob, { params: { jobId } })
  const { decisionId } = await reviewer.call(decideJob, {
    params: { jobId },
    headers: { 'if-match': etag },
    body: right ? { verdict: 'violation', violation: 'scam' } : { verdict: 'no_violation' },
  })
  return decisionId
}
const judge = async (team: Team, itemId: string, text: string, right: boolean) =>
  decide(team, await post(team, itemId, text), right)

test('verdicts of a team hold the entry of a shared bank back by the rule of its owner, who learns counts and nothing else', async () => {
  const text = 'the lottery chose you, write to this address for your prize'
  const entry = await shared({ with: 'listed', tenants: ['sister'] }, text)
  await sister.platform.call(contract.subscribeBank, { params: { bankId: entry.bankId }, body: {} })
  const decisionId = await judge(sister, 'secret-item-0', text, true)
  const confirmed = await swept(entry, 'the first verdict is told', ({ precision }) => precision.teams.right === 1)
  assert.deepEqual(
    [confirmed.precision.own, confirmed.precision.teams, confirmed.precision.right, confirmed.matches],
    [{ right: 0, wrong: 0 }, { right: 1, wrong: 0 }, 1, 0],
  )
  for (const at of [1, 2]) await judge(sister, `secret-item-${at}`, text, false)
  const disputed = await swept(entry, 'two disputes are told', ({ precision }) => precision.teams.wrong === 2)
  assert.deepEqual([disputed.status, disputed.precision.teams], ['active', { right: 1, wrong: 2 }])

  // The appeal of the first was granted: what was confirmed is taken back, and disputed.
  const { decision } = await sister.reviewer.call(getDecision, { params: { decisionId: decisionId! } })
  await sister.reviewer.call(reverseDecision, {
    params: { decisionId: decisionId! },
    headers: { 'if-match': `"${decision.revision}"` },
    body: { reason: 'it was a quotation' },
  })
  const held = await swept(entry, 'the entry is held', ({ status }) => status === 'quarantined')
  assert.deepEqual(held.precision.teams, { right: 0, wrong: 3 })
  assert.match(held.statusReason!, /^precision: 3 of 3 matches that were looked at were wrong \(other teams 3\)/)
  const { teams } = await app.platform.call(contract.entryOpinions, { params: entry })
  assert.deepEqual(teams, [{ tenantId: 'sister', name: 'Team sister', right: 0, wrong: 3 }])
  const board = await app.platform.call(hygieneBoard, { query: { bankId: entry.bankId } })
  assert.deepEqual(
    board.lowPrecision.map(({ entryId, precision }) => [entryId, precision.teams.wrong]),
    [[entry.entryId, 3]],
  )
  const { items } = await app.platform.call(bankPrecision, { query: { bankId: entry.bankId } })
  assert.deepEqual(items[0]!.precision, held.precision)

  // Released, the same verdicts do not hold it again.
  await app.platform.call(contract.releaseBankEntry, { params: entry, body: { reason: 'it was looked at' } })
  await app.platform.call(scanDuplicates, { body: {} })
  await wait(2_500)
  assert.equal((await entryOf(entry)).status, 'active')

  const tables = await app.db.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant_id'`,
  )
  assert.ok(tables.length > 40)
  const whereTold: Record<'default' | 'sister', string[]> = { default: [], sister: [] }
  for (const { name } of tables)
    for (const tenantId of ['default', 'sister'] as const) {
      const rows = await app.db.query(
        `SELECT 1 FROM "${name}" t WHERE t.tenant_id = $1 AND to_jsonb(t)::text LIKE '%secret-item%' LIMIT 1`,
        [tenantId],
      )
      if (rows.length > 0) whereTold[tenantId].push(name)
    }
  assert.deepEqual(whereTold.default, [], 'no item or author of the team is known to the owner')
  assert.ok(whereTold.sister.includes('ledger_entries'), 'the search would have found them')
})

test('a team that the sharing does not name is counted without a name, together with the others', async () => {
  const text = 'earn a fortune from home by typing letters for one hour'
  const entry = await shared({ with: 'everyone', tenants: [] }, text)
  for (const { platform } of [sister, cousin])
    await platform.call(contract.subscribeBank, { params: { bankId: entry.bankId }, body: {} })
  await judge(sister, 'one', text, true)
  await judge(cousin, 'two', text, false)
  const told = await swept(entry, 'both are told', ({ precision: { teams } }) => teams.right + teams.wrong === 2)
  assert.deepEqual(told.precision.teams, { right: 1, wrong: 1 })
  assert.deepEqual((await app.platform.call(contract.entryOpinions, { params: entry })).teams, [])
  const [last] = await app.db.query<{ body: unknown }>(
    `SELECT body FROM ledger_entries WHERE kind = 'bank.entry_judged_by_teams' AND body ->> 'entryId' = $1
     ORDER BY ordinal DESC LIMIT 1`,
    [entry.entryId],
  )
  assert.doesNotMatch(JSON.stringify(last!.body), /sister|cousin/)

  // Merged into another, it brings its verdicts along, and later ones too; parted, it has those that it came with.
  const late = await post(cousin, 'three', text)
  const params = { bankId: entry.bankId }
  const { entryId: keep } = await app.platform.call(contract.makeBankEntry, { params, body: { text: `${text} a day` } })
  const { mergeId } = await app.platform.call(contract.mergeBankEntries, {
    params,
    body: { keep, retire: [entry.entryId] },
  })
  const kept = { ...params, entryId: keep }
  assert.deepEqual((await entryOf(kept)).precision.teams, { right: 1, wrong: 1 })
  await decide(cousin, late, false)
  await swept(kept, 'the late one is told', ({ precision: { teams } }) => teams.wrong === 2)
  await app.platform.call(contract.undoMerge, { params: { ...params, mergeId }, body: {} })
  assert.deepEqual((await entryOf(kept)).precision.teams, { right: 0, wrong: 1 })
  assert.deepEqual((await entryOf(entry)).precision.teams, { right: 1, wrong: 1 })
})

test('what followers of a bank say counts by its weight, apart from verdicts, and not at all where that is 0', async () => {
  const entry = await shared({ with: 'nobody', tenants: [] }, 'lend me your card and keep the change')
  const { settings } = await app.platform.call(getSettings, {})
  const weigh = (peerOpinionWeight: number) =>
    app.platform.call(updateSettings, {
      headers: { 'if-match': '*' },
      body: { match: { ...settings.match, peerOpinionWeight } },
    })
  assert.equal(settings.match.peerOpinionWeight, 0.25)
  const say = async (name: string, opinion: 'seen' | 'confirm' | 'dispute') => {
    const { token } = await keyOf('default', name, ['sharing:read', 'sharing:write'])
    await createClient({ baseUrl: app.url, key: token }).call(giveBankFeedback, {
      params: { bankId: entry.bankId },
      body: { items: [{ entryId: entry.entryId, opinion, because: 'looked at' }] },
    })
  }
  await say('a', 'seen')
  await say('b', 'confirm')
  for (const name of ['c', 'd', 'e', 'f', 'g', 'h']) await say(name, 'dispute')
  const { precision } = await entryOf(entry)
  assert.deepEqual(
    [precision.own, precision.teams, precision.peers, precision.right, precision.wrong],
    [{ right: 0, wrong: 0 }, { right: 0, wrong: 0 }, { right: 1, wrong: 6, weight: 0.25 }, 0.25, 1.5],
  )
  await app.platform.call(scanDuplicates, { body: {} })
  await wait(2_500)
  assert.equal((await entryOf(entry)).status, 'active', 'seven opinions weigh less than three verdicts')
  const board = await app.platform.call(hygieneBoard, { query: { bankId: entry.bankId } })
  assert.deepEqual([board.counts.lowPrecision, board.counts.disputed], [0, 1])

  await weigh(0)
  const without = await until(
    'the setting is read',
    () => entryOf(entry),
    (one) => one.precision.peers.weight === 0,
  )
  assert.deepEqual([without.precision.share, without.precision.peers.wrong], [null, 6])

  await weigh(1)
  const held = await swept(entry, 'the entry is held', ({ status }) => status === 'quarantined')
  assert.match(held.statusReason!, /^precision: 6 of 7 matches that were looked at were wrong \(peers 6\)/)
  const worst = await app.platform.call(contract.listBankEntries, {
    params: { bankId: entry.bankId },
    query: { order: 'precision' },
  })
  assert.deepEqual(
    worst.items.map(({ entryId }) => entryId),
    [entry.entryId],
  )
  await app.platform.call(contract.releaseBankEntry, { params: entry, body: { reason: 'they mean another' } })
  await app.platform.call(scanDuplicates, { body: {} })
  await wait(2_500)
  assert.equal((await entryOf(entry)).status, 'active', 'what they said before the release is forgiven')
  await weigh(0.25)
})

test('the ledgers alone make the same counts again', async () => {
  await assertIntact(app)
})
