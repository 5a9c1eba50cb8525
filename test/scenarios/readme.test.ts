import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { decideJob, nextJob } from '../../src/http/contract/jobs.ts'
import { blocksOf, cannotType, newcomer, signIn, taken, type Newcomer } from '../newcomer.ts'
import { picture } from '../story.ts'

// The pages as a newcomer reads them: every command as it is printed, and between them what one does in the browser.

let here: Newcomer
const skip = cannotType
before(async () => {
  if (skip === false) here = await newcomer()
})
after(() => here?.stop())

test('every command of the five minutes works as printed', { skip, timeout: 120_000 }, async () => {
  const admin = await signIn(here.url, here.signInLink)

  const blocks = blocksOf('README.md', 'sh', 'Five minutes')
  assert.equal(blocks.length, 6)
  const [key, rule, events, link, colleague, explain] = blocks as [string, string, string, string, string, string]
  await here.type(key)
  assert.match(await here.type('echo $KEY'), /^ck_/)
  assert.deepEqual((JSON.parse(await here.type(rule)) as { rules: unknown }).rules, [
    { ruleId: 'cold-messages', version: 1, mode: 'live', changed: true },
  ])
  const answer = JSON.parse(await here.type(events)) as { accepted: number; refused: number }
  assert.deepEqual([answer.accepted, answer.refused], [4, 0])

  // In the console: the job, decided.
  const found = await taken(admin, 'default')
  assert.equal(found.job.violation, 'scam')
  assert.equal((found.item as { text: string }).text, 'guaranteed returns, write me')
  await admin.call(decideJob, {
    params: { jobId: found.job.jobId },
    headers: { 'if-match': found.etag },
    body: { verdict: 'violation', violation: 'scam' },
  })

  // The person's page, with its links and form.
  const page = await here.type(link)
  assert.match(page, new RegExp(`^http://localhost:${here.port}/me/\\S+$`))
  const account = await (await fetch(page)).text()
  const decision = new URL(/href="(\/me\/[^"]+\/decisions\/[^"]+)"/.exec(account)![1]!, page).href
  const asked = new URL(/href="([^"]+\/appeal)"/.exec(await (await fetch(decision)).text())![1]!, page).href
  const form = /name="form" value="([^"]+)"/.exec(await (await fetch(asked)).text())![1]!
  const filed = await fetch(asked, { method: 'POST', body: new URLSearchParams({ form, text: 'It was a joke.' }) })
  assert.equal(filed.status, 200)
  assert.match(await filed.text(), /We are looking again/)

  assert.equal((await admin.call(nextJob, { body: { queue: 'appeals' } })).job, null, 'not by who decided')
  const invitation = await here.type(colleague)
  assert.ok(invitation.startsWith(`${here.url}/sign-in?token=`), invitation)
  const other = await signIn(here.url, invitation)
  const appeal = await taken(other, 'appeals')
  assert.equal(appeal.appeal?.statement, 'It was a joke.')
  await other.call(decideJob, {
    params: { jobId: appeal.job.jobId },
    headers: { 'if-match': appeal.etag },
    body: { verdict: 'overturn', note: 'It was indeed.' },
  })
  assert.match(await (await fetch(decision)).text(), /The decision was wrong\. We took it back\./)

  const told = await here.type(explain)
  assert.match(told, /^message\.sent by u1 in private_messaging$/m)
  assert.match(told, /Decision reversed: It was indeed\./)
  assert.match(told, /^same +rule:/m)
  assert.match(told, /^same +consequences:/m)
})

const parsed = <T>(text: string) => JSON.parse(text) as T

test('the commands of the guide to rules work as printed', { skip, timeout: 60_000 }, async () => {
  const [rules] = blocksOf('docs/guides/rules.md', 'yaml')
  writeFileSync(join(here.dir, 'rules.yaml'), rules!)
  const [block] = blocksOf('docs/guides/rules.md', 'sh')
  const said = await here.type(block!)
  assert.doesNotMatch(said, /"status":4\d\d/)
  assert.match(said, /"ok":true,"problems":\[\]/)
  assert.match(said, /"ruleId":"stranger-links","version":1,"mode":"shadow"/)
  assert.match(said, /"ruleId":"stranger-links","version":1,"mode":"live"/)
  assert.match(said, /"version":2,"mode":"shadow","changed":true.*"version":1,"mode":"shadow"\}$/s, 'taken back')
})

test('the commands of the guides to review and to the API work as printed', { skip, timeout: 60_000 }, async () => {
  const [review] = blocksOf('docs/guides/review.md', 'sh')
  const decided = parsed<{ verdict: string; decisionId: string }>(
    (await here.type(review!))
      .trim()
      .split('\n')
      .at(-1)!
      .replace(/^.*\}(?=\{)/, ''),
  )
  assert.equal(decided.verdict, 'violation')
  assert.ok(decided.decisionId.length > 10)
  const [link] = blocksOf('docs/guides/api.md', 'sh')
  assert.match(parsed<{ path: string }>(await here.type(link!)).path, /^\/me\//)
})

test(
  'the commands of the guides to the simulator and to ingest work as printed',
  { skip, timeout: 60_000 },
  async () => {
    const [, overApi, file] = blocksOf('docs/guides/simulator.md', 'sh')
    assert.match(await here.type(overApi!), /"state":"preparing".*"state":"off"/s)
    await here.type(
      file!.replace('--actors 2000 --days 14', '--actors 60 --days 1 --no-photos').replace(/^custos ingest.*$/m, ''),
    )

    const [mapping] = blocksOf('docs/guides/ingest.md', 'yaml')
    writeFileSync(join(here.dir, 'posts.yaml'), mapping!)
    writeFileSync(
      join(here.dir, 'posts.csv'),
      [
        'post_id,posted_at,author,n_followers,body,lang,kind,recipient,deleted',
        '1,2026-11-19 10:00:00,ann,10,hello https://x.example/a,English,post,,',
        '2,2026-11-19 10:01:00,bob,,hallo,German,message,ann,',
        '3,2026-11-19 10:02:00,bob,,weg,German,post,,yes',
      ].join('\n'),
    )
    mkdirSync(join(here.dir, 'photos'))
    writeFileSync(join(here.dir, 'photos', 'one.jpg'), await picture(9))
    const [ingest] = blocksOf('docs/guides/ingest.md', 'sh')
    await here.type(`gzip posts.csv\nexec 3>&2 2>ingest.log\n${ingest!}\nexec 2>&3`)
    assert.match(await here.type('cat ingest.log'), /2 accepted, .* 1 skipped by the mapping.*1 accepted/s)
  },
)

test('the commands that look after an installation work as printed', { skip, timeout: 60_000 }, async () => {
  const blocks = blocksOf('docs/guides/operate.md', 'sh')
  const find = (command: string) => blocks.find((block) => block.startsWith(command))!
  assert.match(await here.type(find('custos doctor')), /^ok +ledger.*verify$/m)
  const elsewhere = (block: string) => block.replaceAll('/backups/', './').replaceAll('/srv/', './')
  await here.type(elsewhere(find('custos backup /')))
  assert.match(await here.type(elsewhere(find('custos restore'))), /Restored \d+ rows/)
  assert.match(await here.type(find('custos erase').replace('ACTOR', 'u1')), /is erased/)
})

test('the commands of the guide to matching texts and links work as printed', { skip, timeout: 120_000 }, async () => {
  const [block] = blocksOf('docs/guides/match-text.md', 'sh')
  const said = await here.type(block!)
  assert.match(said, /"text-skeleton":"clalrnyourfrecrypto"/)
  const compared = [...said.matchAll(/"matches":(true|false),"distance":([\d.]+)/g)].map(([, matches, distance]) => [
    matches,
    Number(distance),
  ])
  assert.equal(compared.length, 4)
  assert.ok(compared.every(([matches]) => matches === 'true'))
  assert.ok((compared[0]![1] as number) > 0.1 && (compared[0]![1] as number) < 0.5)
  assert.deepEqual(
    compared.slice(1).map(([, distance]) => distance),
    [0, 1, 0],
  )
})

test('the commands of the guide to banks work as printed', { skip, timeout: 180_000 }, async () => {
  const [block, form] = blocksOf('docs/guides/banks.md', 'sh')
  const said = await here.type(`exec 3>&2 2>banks.log\n${block!}\nexec 2>&3`)
  assert.match(said, /ACTIVE.*known scams/s)
  assert.match(await here.type('cat banks.log'), /done: 1000 taken, 0 there already, 0 refused/)
  assert.equal((await here.type('wc -l < scams.csv')).trim(), '1002')
  assert.match(said, /"near":\[\]/)
  assert.match(said, /"status":"active"/)
  assert.match(said, /"state":"ok"/)
  assert.match(said, /"canariesFailing":0/)
  writeFileSync(join(here.dir, 'cat.png'), await picture(3))
  assert.match(await here.type(form!), /"importId":.*"rows":1002,/)
})
