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
