import { IconChevronRight } from '@tabler/icons-react'
import { useState, type ReactNode } from 'react'
import { capital, useNamed } from '../frame/people.ts'
import { RelativeTime } from './RelativeTime.tsx'
import { SignalList } from './SignalRow.tsx'
import './trace.css'

export type TraceNode = {
  id: string
  /** What this step is: `decision`, `rule`, `signal`, `event`. */
  kind: string
  title: ReactNode
  detail?: ReactNode
  timeMs?: number
  reasons?: { name: string; value: unknown; because: string }[]
  /** Truth of a sub-expression, where the step is one. */
  held?: boolean
  children?: TraceNode[]
}

/** A tree that unfolds from what was decided to the rule, its sub-expressions and the event that began it. */
export function ReasonTrace({ root, openTo = 3 }: { root: TraceNode; openTo?: number }) {
  return (
    <ul className="trace" aria-label="Reasons, from the decision to the event that began it">
      <TraceStep node={root} depth={0} openTo={openTo} />
    </ul>
  )
}

function TraceStep({ node, depth, openTo }: { node: TraceNode; depth: number; openTo: number }) {
  const inner = (node.children?.length ?? 0) > 0 || (node.reasons?.length ?? 0) > 0
  const [open, setOpen] = useState(depth < openTo)
  const named = useNamed()
  return (
    <li>
      <div className="trace-step">
        {inner ? (
          <button
            type="button"
            className="trace-toggle"
            aria-expanded={open}
            aria-label={open ? 'Fold this step' : 'Unfold this step'}
            onClick={() => setOpen(!open)}
          >
            <IconChevronRight size={14} aria-hidden />
          </button>
        ) : (
          <span className="trace-toggle" aria-hidden="true">
            <i />
          </span>
        )}
        <span className="trace-kind" data-kind={node.kind}>
          {node.held === undefined ? node.kind : node.held ? 'true' : 'false'}
        </span>
        <div className="grow">
          <div className="trace-title">
            {typeof node.title === 'string'
              ? node.kind === 'event'
                ? node.title
                : capital(named(node.title))
              : node.title}
          </div>
          {node.detail === undefined ? null : <div className="muted small">{node.detail}</div>}
        </div>
        {node.timeMs === undefined ? null : <RelativeTime timeMs={node.timeMs} className="faint small" />}
      </div>
      {inner && open ? (
        <div className="trace-inner">
          {node.reasons && node.reasons.length > 0 ? <SignalList signals={node.reasons} label="Because" /> : null}
          {node.children && node.children.length > 0 ? (
            <ul>
              {node.children.map((child) => (
                <TraceStep key={child.id} node={child} depth={depth + 1} openTo={openTo} />
              ))}
            </ul>
          ) : null}
        </div>
      ) : null}
    </li>
  )
}
