import type { Policy } from '../domain/policy.ts'
import { isUnavailable, type Query } from '../storage/database.ts'
import { selectGateStates, type GateState } from './store.ts'

export type GateCheck = { actorId: string; feature: string; context: string }
export type GateAnswer = {
  answer: 'allow' | 'limit' | 'challenge' | 'deny'
  reason?: string
  /** Absent for what has no end of its own. */
  untilMs?: number
  gateId?: string
  consequenceId?: string
  /** Whether standing could not be read and the policy's fail-safe answered. */
  failSafe?: true
}

export type GateStates = { of: (tenantId: string, actorId: string) => Promise<GateState> }

/** So many accounts are asked for in one statement. */
const actorsAtOnceMax = 500

/**
 * Reads the gates of accounts, always fresh. Checks that arrive while a question is under way share the next one, so that a
 * rush costs a few statements instead of thousands.
 */
export function createGateStates(query: Query): GateStates {
  type Waiting = { actorId: string; done: (state: GateState) => void; fail: (error: unknown) => void }
  const waiting = new Map<string, Waiting[]>()
  const asking = new Set<string>()

  const ask = async (tenantId: string): Promise<void> => {
    asking.add(tenantId)
    for (let batch = waiting.get(tenantId)!.splice(0, actorsAtOnceMax); batch.length > 0;) {
      try {
        const states = await selectGateStates(query, tenantId, [...new Set(batch.map((one) => one.actorId))])
        for (const one of batch) one.done(states.get(one.actorId) ?? { gates: [], labels: [] })
      } catch (error) {
        for (const one of batch) one.fail(error)
      }
      batch = waiting.get(tenantId)!.splice(0, actorsAtOnceMax)
    }
    asking.delete(tenantId)
  }
  return {
    of: (tenantId, actorId) =>
      new Promise<GateState>((done, fail) => {
        const line = waiting.get(tenantId) ?? []
        waiting.set(tenantId, line)
        line.push({ actorId, done, fail })
        if (!asking.has(tenantId)) void ask(tenantId)
      }),
  }
}

const allow: GateAnswer = { answer: 'allow' }

/**
 * Whether an actor may use a feature now. A consequence denies; a gate that is no consequence limits; a label that the policy
 * names asks for a challenge. When the database is away the policy's fail-safe for the feature answers.
 */
export async function checkGate(
  states: GateStates,
  tenantId: string,
  check: GateCheck,
  nowMs: number,
  policy: Policy | undefined,
): Promise<GateAnswer> {
  try {
    return answerGate(await states.of(tenantId, check.actorId), check, nowMs, policy)
  } catch (error) {
    if (!isUnavailable(error)) throw error
    return failSafe(policy, check.feature)
  }
}

/** What the policy says when standing cannot be read. */
export function failSafe(policy: Policy | undefined, feature: string): GateAnswer {
  const { otherwise = 'open', features = {} } = policy?.gates.failSafe ?? {}
  return (features[feature] ?? otherwise) === 'open'
    ? { answer: 'allow', failSafe: true }
    : { answer: 'deny', failSafe: true, reason: 'This cannot be checked right now. Please try again soon.' }
}

/** The answer from gates and labels at hand: the strictest that applies, then the one that lasts longest. */
export function answerGate(state: GateState, check: GateCheck, nowMs: number, policy: Policy | undefined): GateAnswer {
  let strictest: GateAnswer = allow
  const take = (answer: GateAnswer) => {
    const [a, b] = [rank[answer.answer], rank[strictest.answer]]
    if (a > b || (a === b && (answer.untilMs ?? Infinity) > (strictest.untilMs ?? Infinity))) strictest = answer
  }
  for (const gate of state.gates) {
    if (gate.untilMs !== null && gate.untilMs <= nowMs) continue
    if (gate.feature !== '*' && gate.feature !== check.feature) continue
    if (gate.context !== '*' && gate.context !== check.context) continue
    take({
      answer: gate.consequenceId === null ? 'limit' : 'deny',
      reason: gate.reason,
      ...(gate.untilMs === null ? {} : { untilMs: gate.untilMs }),
      gateId: gate.id,
      ...(gate.consequenceId === null ? {} : { consequenceId: gate.consequenceId }),
    })
  }
  for (const { label, expiresMs } of state.labels)
    if (policy?.gates.challengeLabels.includes(label) === true && (expiresMs === null || expiresMs > nowMs))
      take({
        answer: 'challenge',
        reason: 'Please show that this account is yours.',
        ...(expiresMs === null ? {} : { untilMs: expiresMs }),
      })
  return strictest
}

const rank = { allow: 0, limit: 1, challenge: 2, deny: 3 } satisfies Record<GateAnswer['answer'], number>
