import type { TraceNode } from './ReasonTrace.tsx'

/** A sub-expression of a rule as its trace records it. */
type Expression = { start?: number; source?: string; value?: unknown; children?: Expression[] }
type RuleTrace = { condition?: string; value?: boolean | null; root?: Expression; missing?: string[] }

const shortText = (value: unknown): string => {
  const text = typeof value === 'string' ? `"${value}"` : JSON.stringify(value)
  return text === undefined ? 'nothing' : text.length > 120 ? `${text.slice(0, 120)}…` : text
}

function node(expression: Expression, id: string): TraceNode {
  const { value } = expression
  return {
    id,
    kind: 'value',
    ...(typeof value === 'boolean' ? { held: value } : {}),
    title: (
      <code>
        {expression.source ?? ''}
        {typeof value === 'boolean' || value === undefined ? null : (
          <span className="muted"> = {shortText(value)}</span>
        )}
      </code>
    ),
    // Leaves that only repeat a constant say nothing.
    children: (expression.children ?? [])
      .filter((child) => shortText(child.value) !== child.source)
      .map((child, index) => node(child, `${id}.${index}`)),
  }
}

/** The trace of a rule, sub-expression by sub-expression, as steps of a reason trace; undefined when it has none. */
export function traceNodes(trace: unknown, id: string): TraceNode | undefined {
  const known = trace as RuleTrace | null | undefined
  if (known?.root === undefined) return undefined
  const root = node(known.root, id)
  return known.missing && known.missing.length > 0
    ? { ...root, detail: `Missing in the event: ${known.missing.join(', ')}` }
    : root
}
