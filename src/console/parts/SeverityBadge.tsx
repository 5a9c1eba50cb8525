import type { Severity } from '../../domain/entry.ts'
import './small.css'

export const severityWords = { 1: 'minor', 2: 'moderate', 3: 'serious', 4: 'egregious' } satisfies Record<
  Severity,
  string
>
const tones = { 1: 'plain', 2: 'attention', 3: 'harm', 4: 'harm' } satisfies Record<Severity, string>

/** Severity 1 to 4: bars that rise, a colour and a word. */
export function SeverityBadge({ severity, words = true }: { severity: number; words?: boolean }) {
  const level = Math.min(4, Math.max(1, Math.round(severity))) as Severity
  return (
    <span className="badge" data-tone={tones[level]} title={`Severity ${level} of 4: ${severityWords[level]}`}>
      <span className="severity-bars" aria-hidden="true">
        {[1, 2, 3, 4].map((step) => (
          <i key={step} style={{ height: 2 + step * 2 }} data-on={step <= level ? '' : undefined} />
        ))}
      </span>
      s{level}
      {words ? <span className="badge-word">{severityWords[level]}</span> : null}
    </span>
  )
}
