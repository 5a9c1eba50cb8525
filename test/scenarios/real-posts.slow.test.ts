import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import { startApp } from '../../src/app.ts'
import { command as ingest } from '../../src/cli/ingest.ts'
import { ensureSecretKey, readConfig } from '../../src/config.ts'
import { scopes } from '../../src/domain/staff.ts'
import { createKey } from '../../src/http/access.ts'
import { createClient } from '../../src/http/client.ts'
import { listEvents } from '../../src/http/contract/events.ts'
import { publishRuleFile } from '../../src/http/contract/rules.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { testDatabase } from '../database.ts'

const posts = fileURLToPath(new URL('../../../shared/data/group/ira/tweets_2015-11.csv.gz', import.meta.url))
const postsInFile = 121_544

const mapping = `
fields:
  id: { template: "post-{$line}" }
  type: { constant: item.created }
  time: { column: ts, as: time }
  context: { constant: feed }
  actor.id: author_id
  actor.attributes.followers: { column: n_followers, as: number, optional: true }
  item.id: { template: "item-{$line}" }
  item.kind: { column: post_type, choices: { R: share, Q: quote }, optional: true }
  item.text: content
  item.language: { column: lang }
  item.links: { matches: content, pattern: "https?://[^\\\\s]+" }
`
const rules = `
features:
  authors_of_text_10m:
    kind: distinct
    description: Accounts that posted the same text.
    key: lower(item.text)
    of: actor.id
    on: [item.created]
    window: 10m
  link_posts_10m:
    kind: count
    description: Posts with links by one account.
    key: actor.id
    on: [item.created]
    where: size(item.links) > 0
    window: 10m
  posts_1h:
    kind: count
    description: Posts by one account.
    key: actor.id
    on: [item.created]
    window: 1h
labels:
  same_text: { description: Posted what several others posted within ten minutes. }
  link_flood: { description: Posted many links within ten minutes. }
  burst: { description: Posted very often within an hour. }
rules:
  - id: same-text
    owner: test
    description: The same text by at least four accounts within ten minutes
    on: [item.created]
    when: authors_of_text_10m >= 4
    then: [{ label: { label: same_text, on: actor } }]
    mode: live
  - id: link-flood
    owner: test
    description: At least six posts with links by one account within ten minutes
    on: [item.created]
    when: link_posts_10m >= 6 && size(item.links) > 0
    then: [{ label: { label: link_flood, on: actor } }]
    mode: live
  - id: burst
    owner: test
    description: At least thirty posts by one account within an hour
    on: [item.created]
    when: posts_1h >= 30
    then: [{ label: { label: burst, on: actor } }]
    mode: live
`
type Row = { author_id: string; ts: string; content: string }

/** The accounts that each rule must label, by plain counting. Windows with and without their first moment. */
async function expected(edge: 'open' | 'closed'): Promise<Record<string, Set<string>>> {
  const found = { same_text: new Set<string>(), link_flood: new Set<string>(), burst: new Set<string>() }
  const byText = new Map<string, { at: number; author: string }[]>()
  const links = new Map<string, number[]>()
  const all = new Map<string, number[]>()
  const within = (at: number, now: number, windowMs: number) =>
    edge === 'open' ? now - at < windowMs : now - at <= windowMs
  const recent = (map: Map<string, number[]>, key: string, now: number, windowMs: number): number => {
    const kept = [...(map.get(key) ?? []).filter((at) => within(at, now, windowMs)), now]
    map.set(key, kept)
    return kept.length
  }
  const rows = createReadStream(posts)
    .pipe(createGunzip())
    .pipe(parse({ columns: true, bom: true, relax_quotes: true }))
  for await (const { author_id: author, ts, content } of rows as AsyncIterable<Row>) {
    const now = Date.parse(`${ts.replace(' ', 'T')}Z`)
    if (content !== '') {
      const key = content.toLowerCase()
      const kept = [...(byText.get(key) ?? []).filter(({ at }) => within(at, now, 600_000)), { at: now, author }]
      byText.set(key, kept)
      if (new Set(kept.map((one) => one.author)).size >= 4) found.same_text.add(author)
    }
    if (/https?:\/\/[^\s]+/.test(content) && recent(links, author, now, 600_000) >= 6) found.link_flood.add(author)
    if (recent(all, author, now, 3_600_000) >= 30) found.burst.add(author)
  }
  return found
}

test(
  'real posts of a state operation arrive as events, late and marked so, and three rules find the accounts that counting finds',
  { skip: existsSync(posts) ? false : 'the shared data is not here', timeout: 900_000 },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'custos-posts-'))
    const db = await testDatabase()
    const { host, user, password, database } = db.options
    const login = `${user}:${encodeURIComponent(password ?? '')}`
    const url = `postgresql://${login}@/${database}?host=${encodeURIComponent(host)}`
    const config = readConfig({ DATABASE_URL: url, CUSTOS_PORT: '0', CUSTOS_DATA: folder }, folder)
    config.secretKey = await ensureSecretKey(config)
    const app = await startApp(config, { log: (line) => t.diagnostic(line.slice(0, 300)) })
    try {
      const [tenant] = await db.query<{ id: string }>('SELECT id FROM tenants')
      const clock = () => Date.now()
      const deps = { db, clock, randomBytes, ledger: createLedger({ projectors: [], clock, randomBytes }) }
      const author = { kind: 'system', part: 'test' } as const
      const { token: key } = await db.transaction((tx) =>
        createKey(tx, deps, tenant!.id, { name: 'all', scopes: [...scopes] }, author),
      )
      const client = createClient({ baseUrl: app.url, key })
      await client.call(publishRuleFile, { body: { text: rules } })

      await writeFile(join(folder, 'posts.yaml'), mapping)
      let said = ''
      const io = {
        stdout: { write: () => {} },
        stderr: { write: (text: string) => void (said += text) },
        cwd: folder,
        env: { CUSTOS_URL: app.url, CUSTOS_KEY: key },
      }
      const files = ['--mapping', 'posts.yaml', '--state', 's.json', '--rejects', 'r.ndjson']
      const beganMs = Date.now()
      // One batch at a time keeps the order of the file, which plain counting follows as well.
      assert.equal(await ingest.run([posts, ...files, '--concurrency', '1'], io), 0, said)
      t.diagnostic(`${said.trim().split('\n').at(-1)}`)
      const [stored] = await db.query<{ all: number; late: number }>(
        'SELECT count(*) AS all, count(*) FILTER (WHERE late) AS late FROM events',
      )
      assert.deepEqual(stored, { all: postsInFile, late: postsInFile })

      for (let judged = 0; judged < postsInFile;) {
        const [cursor] = await db.query<{ events: number }>(
          "SELECT coalesce(max(events), 0) AS events FROM stream_cursors WHERE consumer = 'judge'",
        )
        judged = cursor!.events
        if (judged < postsInFile) await new Promise((done) => setTimeout(done, 250))
      }
      t.diagnostic(`sent and judged in ${((Date.now() - beganMs) / 1_000).toFixed(1)} s`)

      const least = await expected('open')
      const most = await expected('closed')
      for (const label of ['same_text', 'link_flood', 'burst']) {
        const rows = await db.query<{ id: string }>(
          "SELECT DISTINCT subject_id AS id FROM ledger_entries WHERE kind = 'label.applied' AND body->>'label' = $1",
          [label],
        )
        const labelled = new Set(rows.map((row) => row.id))
        t.diagnostic(
          `${label}: ${labelled.size} accounts; counting finds ${least[label]!.size} to ${most[label]!.size}`,
        )
        assert.ok(labelled.size > 0, label)
        assert.deepEqual(least[label]!.difference(labelled), new Set(), `${label}: missed`)
        assert.deepEqual(labelled.difference(most[label]!), new Set(), `${label}: too many`)
      }
      const { items } = await client.call(listEvents, { query: { limit: 1 } })
      assert.equal(items[0]!.late, true)
    } finally {
      await app.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
)
