import type { Severity } from '../domain/entry.ts'
import type { Decay, LadderStep, Policy, PolicyViolation } from '../domain/policy.ts'

/** One sum of points: where it acts, what counts into it, and the ladders that it climbs. */
export type Cell = {
  contexts: number[]
  /** By context: 1 for own points, the spillover weight for others. */
  weights: Float64Array
  own: Uint8Array
  /** By place in `contexts`. */
  ladders: LadderStep[][]
  capLevels: number[]
  violations: ReadonlySet<string> | undefined
  windowMs: number
  decay: Decay
  /** Whether sums per context are enough: no window, no decay, no choice of violations. */
  plain: boolean
}

export type Version = {
  version: number
  policy: Policy
  cells: Cell[]
  violations: ReadonlyMap<string, PolicyViolation>
  egregious: ReadonlySet<Severity>
  everywhereStep: LadderStep
  everywhereLevel: number
}

/** The policy versions of a tenant, prepared for folding. */
export type PolicySet = {
  contexts: string[]
  contextIndex: ReadonlyMap<string, number>
  versions: ReadonlyMap<number, Version>
}

/** Prepares policy versions for folding. Do it once per set of versions, not per actor. */
export function compilePolicies(policies: ReadonlyMap<number, Policy>): PolicySet {
  const contexts = [...new Set([...policies.values()].flatMap((policy) => Object.keys(policy.contexts)))]
  const contextIndex = new Map(contexts.map((context, index) => [context, index]))
  const versions = new Map<number, Version>()
  for (const [version, policy] of policies) {
    const cells: Cell[] = []
    for (const counter of policy.counters) {
      const groups =
        counter.contexts === 'each' ? Object.keys(policy.contexts).map((context) => [context]) : [counter.contexts]
      for (const group of groups) {
        const weights = new Float64Array(contexts.length)
        const own = new Uint8Array(contexts.length)
        for (const [index, source] of contexts.entries()) {
          own[index] = group.includes(source) ? 1 : 0
          if (group.includes(source)) weights[index] = 1
          else if (counter.contexts === 'each' && policy.contexts[source] !== undefined)
            weights[index] =
              policy.spillover.weights.find((row) => row.from === source && row.to === group[0])?.weight ??
              policy.spillover.weight
        }
        const ladders = group.map((context) => policy.ladders[counter.ladders[context] ?? counter.ladder]!)
        cells.push({
          contexts: group.map((context) => contextIndex.get(context)!),
          weights,
          own,
          ladders,
          capLevels: group.map((context, place) => {
            const cap = policy.spillover.caps[context] ?? policy.spillover.cap
            return ladders[place]!.findLastIndex((step) => step.action === cap) + 1
          }),
          violations: counter.violations === undefined ? undefined : new Set(counter.violations),
          windowMs: counter.windowMs ?? Infinity,
          decay: counter.decay,
          plain: counter.violations === undefined && counter.windowMs === undefined && counter.decay.kind === 'none',
        })
      }
    }
    versions.set(version, {
      version,
      policy,
      cells,
      violations: new Map(Object.entries(policy.violations)),
      egregious: new Set(policy.everywhere.severities),
      everywhereStep: { at: 0, action: policy.everywhere.action, closes: 'all', permanent: true },
      everywhereLevel: Math.max(0, ...Object.values(policy.ladders).map((steps) => steps.length)) + 1,
    })
  }
  return { contexts, contextIndex, versions }
}
