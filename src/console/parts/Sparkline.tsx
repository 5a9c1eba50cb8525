import './small.css'

function line(values: number[], width: number, height: number, max: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0
  return values
    .map(
      (value, index) =>
        `${index === 0 ? 'M' : 'L'}${(index * step).toFixed(1)},${(height - (value / max) * height).toFixed(1)}`,
    )
    .join('')
}

/** A small line of values with the period before it as a faint dashed one, on the same scale. */
export function Sparkline({
  values,
  before,
  label,
  width = 96,
  height = 24,
}: {
  values: number[]
  before?: number[]
  /** What is drawn, with unit and period: "Events per minute, last hour". */
  label: string
  width?: number
  height?: number
}) {
  const max = Math.max(1e-9, ...values, ...(before ?? []))
  const last = values.at(-1) ?? 0
  return (
    <span className="spark">
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}; now ${last.toLocaleString('en')}`}
      >
        <title>{label}</title>
        {before && before.length > 1 ? (
          <path d={line(before, width, height, max)} fill="none" stroke="var(--line-strong)" strokeDasharray="2 2" />
        ) : null}
        {values.length > 1 ? (
          <path
            d={line(values, width, height, max)}
            fill="none"
            stroke="var(--accent)"
            strokeWidth="1.5"
            strokeLinejoin="round"
          />
        ) : null}
        {values.length > 0 ? (
          <circle cx={width} cy={height - (last / max) * height} r="2" fill="var(--accent)" />
        ) : null}
      </svg>
    </span>
  )
}

/** The change against the period before, in words: `+12 % against the hour before`. */
export function Delta({ now, before, period }: { now: number; before: number; period: string }) {
  if (before === 0)
    return <span className="delta">{now === 0 ? `none, as in the ${period}` : `none in the ${period}`}</span>
  const change = (now - before) / before
  const size = change >= 10 ? `${Math.round(now / before)}×` : `${Math.round(Math.abs(change) * 100)} %`
  return (
    <span className="delta">
      {change >= 0 ? '▲' : '▼'} {size} vs {period}
    </span>
  )
}
