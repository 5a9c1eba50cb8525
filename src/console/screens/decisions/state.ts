import type { Event } from '../../../domain/event.ts'
import type { Signal } from '../../../domain/signal.ts'
import type { StepView } from '../../../http/contract/decisions.ts'
import { condense } from '../../parts/arithmetic.ts'
import type { TraceNode } from '../../parts/ReasonTrace.tsx'

export const outcomeTones: Record<string, 'resolved' | 'attention' | 'plain'> = {
  overturned: 'resolved',
  modified: 'attention',
  upheld: 'plain',
}

/** The short word of a step: `decision.made` → `decision`. */
function stepKind(kind: string): string {
  return kind.split('.')[0]!
}

/** The event that a story begins with; undefined when nothing but the decision itself is known. */
export function eventOf(step: StepView): Event | undefined {
  return step.kind === 'event' ? ((step.body as Event | null) ?? undefined) : undefined
}

export type MatchEvidence = { transformation?: string; mediaIndex?: number; start?: number; end?: number }

/** Where in the item the match lies, and how it is turned: the evidence of the signal that names this entry. */
export function evidenceOf(step: StepView, entryId: string): MatchEvidence | undefined {
  const signals = step.kind === 'signal.recorded' ? (step.body as { signals: Signal[] }).signals : []
  const found = signals.find(({ evidence }) => (evidence?.entryId ?? evidence?.entry) === entryId)
  if (found !== undefined) return found.evidence
  for (const child of step.children) {
    const below = evidenceOf(child, entryId)
    if (below !== undefined) return below
  }
  return undefined
}

/** The story of a decision as a reason trace. */
export function traceOf(step: StepView, id = '0'): TraceNode {
  return {
    id,
    kind: stepKind(step.kind),
    title: condense(step.title),
    timeMs: step.atMs,
    reasons: step.because.map((reason) => ({ ...reason, because: condense(reason.because) })),
    children: step.children.map((child, index) => traceOf(child, `${id}.${index}`)),
  }
}
