import type { ReactNode } from 'react'
import { getDecision, type Decision } from '../../http/contract/decisions.ts'
import { prefetch } from '../api.ts'
import { path, useUrl } from '../frame/url.ts'
import { automationText } from './AuthorName.tsx'
import { DecisionStatus } from './DecisionStatus.tsx'
import { violationText } from './entry-words.ts'
import { RelativeTime } from './RelativeTime.tsx'
import { SeverityBadge } from './SeverityBadge.tsx'
import { SubjectChip } from './SubjectChip.tsx'
import { VirtualTable, type Column } from './VirtualTable.tsx'

const columns: Column<Decision>[] = [
  {
    key: 'severity',
    title: 'Severity',
    width: '124px',
    narrow: '56px',
    cell: (decision) => <SeverityBadge severity={decision.severity} />,
  },
  {
    key: 'violation',
    title: 'Violation',
    width: 'minmax(120px, 1fr)',
    cell: (decision) => (
      <span>
        {violationText(decision.violation)} <span className="muted">in {decision.context.replaceAll('_', ' ')}</span>
      </span>
    ),
  },
  {
    key: 'actor',
    title: 'Account',
    width: 'minmax(96px, 200px)',
    narrow: 'minmax(80px, 0.8fr)',
    cell: (decision) => <SubjectChip subject={{ kind: 'actor', id: decision.actorId }} />,
  },
  {
    key: 'by',
    title: 'Decided',
    width: '150px',
    quiet: true,
    wide: true,
    cell: (decision) => automationText(decision.automation),
  },
  {
    key: 'rule',
    title: 'Rule',
    width: 'minmax(80px, 180px)',
    quiet: true,
    wide: true,
    cell: (decision) => decision.rule?.id ?? '–',
  },
  {
    key: 'status',
    title: 'State',
    width: '104px',
    wide: true,
    cell: (decision) => <DecisionStatus status={decision.status} />,
  },
  {
    key: 'made',
    title: 'Made',
    width: '84px',
    align: 'right',
    quiet: true,
    cell: (decision) => <RelativeTime timeMs={decision.madeMs} />,
  },
]

/** Decisions as rows; opens their page. */
export function DecisionTable({
  decisions,
  onNearEnd,
  empty,
  label,
  autoFocus,
}: {
  decisions: Decision[]
  onNearEnd?: () => void
  empty: ReactNode
  label: string
  autoFocus?: boolean
}) {
  const url = useUrl()
  return (
    <VirtualTable
      rows={decisions}
      columns={columns}
      rowKey={(decision) => decision.decisionId}
      label={label}
      rowPx={36}
      onOpen={(decision) => url.go(path`/decisions/${decision.decisionId}`)}
      onMark={(decision) => prefetch(getDecision, { params: { decisionId: decision.decisionId } })}
      onNearEnd={onNearEnd}
      empty={empty}
      autoFocus={autoFocus}
    />
  )
}
