import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Event } from '../../src/domain/event.ts'
import { evaluate, noLabels } from '../../src/rules/evaluate.ts'
import { createFeatureState } from '../../src/rules/features.ts'
import { parseRuleFile } from '../../src/rules/rule-file.ts'
import { compileRuleSet } from '../../src/rules/check-file.ts'

const folder = fileURLToPath(new URL('../../../shared/data/group/rules/', import.meta.url))
const skip = existsSync(folder) ? false : `needs the rules bench data in ${folder}`

type BenchRule = { name: string; all: { f: string; op: string; v: unknown }[] }
type BenchEvent = {
  event_id: number
  ts: number
  type: string
  user: Record<string, unknown> & { id: string; email: string }
  ctx: { ip: string; country: string; device: string; client: string }
  content: { text: string; mentions: number; is_reply: boolean; target: string }
}

const fields: Record<string, string> = {
  EventType: 'event.type.substring(6)',
  UserId: 'actor.id',
  Handle: 'actor.attributes.handle',
  Display: 'actor.attributes.display',
  Age: 'actor.attributes.age',
  Followers: 'actor.attributes.followers',
  Following: 'actor.attributes.following',
  Posts: 'actor.attributes.posts',
  Verified: 'actor.attributes.verified',
  Reports: 'actor.attributes.reports',
  Email: 'actor.attributes.email',
  Ip: 'origin.ip',
  Country: 'attributes.country',
  Device: 'origin.device',
  Client: 'attributes.client',
  Text: 'item.text',
  Mentions: 'attributes.mentions',
  IsReply: 'attributes.is_reply',
  TextLen: 'size(item.text)',
  EmailDomain: 'actor.attributes.email.split("@")[1]',
  FollowRatio: 'actor.attributes.following / max(1, actor.attributes.followers)',
}

function condition({ f, op, v }: BenchRule['all'][number]): string {
  const field = fields[f]!
  const value = JSON.stringify(v)
  switch (op) {
    case 'lt':
      return `${field} < ${value}`
    case 'gt':
      return `${field} > ${value}`
    case 'eq':
      return `${field} == ${value}`
    case 'in':
      return `${field} in ${value}`
    case 'regex':
      return `${field}.matches(r${value.replaceAll('\\\\', '\\')})`
    default:
      throw new Error(`Unknown operator ${op}`)
  }
}

function ruleFile(rules: BenchRule[], extra = ''): string {
  const header = `${extra}rules:\n`
  const body = rules.map(
    ({ name, all }) =>
      `  - {id: ${name.toLowerCase()}, owner: bench, description: ${name}, on: "*", mode: live, then: [{webhook: {topic: hit}}],\n` +
      `     when: ${JSON.stringify(all.map(condition).join(' && '))}}\n`,
  )
  return header + body.join('')
}

function toEvent({ event_id, ts, type, user, ctx, content }: BenchEvent): { event: Event; occurredAtMs: number } {
  const { id, ...attributes } = user
  return {
    occurredAtMs: ts,
    event: {
      id: String(event_id),
      type: `bench.${type}`,
      time: new Date(ts).toISOString(),
      context: 'default',
      actor: { id, attributes },
      item: { id: `i${event_id}`, text: content.text },
      targets: [{ id: content.target }],
      origin: { ip: ctx.ip, device: ctx.device },
      attributes: { country: ctx.country, client: ctx.client, mentions: content.mentions, is_reply: content.is_reply },
    },
  }
}

const read = () => ({
  rules: JSON.parse(readFileSync(`${folder}rules.json`, 'utf8')) as BenchRule[],
  events: gunzipSync(readFileSync(`${folder}events.jsonl.gz`))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => toEvent(JSON.parse(line) as BenchEvent)),
})

/** Events per second of CPU time, so that a busy machine measures the same. */
const perSecond = (count: number, started: NodeJS.CpuUsage) =>
  Math.round((count * 1e6) / process.cpuUsage(started).user)

test('the 50 rules of the bench hit 45,824 times on its 50,000 events', { skip }, (t) => {
  const { rules, events } = read()
  const set = compileRuleSet(parseRuleFile(ruleFile(rules)))
  const features = { before: [], values: [] }
  const hitsUpTo: number[] = []
  let hits = 0
  const started = process.cpuUsage()
  for (const observed of events) {
    hits += evaluate(set, observed, { signals: [], features, labels: noLabels }).length
    hitsUpTo.push(hits)
  }
  t.diagnostic(`50 rules, stateless: ${perSecond(events.length, started)} events per CPU second`)
  assert.deepEqual([hitsUpTo[999], hitsUpTo[1_999], hitsUpTo[2_999], hitsUpTo[49_999]], [972, 1_895, 2_824, 45_824])
})

const benchFeatures: [string, string, string?][] = [
  ['by_user', 'actor.id'],
  ['by_ip', 'origin.ip'],
  ['by_user_and_type', 'actor.id + " " + event.type'],
  ['users_by_ip', 'origin.ip', 'actor.id'],
  ['users_by_device', 'origin.device', 'actor.id'],
  ['targets_by_user', 'actor.id', 'target.id'],
]

test('twenty rules with six features agree with a count by hand and keep the pace', { skip }, (t) => {
  const { rules, events } = read()
  const limits: Record<string, number> = {
    by_user: 20,
    by_ip: 50,
    by_user_and_type: 10,
    users_by_ip: 3,
    users_by_device: 2,
    targets_by_user: 10,
  }
  const windowMs = (name: string) => (name === 'users_by_device' ? 86_400_000 : 3_600_000)
  const declared = benchFeatures.map(
    ([name, key, of]) =>
      `  ${name}: {kind: ${of === undefined ? 'count' : 'distinct'}, key: ${JSON.stringify(key)}, on: "*", window: ${windowMs(name) / 3_600_000}h${of === undefined ? '' : `, of: ${of}`}}\n`,
  )
  const stateful = Object.entries(limits).map(([name, limit]) => ({ name, all: [{ f: name, op: 'gt', v: limit }] }))
  for (const [name] of benchFeatures) fields[name] = name
  const set = compileRuleSet(
    parseRuleFile(ruleFile([...rules.slice(0, 14), ...stateful], `features:\n${declared.join('')}`)),
  )
  const state = createFeatureState(set)
  const hits = new Map<string, number>()
  const started = process.cpuUsage()
  for (const observed of events) {
    const features = state.observe(observed)
    for (const { rule } of evaluate(set, observed, { signals: [], features, labels: noLabels }))
      hits.set(rule.id, (hits.get(rule.id) ?? 0) + 1)
  }
  const pace = perSecond(events.length, started)
  t.diagnostic(`20 rules, 6 features: ${pace} events per CPU second`)
  const perKey = new Map<
    string,
    { samples: { timeMs: number; value: string }[]; from: number; held: Map<string, number> }
  >()
  const expected = new Map<string, number>()
  for (const { event, occurredAtMs } of events)
    for (const [name, , of] of benchFeatures) {
      const key = {
        by_user: event.actor.id,
        by_ip: event.origin!.ip!,
        by_user_and_type: `${event.actor.id} ${event.type}`,
        users_by_ip: event.origin!.ip!,
        users_by_device: event.origin!.device!,
        targets_by_user: event.actor.id,
      }[name]!
      const value = of === 'target.id' ? event.targets![0]!.id : event.actor.id
      let seen = perKey.get(`${name} ${key}`)
      if (seen === undefined) perKey.set(`${name} ${key}`, (seen = { samples: [], from: 0, held: new Map() }))
      const { samples, held } = seen
      samples.push({ timeMs: occurredAtMs, value })
      held.set(value, (held.get(value) ?? 0) + 1)
      for (; samples[seen.from]!.timeMs <= occurredAtMs - windowMs(name); seen.from++) {
        const gone = samples[seen.from]!.value
        if (held.get(gone) === 1) held.delete(gone)
        else held.set(gone, held.get(gone)! - 1)
      }
      const count = of === undefined ? samples.length - seen.from : held.size
      if (count > limits[name]!) expected.set(name, (expected.get(name) ?? 0) + 1)
    }
  for (const name of Object.keys(limits)) assert.equal(hits.get(name) ?? 0, expected.get(name) ?? 0, name)
  assert.ok(pace > 5_000, `only ${pace} events/s`)
})
