import { percentText } from '../frame/time.ts'
import './small.css'

/**
 * An estimated share with its confidence interval: the dot is the estimate, the line the interval. Without observations it
 * says so instead of showing a number.
 */
export function IntervalBar({
  estimate,
  low,
  high,
  of,
  label,
  width = 72,
  unknown = 'not yet known',
}: {
  estimate: number | null | undefined
  low: number | null | undefined
  high: number | null | undefined
  /** How many observations stand behind it. */
  of?: number
  label: string
  width?: number
  /** What is said without observations. */
  unknown?: string
}) {
  if (estimate === null || estimate === undefined || of === 0) return <span className="faint small">{unknown}</span>
  const from = low ?? estimate
  const to = high ?? estimate
  const text = `${percentText(estimate)} (${percentText(from)} to ${percentText(to)}${of === undefined ? '' : `, of ${of}`})`
  const x = (share: number) => 3 + share * (width - 6)
  return (
    <span
      className="interval"
      style={{ gridTemplateColumns: `${width}px auto` }}
      title={`${label}: ${text}, 95 % interval`}
    >
      <svg width={width} height="12" role="img" aria-label={`${label} ${text}`}>
        <line x1={x(0)} x2={x(1)} y1="6" y2="6" stroke="var(--line-strong)" strokeWidth="1" />
        <line x1={x(from)} x2={Math.max(x(to), x(from) + 1)} y1="6" y2="6" stroke="var(--bar)" strokeWidth="4" />
        <circle cx={x(estimate)} cy="6" r="3" fill="var(--text)" />
      </svg>
      <span>
        {percentText(estimate)}
        {of === undefined ? null : <span className="faint"> of {of.toLocaleString('en')}</span>}
      </span>
    </span>
  )
}
