import type { Static } from 'typebox'
import { formatDuration } from '../../domain/duration.ts'
import { InputError } from '../../domain/error.ts'
import type { Clock } from '../../domain/ids.ts'
import type { EffectDocument } from '../../domain/rule.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { previewRules, traceEvent } from '../../rules/preview.ts'
import { publishRules, rollBackRule, setRuleMode, takeApart, type ChangeDeps } from '../../rules/publish.ts'
import { assemble, type RuleBook } from '../../rules/rule-book.ts'
import { builtInSignals, type CheckOptions } from '../../rules/check-file.ts'
import type { Rule } from '../../rules/rule-set.ts'
import { ruleFileSchema } from '../../rules/schema.ts'
import { noStanding, standingOf, type Standing } from '../../rules/stats.ts'
import {
  selectHourCounts,
  selectRule,
  selectRules,
  selectSamples,
  selectStanding,
  selectTotals,
  selectVersions,
  type StoredRule,
} from '../../rules/store.ts'
import { fieldTypes, functionDocs, variableTypes } from '../../rules/vocabulary.ts'
import type { Database } from '../../storage/database.ts'
import {
  checkRules,
  getRule,
  getRuleSchema,
  listFeatures,
  listRules,
  previewDraft,
  publishRuleFile,
  rollBack,
  setMode,
  traceRule,
  type RuleSummary,
} from '../contract/rules.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'

export type RuleRoutesDeps = {
  db: Database
  ledger: Ledger
  clock: Clock
  /** Compiled rules; those of it that are current are not compiled again for a list. */
  book: Pick<RuleBook, 'invalidate' | 'current'>
  /** What rules may name besides their own file: violations, queues, declared event types. */
  checkOptions: (tenantId: string) => CheckOptions | Promise<CheckOptions>
}

type Summary = Static<typeof RuleSummary>
const dayMs = 86_400_000

/** Routes of rules: list, look at, check, preview, publish, roll back, set modes, trace. */
export function ruleRoutes(mount: Mount, deps: RuleRoutesDeps): void {
  const { query } = deps.db
  const changeDeps = async (principal: Principal): Promise<ChangeDeps> => ({
    ledger: deps.ledger,
    nowMs: deps.clock(),
    author: authorOf(principal),
    options: await deps.checkOptions(principal.tenantId),
  })

  mount(listRules, async ({ query: { mode }, principal }) => {
    const stored = await selectRules(query, principal.tenantId)
    const items = await summaries(deps, principal.tenantId, stored)
    return { items: items.filter((rule) => mode === undefined || rule.mode === mode), next: null }
  })

  mount(getRuleSchema, () => ({
    schema: JSON.parse(JSON.stringify(ruleFileSchema)) as unknown,
    words: {
      variables: variableTypes,
      types: fieldTypes,
      functions: Object.entries(functionDocs).map(([name, { signatures, about }]) => ({ name, signatures, about })),
      signals: [...builtInSignals],
    },
  }))

  mount(listFeatures, async ({ principal }) => {
    const { set } = assemble(await selectRules(query, principal.tenantId))
    const reads = ({ when, featureIndex }: Rule, index: number) =>
      [...when.reads.features, ...when.reads.previous].some((name) => featureIndex.get(name) === index)
    const items = set.features.map(({ name, kind, document, windowMs, latenessMs }, index) => ({
      name,
      kind,
      ...(document.description !== undefined && { description: document.description }),
      key: document.key,
      ...(document.of !== undefined && { of: document.of }),
      on: document.on,
      ...(document.where !== undefined && { where: document.where }),
      windowMs,
      window: formatDuration(windowMs),
      lateness: formatDuration(latenessMs),
      rules: set.rules.filter((rule) => reads(rule, index)).map(({ id }) => id),
    }))
    return { items, next: null }
  })

  mount(checkRules, async ({ body, principal }) => {
    try {
      const parts = takeApart(body.text, await deps.checkOptions(principal.tenantId))
      const current = new Map((await selectRules(query, principal.tenantId)).map((rule) => [rule.ruleId, rule]))
      const rules = parts.map(({ rule, sha256 }) => ({
        id: rule.id,
        cost: rule.when.cost,
        mode: rule.document.mode,
        reads: [
          ...new Set(
            (['features', 'previous', 'signals', 'lists', 'labels'] as const).flatMap((kind) => [
              ...rule.when.reads[kind],
            ]),
          ),
        ],
        current: current.get(rule.id)?.version ?? null,
        changes: current.get(rule.id)?.sha256 !== sha256,
      }))
      return { ok: true, problems: [], rules }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      return { ok: false, problems: error.problems, rules: [] }
    }
  })

  mount(publishRuleFile, async ({ body, principal }) => {
    const change = await changeDeps(principal)
    const rules = await deps.db.transaction(async (tx) => {
      tx.afterCommit(deps.book.invalidate)
      return publishRules(tx, principal.tenantId, body.text, change)
    })
    return { rules }
  })

  mount(previewDraft, async ({ body, principal }) =>
    previewRules(
      query,
      principal.tenantId,
      { text: body.text, events: body.events ?? 5_000 },
      await deps.checkOptions(principal.tenantId),
    ),
  )

  mount(getRule, async ({ params, principal, reply }) => {
    const { tenantId } = principal
    const stored = await selectRule(query, tenantId, params.ruleId)
    if (stored === undefined) throw notFound('rule', params.ruleId)
    reply.header('etag', etagOf(stored))
    const [rule] = await summaries(deps, tenantId, [stored])
    const versions = await Promise.all(
      (await selectVersions(query, tenantId, params.ruleId)).map(async ({ ruleId, ...version }) => ({
        ...version,
        standing: standingView(
          standingOf(
            (await selectStanding(query, tenantId, { ruleId, version: version.version }))[0] ?? noStanding(ruleId),
          ),
        ),
      })),
    )
    const newestMs = rule!.hits.lastMs ?? deps.clock()
    const hours = await selectHourCounts(query, tenantId, { ruleId: params.ruleId, sinceMs: newestMs - 14 * dayMs })
    const samples = await selectSamples(query, tenantId, params.ruleId, 50)
    return {
      rule: rule!,
      text: stored.text,
      versions,
      hours: hours.map(({ hourMs, version, mode, hits }) => ({ hourMs, version, mode, hits })),
      samples: samples.map(({ eventId, occurredAtMs, version, because }) => ({
        eventId,
        occurredAtMs,
        version,
        because,
      })),
    }
  })

  mount(rollBack, async ({ params, body, principal, request, reply }) => {
    const change = await changeDeps(principal)
    return changeOne(params.ruleId, principal, request.headers['if-match'], reply, (tx) =>
      rollBackRule(tx, principal.tenantId, { ruleId: params.ruleId, ...body }, change),
    )
  })

  mount(setMode, async ({ params, body, principal, request, reply }) => {
    const change = await changeDeps(principal)
    return changeOne(params.ruleId, principal, request.headers['if-match'], reply, (tx) =>
      setRuleMode(tx, principal.tenantId, { ruleId: params.ruleId, ...body }, change),
    )
  })

  mount(traceRule, async ({ params, query: { version }, principal }) => {
    const traced = await traceEvent(query, principal.tenantId, { ...params, version })
    if (traced === undefined) throw notFound('event or rule', `${params.eventId}, ${params.ruleId}`)
    return traced
  })

  /** Changes one rule under its ETag, in one transaction; refusals become problems. */
  async function changeOne(
    ruleId: string,
    { tenantId }: Principal,
    ifMatch: string | undefined,
    reply: { header: (name: string, value: string) => unknown },
    change: (tx: Parameters<Parameters<Database['transaction']>[0]>[0]) => ReturnType<typeof setRuleMode>,
  ) {
    return deps.db.transaction(async (tx) => {
      const before = await selectRule(tx.query, tenantId, ruleId)
      if (before === undefined) throw notFound('rule', ruleId)
      requireMatch(ifMatch, etagOf(before), 'rule')
      const outcome = await change(tx)
      if (!outcome.ok) {
        if (outcome.reason === 'already-so') throw problem(409, 'Nothing to change', outcome.detail)
        throw problem(404, 'No such version', outcome.detail)
      }
      tx.afterCommit(deps.book.invalidate)
      const after = (await selectRule(tx.query, tenantId, ruleId))!
      reply.header('etag', etagOf(after))
      return { ruleId, version: after.version, mode: after.mode }
    })
  }
}

function etagOf({ version, mode, changedMs }: StoredRule): string {
  return `"${version}-${mode}-${changedMs}"`
}

function standingView(standing: Standing): Omit<Standing, 'ruleId'> {
  const { proposals, open, confirmed, dismissed, decisions, stood, overturned, precision, interval } = standing
  return { proposals, open, confirmed, dismissed, decisions, stood, overturned, precision, interval }
}

const effectKinds = ['violation', 'label', 'review', 'gate', 'webhook'] as const satisfies (keyof EffectDocument)[]

async function summaries(
  { db: { query }, clock, book }: Pick<RuleRoutesDeps, 'db' | 'clock' | 'book'>,
  tenantId: string,
  stored: StoredRule[],
): Promise<Summary[]> {
  const compiled = new Map(book.current(tenantId).rules.map((rule) => [`${rule.id}@${rule.version}`, rule]))
  const { set, broken } = assemble(stored.filter(({ ruleId, version }) => !compiled.has(`${ruleId}@${version}`)))
  for (const rule of set.rules) compiled.set(`${rule.id}@${rule.version}`, rule)
  const totals = new Map((await selectTotals(query, tenantId)).map((total) => [total.ruleId, total]))
  const standings = new Map((await selectStanding(query, tenantId)).map((counts) => [counts.ruleId, counts]))
  const last24h = new Map<string, number>()
  for (const { ruleId, hits } of await selectHourCounts(query, tenantId, { sinceMs: clock() - dayMs }))
    last24h.set(ruleId, (last24h.get(ruleId) ?? 0) + hits)
  return stored.map(({ ruleId, version, mode, changedMs, tripped }) => {
    const rule = compiled.get(`${ruleId}@${version}`)
    const problems = broken.find((one) => one.ruleId === ruleId)?.problems
    const total = totals.get(ruleId)
    const violations = rule?.document.then.flatMap(({ violation }) => (violation ? [violation.route] : [])) ?? []
    return {
      id: ruleId,
      version,
      mode,
      owner: rule?.document.owner ?? '',
      description: rule?.document.description ?? '',
      on: rule?.document.on ?? [],
      effects: effectKinds.filter((kind) => rule?.document.then.some((effect) => effect[kind] !== undefined)),
      route: violations.includes('auto') ? 'auto' : (violations[0] ?? null),
      quota: rule?.document.quota ?? null,
      cost: rule?.when.cost ?? 0,
      changedMs,
      tripped,
      hits: {
        live: total?.live ?? 0,
        shadow: total?.shadow ?? 0,
        last24h: last24h.get(ruleId) ?? 0,
        lastMs: total?.lastHourMs ?? null,
      },
      standing: standingView(standingOf(standings.get(ruleId) ?? noStanding(ruleId))),
      ...(problems && { problems: problems.map(({ problem: text }) => ({ problem: text })) }),
    }
  })
}
