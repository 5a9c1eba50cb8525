import { Document, isMap, isSeq, YAMLMap, YAMLSeq, type Node, type Pair } from 'yaml'
import type { Author, NewEntry } from '../domain/entry.ts'
import { InputError, type Outcome } from '../domain/error.ts'
import type { RuleMode } from '../domain/rule.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Tx } from '../storage/database.ts'
import { parseRuleFile, type ParsedRuleFile } from './rule-file.ts'
import { compileFile, type CheckOptions } from './check-file.ts'
import { sha256, type Feature, type Rule } from './rule-set.ts'
import { lockRules, selectNewestVersions, selectRule, selectRules, selectVersion } from './store.ts'

/** One rule of a checked file, with everything that it reads, as a file of its own. */
export type Publishable = { rule: Rule; text: string; sha256: string }

/** Checks a file and takes it apart into rules. Throws an InputError with every problem. */
export function takeApart(text: string, options: CheckOptions = {}): Publishable[] {
  const parsed = parseRuleFile(text)
  const rules = compileFile(parsed, options, [])
  return rules.map((rule) => {
    const own = ownText(parsed, rule)
    return { rule, text: own, sha256: sha256(own) }
  })
}

/** Compiles the text of a published version. */
export function compileVersion(
  { ruleId, version, text, mode }: { ruleId: string; version: number; text: string; mode: RuleMode },
  features: Feature[] = [],
  options: CheckOptions = {},
): Rule {
  const standing = new Map([[ruleId, { version, mode }]])
  // What was published once stays readable, whatever has been withdrawn elsewhere since.
  const lenient = { ...options, standing, unusedIsProblem: false, violations: undefined, queues: undefined }
  const rule = compileFile(parseRuleFile(text), lenient, features).find(({ id }) => id === ruleId)
  if (rule === undefined) throw new InputError(`The text of rule "${ruleId}" version ${version} holds no such rule`)
  return rule
}

function ownText({ document }: ParsedRuleFile, rule: Rule): string {
  const { reads } = rule.when
  const labels = new Set([...reads.labels, ...rule.document.then.flatMap(({ label }) => (label ? [label.label] : []))])
  const own = new Document({})
  const root = own.contents as unknown as YAMLMap
  const copySome = (section: string, wanted: ReadonlySet<string>) => {
    const all = document.get(section)
    if (!isMap(all)) return
    giveCommentToFirst(all, all.items[0]?.key as Node | undefined)
    const some = new YAMLMap()
    some.items = all.items.filter(({ key }) => wanted.has(String(key))).map((pair) => pair.clone() as Pair)
    if (some.items.length > 0) root.add(own.createPair(section, some))
  }
  copySome('features', new Set([...reads.features, ...reads.previous]))
  copySome('lists', reads.lists)
  copySome('labels', labels)
  const all = document.get('rules')
  if (isSeq(all)) giveCommentToFirst(all, all.items[0] as Node | undefined)
  const node = isSeq(all) && all.items.find((item) => isMap(item) && item.get('id') === rule.id)
  const copy = (node as Node).clone() as YAMLMap
  copy.delete('version')
  const rules = new YAMLSeq()
  rules.items = [copy]
  root.add(own.createPair('rules', rules))
  return own.toString({ lineWidth: 0 })
}

/** YAML keeps the comment above the first member on the collection; it belongs to the member. */
function giveCommentToFirst(collection: YAMLMap | YAMLSeq, first: Node | undefined): void {
  if (first === undefined || typeof collection.commentBefore !== 'string') return
  first.commentBefore = collection.commentBefore
  collection.commentBefore = null
}

export type ChangeDeps = { ledger: Ledger; nowMs: number; author: Author; options?: CheckOptions }
export type Changed = { ruleId: string; version: number; mode: RuleMode; changed: boolean }

/**
 * Publishes every rule of a file that differs from its current version, as one change. Rules that the file does not
 * name stay as they are. Throws an InputError with every problem; then nothing is changed.
 */
export async function publishRules(tx: Tx, tenantId: string, text: string, deps: ChangeDeps): Promise<Changed[]> {
  const publishable = takeApart(text, deps.options)
  if (publishable.length === 0)
    throw new InputError('Cannot publish: the file holds no rules', [{ field: 'rules', problem: 'is empty' }])
  await lockRules(tx, tenantId)
  const current = new Map((await selectRules(tx.query, tenantId)).map((rule) => [rule.ruleId, rule]))
  const newest = await selectNewestVersions(tx.query, tenantId)
  const result: Changed[] = []
  const entries: NewEntry[] = []
  for (const { rule, text: ruleText, sha256: digest } of publishable) {
    const before = current.get(rule.id)
    if (before?.sha256 === digest) {
      result.push({ ruleId: rule.id, version: before.version, mode: before.mode, changed: false })
      continue
    }
    const version = (newest.get(rule.id) ?? 0) + 1
    const { mode, owner, description } = rule.document
    const because =
      before === undefined ? `first version, by ${owner}` : `replaces version ${before.version}, by ${owner}`
    result.push({ ruleId: rule.id, version, mode, changed: true })
    entries.push({
      ...entryBase(rule.id, deps),
      kind: 'rule.published',
      because: [{ name: 'rule.published', value: description, because }],
      body: { ruleId: rule.id, version, mode, text: ruleText, sha256: digest },
    })
  }
  await deps.ledger.append(tx, tenantId, entries)
  return result
}

type ChangeRefusal = 'no-such-rule' | 'no-such-version' | 'already-so'

/** Makes an older version of a rule the current one again, in the mode that it was published with. */
export async function rollBackRule(
  tx: Tx,
  tenantId: string,
  { ruleId, toVersion, reason }: { ruleId: string; toVersion: number; reason: string },
  deps: ChangeDeps,
): Promise<Outcome<{ version: number }, ChangeRefusal>> {
  await lockRules(tx, tenantId)
  const current = await selectRule(tx.query, tenantId, ruleId)
  if (current === undefined) return refused('no-such-rule', `There is no rule "${ruleId}".`)
  const target = await selectVersion(tx.query, tenantId, ruleId, toVersion)
  if (target === undefined) return refused('no-such-version', `Rule "${ruleId}" has no version ${toVersion}.`)
  if (current.version === toVersion) return refused('already-so', `Version ${toVersion} is the current one.`)
  await deps.ledger.append(tx, tenantId, [
    {
      ...entryBase(ruleId, deps),
      kind: 'rule.rolled_back',
      because: [{ name: 'rule.rolled_back', value: toVersion, because: reason }],
      body: { ruleId, version: current.version, toVersion },
    },
  ])
  return { ok: true, version: toVersion }
}

/** Sets a rule live, to shadow or off, without a new version. */
export async function setRuleMode(
  tx: Tx,
  tenantId: string,
  { ruleId, mode, reason }: { ruleId: string; mode: RuleMode; reason: string },
  deps: ChangeDeps,
): Promise<Outcome<{ version: number }, ChangeRefusal>> {
  await lockRules(tx, tenantId)
  const current = await selectRule(tx.query, tenantId, ruleId)
  if (current === undefined) return refused('no-such-rule', `There is no rule "${ruleId}".`)
  if (current.mode === mode) return refused('already-so', `Rule "${ruleId}" is ${mode} already.`)
  await deps.ledger.append(tx, tenantId, [
    {
      ...entryBase(ruleId, deps),
      kind: 'rule.mode_changed',
      because: [{ name: 'rule.mode_changed', value: mode, because: reason }],
      body: { ruleId, version: current.version, mode, before: current.mode },
    },
  ])
  return { ok: true, version: current.version }
}

function refused(reason: ChangeRefusal, detail: string) {
  return { ok: false as const, reason, detail }
}

function entryBase(ruleId: string, { nowMs, author }: ChangeDeps) {
  return {
    subject: { kind: 'item' as const, id: `custos:rule:${ruleId}` },
    occurredAtMs: nowMs,
    author,
    automation: 'none' as const,
  }
}
