import type { ReactNode } from 'react'
import { capital, useNamed } from '../frame/people.ts'
import { countOf, exactText, useNow } from '../frame/time.ts'
import { RelativeTime } from './RelativeTime.tsx'
import './timeline.css'

export type TimelineKind = 'event' | 'signal' | 'label' | 'decision' | 'consequence' | 'appeal' | 'job' | 'other'
export type TimelinePoint = {
  id: string
  timeMs: number
  kind: TimelineKind
  title: ReactNode
  detail?: ReactNode
  /** Harm was decided or is alleged; resolved means it was put right. */
  tone?: 'harm' | 'attention' | 'resolved'
}

const dayMs = 86_400_000

/** Events, decisions and appeals of one subject on one axis, newest first, with a density strip of the whole span above. */
export function Timeline({ points, label }: { points: TimelinePoint[]; label: string }) {
  const now = useNow()
  const named = useNamed()
  const sorted = [...points].sort((a, b) => b.timeMs - a.timeMs)
  const days = sorted.map((point) =>
    new Date(point.timeMs).toLocaleDateString(undefined, { weekday: 'short', day: 'numeric', month: 'short' }),
  )
  return (
    <div className="timeline">
      {sorted.length > 1 ? <Strip points={sorted} now={now} /> : null}
      <ol aria-label={label}>
        {sorted.map((point, index) => {
          const heading = days[index] === days[index - 1] ? null : days[index]
          return (
            <li key={point.id} data-kind={point.kind} data-tone={point.tone}>
              {heading === null ? null : <div className="timeline-day">{heading}</div>}
              <div className="timeline-point">
                <span className="timeline-mark" aria-hidden="true" />
                <div className="grow">
                  <div className="timeline-title">
                    {typeof point.title === 'string'
                      ? point.kind === 'event'
                        ? point.title
                        : capital(named(point.title))
                      : point.title}
                  </div>
                  {point.detail === undefined ? null : (
                    <div className="timeline-detail">
                      {typeof point.detail === 'string' && point.kind !== 'event' ? named(point.detail) : point.detail}
                    </div>
                  )}
                </div>
                <RelativeTime timeMs={point.timeMs} className="faint small" />
              </div>
            </li>
          )
        })}
      </ol>
    </div>
  )
}

/** Marks of all points from the oldest to now: bursts show as dense ink, decisions as taller marks. */
function Strip({ points, now }: { points: TimelinePoint[]; now: number }) {
  const from = points.at(-1)!.timeMs
  const until = Math.max(now, points[0]!.timeMs)
  const span = Math.max(1, until - from)
  const heights = { decision: 20, consequence: 20, appeal: 20, event: 8, signal: 8, label: 12, job: 12, other: 8 }
  return (
    <div className="timeline-strip" aria-hidden="true">
      <svg width="100%" height="28" preserveAspectRatio="none" viewBox="0 0 1000 28">
        <line x1="0" x2="1000" y1="24" y2="24" stroke="var(--line-strong)" />
        {points.slice(0, 2_000).map((point) => (
          <rect
            key={point.id}
            x={((point.timeMs - from) / span) * 994}
            y={24 - heights[point.kind]}
            width={point.kind === 'event' || point.kind === 'signal' ? 2 : 4}
            height={heights[point.kind]}
            fill={point.tone === undefined ? 'var(--bar)' : `var(--${point.tone})`}
            opacity={point.kind === 'event' || point.kind === 'signal' ? 0.5 : 1}
          />
        ))}
      </svg>
      <span className="faint small">{exactText(from)}</span>
      <span className="faint small">{until - from > dayMs ? countOf(Math.round(span / dayMs), 'day') : ''} · now</span>
    </div>
  )
}
