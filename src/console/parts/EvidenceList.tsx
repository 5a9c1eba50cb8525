import type { ReactNode } from 'react'
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

/** Any JSON object as facts: for evidence whose shape only its maker knows. */
export function factsOf(object: Record<string, unknown> | undefined): [string, ReactNode][] {
  return Object.entries(object ?? {}).map(([name, value]) => [
    name,
    typeof value === 'object' && value !== null ? <code key={name}>{JSON.stringify(value)}</code> : String(value),
  ])
}
