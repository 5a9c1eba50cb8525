import type { FieldProblem } from '../domain/error.ts'
import { InputError } from '../domain/error.ts'
import type { Event } from '../domain/event.ts'
import type { Clock } from '../domain/ids.ts'
import { byteReader, byteWriter } from '../kernels/byte-stream.ts'
import type { Database } from '../storage/database.ts'
import { createFeatureState, type FeatureState } from './features.ts'
import { compileVersion } from './publish.ts'
import type { CheckOptions } from './check-file.ts'
import { ruleSetOf, sha256, type Feature, type Rule, type RuleSet } from './rule-set.ts'
import type { FeatureReads } from './scope.ts'
import { selectRevisions, selectRules, type StoredRule } from './store.ts'

/** A published rule that this release cannot compile. It is not evaluated, and every screen says so. */
export type BrokenRule = { ruleId: string; version: number; problems: FieldProblem[] }

/** The compiled rules of every tenant, kept up to date. */
export type RuleBook = {
  /**
   * Looks for changed rules, at most once a second unless `invalidate` was called, and compiles those tenants anew.
   * Answers the tenants whose rules have changed. Call it between batches: within one, all events see the same rules.
   */
  refresh: () => Promise<string[]>
  /** The rules of a tenant as of the last refresh. */
  current: (tenantId: string) => RuleSet
  broken: (tenantId: string) => readonly BrokenRule[]
  /** The next refresh looks at once; for `afterCommit` of a change. */
  invalidate: () => void
  /** Whether something was changed here that the next refresh will look for at once. */
  stale: () => boolean
  tenants: () => string[]
}

const pollMs = 1_000

/** The rules of every tenant as they stand in the database, compiled; looked at again when they change. */
export function createRuleBook(deps: {
  db: Pick<Database, 'query'>
  clock: Clock
  /** What the rules of a tenant may name besides their own file. */
  checkOptions?: (tenantId: string) => CheckOptions
}): RuleBook {
  const sets = new Map<string, { revision: number; set: RuleSet; broken: BrokenRule[] }>()
  const empty = ruleSetOf([], [])
  let lookedMs = -Infinity
  return {
    async refresh() {
      const nowMs = deps.clock()
      if (nowMs - lookedMs < pollMs && nowMs >= lookedMs) return []
      lookedMs = nowMs
      const changed: string[] = []
      try {
        for (const { tenantId, revision } of await selectRevisions(deps.db.query)) {
          if (sets.get(tenantId)?.revision === revision) continue
          // A change that lands between the two reads raises the revision again, so the next refresh sees it.
          const stored = await selectRules(deps.db.query, tenantId)
          sets.set(tenantId, { revision, ...assemble(stored, deps.checkOptions?.(tenantId)) })
          changed.push(tenantId)
        }
      } catch (error) {
        lookedMs = -Infinity
        throw error
      }
      return changed
    },
    current: (tenantId) => sets.get(tenantId)?.set ?? empty,
    broken: (tenantId) => sets.get(tenantId)?.broken ?? [],
    invalidate: () => {
      lookedMs = -Infinity
    },
    stale: () => lookedMs === -Infinity,
    tenants: () => [...sets.keys()],
  }
}

/** Compiles stored rules into one set. Rules that are off keep their features counted, so that they can come back. */
export function assemble(
  stored: readonly StoredRule[],
  options?: CheckOptions,
): { set: RuleSet; broken: BrokenRule[] } {
  const features: Feature[] = []
  const rules: Rule[] = []
  const broken: BrokenRule[] = []
  for (const { ruleId, version, text, mode } of stored) {
    try {
      rules.push(compileVersion({ ruleId, version, text, mode }, features, options))
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      broken.push({ ruleId, version, problems: error.problems })
    }
  }
  return { set: ruleSetOf(rules, features), broken }
}

/** The feature state of every tenant, following the rule book. */
export type FeatureStates = {
  /**
   * Brings the states in line with the book. Features that did not change keep their state. Answers true when some
   * declared feature has no history yet although events may have passed: roll the stream forward to fill it.
   */
  follow: () => boolean
  observe: (tenantId: string, parsed: { event: Event; occurredAtMs: number }) => FeatureReads
  snapshot: () => { body: Uint8Array; declaredSha256: string }
  /** Digest of what all tenants declare now. */
  declaredSha256: () => string
  /**
   * Takes up a snapshot: features that are declared as they were go on, others start empty. A feature declared since then
   * was not read by any judgement yet, because the worker keeps a snapshot before it judges by new declarations.
   */
  restore: (body: Uint8Array) => void
  reset: () => void
}

/** States for the tenants of a book, all empty. */
export function createFeatureStates(book: RuleBook): FeatureStates {
  const states = new Map<string, FeatureState>()
  const stateOf = (tenantId: string): FeatureState => {
    let state = states.get(tenantId)
    if (state === undefined) states.set(tenantId, (state = createFeatureState(book.current(tenantId))))
    return state
  }
  const declared = () =>
    sha256(
      book
        .tenants()
        .sort()
        .map((tenantId) => `${tenantId} ${book.current(tenantId).declaredSha256}`)
        .join('\n'),
    )
  return {
    follow() {
      let cold = false
      for (const tenantId of book.tenants()) {
        const set = book.current(tenantId)
        const state = states.get(tenantId)
        if (state === undefined) {
          cold ||= set.features.length > 0
          stateOf(tenantId)
        } else if (state.declaredSha256 !== set.declaredSha256) {
          cold ||= set.features.some(({ name, sha256: digest }) => state.windowsOf(name, digest) === undefined)
          states.set(tenantId, createFeatureState(set, state))
        }
      }
      return cold
    },
    observe: (tenantId, parsed) => stateOf(tenantId).observe(parsed),
    snapshot() {
      const out = byteWriter()
      const tenants = book.tenants().sort()
      out.u32(tenants.length)
      for (const tenantId of tenants) {
        out.text(tenantId)
        out.bytes(stateOf(tenantId).snapshot())
      }
      return { body: out.done(), declaredSha256: declared() }
    },
    declaredSha256: declared,
    restore(body) {
      const from = byteReader(body)
      const restored = new Map<string, FeatureState>()
      for (let left = from.u32(); left > 0; left--) {
        const tenantId = from.text()
        restored.set(tenantId, createFeatureState(book.current(tenantId), from.bytes()))
      }
      for (const [tenantId, state] of restored) states.set(tenantId, state)
    },
    reset: () => states.clear(),
  }
}
