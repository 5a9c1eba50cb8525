import { useMemo } from 'react'
import './diff.css'

export type DiffLine = { kind: 'same' | 'removed' | 'added'; text: string; before?: number; after?: number }

/** Lines of two texts side by side in one list, by longest common subsequence. Texts over 4,000 lines are shown whole. */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = before === '' ? [] : before.replace(/\n$/, '').split('\n')
  const b = after === '' ? [] : after.replace(/\n$/, '').split('\n')
  if (a.length * b.length > 16_000_000)
    return [
      ...a.map((text, index): DiffLine => ({ kind: 'removed', text, before: index + 1 })),
      ...b.map((text, index): DiffLine => ({ kind: 'added', text, after: index + 1 })),
    ]
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!)
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j])
      lines.push({ kind: 'same', text: a[i]!, before: ++i, after: ++j })
    else if (i < a.length && (j >= b.length || lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!))
      lines.push({ kind: 'removed', text: a[i]!, before: ++i })
    else lines.push({ kind: 'added', text: b[j]!, after: ++j })
  }
  return lines
}

const contextLines = 3

/** Before and after of a text; unchanged stretches are folded to three lines of context. */
export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = useMemo(() => diffLines(before, after), [before, after])
  const near = lines.map((_line, index) =>
    lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some((line) => line.kind !== 'same'),
  )
  if (lines.every((line) => line.kind === 'same')) return <p className="faint small">No difference.</p>
  return (
    <div className="diff" role="region" aria-label={label} tabIndex={0}>
      {lines.map((line, index) =>
        near[index] ? (
          <div key={index} className="diff-line" data-kind={line.kind}>
            <span className="diff-number">{line.before ?? ''}</span>
            <span className="diff-number">{line.after ?? ''}</span>
            <span className="diff-sign">{{ same: ' ', removed: '−', added: '+' }[line.kind]}</span>
            <span className="diff-text">{line.text}</span>
          </div>
        ) : near[index - 1] || index === 0 ? (
          <div key={index} className="diff-fold">
            ⋯
          </div>
        ) : null,
      )}
    </div>
  )
}

/** Before and after of single values: `3 points → 1 point`. */
export function ValueDiff({ changes }: { changes: [name: string, before: string, after: string][] }) {
  return (
    <dl className="evidence-list">
      {changes.map(([name, before, after]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd>
            {before === after ? (
              <span className="muted">{after} (unchanged)</span>
            ) : (
              <>
                <del className="value-before">{before}</del> <span aria-hidden="true">→</span>{' '}
                <ins className="value-after">{after}</ins>
              </>
            )}
          </dd>
        </div>
      ))}
    </dl>
  )
}
