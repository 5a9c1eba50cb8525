import type { ReactNode } from 'react'
import { RelativeTime } from './RelativeTime.tsx'
import './small.css'

/** Facts by name, in two columns; those without a value are left out. */
export function EvidenceList({ facts }: { facts: [name: string, value: ReactNode][] }) {
  return (
    <dl className="evidence-list">
      {facts
        .filter(([, value]) => value !== undefined && value !== null && value !== '')
        .map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/

/** Any JSON object as facts: for evidence whose shape only its maker knows. */
export function factsOf(object: Record<string, unknown> | undefined): [string, ReactNode][] {
  return Object.entries(object ?? {}).map(([name, value]) => [
    name,
    typeof value === 'object' && value !== null ? (
      <code key={name}>{JSON.stringify(value)}</code>
    ) : typeof value === 'string' && isoTime.test(value) && !Number.isNaN(Date.parse(value)) ? (
      <RelativeTime key={name} timeMs={Date.parse(value)} />
    ) : (
      String(value)
    ),
  ])
}
