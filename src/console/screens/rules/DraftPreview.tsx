import { Button } from '@mantine/core'
import type { ResponseOf } from '../../../http/contract/route.ts'
import type { previewDraft } from '../../../http/contract/rules.ts'
import { countText } from '../../frame/time.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { EventLink } from '../../parts/EventLink.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'

/** What the text of now would have done on the newest events, beside what the published version did. */
export function DraftPreview({
  result,
  pending,
  onRun,
}: {
  result: ResponseOf<typeof previewDraft> | undefined
  pending: boolean
  onRun: () => void
}) {
  if (pending) return <SkeletonRows rows={5} what="preview" />
  if (result === undefined)
    return (
      <EmptyState
        title="See what it would have done"
        why="The newest 5,000 events are judged again with the text as it stands. Nothing is changed by that."
      >
        <Button onClick={onRun}>Preview now</Button>
      </EmptyState>
    )
  if (result.events === 0)
    return (
      <EmptyState
        title="There is no event to judge"
        why="Preview needs events; the demo or your platform sends them."
      />
    )
  return (
    <div className="stack" style={{ gap: 16 }} aria-live="polite">
      <p className="small muted" style={{ margin: 0 }}>
        {countText(result.events)} events
        {result.fromMs === null ? null : (
          <>
            , from <RelativeTime timeMs={result.fromMs} /> on
          </>
        )}
        {result.warmFromMs === null || result.warmFromMs === result.fromMs ? null : (
          <>
            . Counts are complete from <RelativeTime timeMs={result.warmFromMs} /> on
          </>
        )}
      </p>
      {result.rules.map((rule) => (
        <section key={rule.ruleId}>
          <h3>{rule.ruleId}</h3>
          <table className="plain-table rule-numbers">
            <thead>
              <tr>
                <th>Hits</th>
                <th>Published version</th>
                <th>New</th>
                <th>Lost</th>
                <th>Accounts</th>
              </tr>
            </thead>
            <tbody>
              <tr>
                <td>{countText(rule.hits)}</td>
                <td>{countText(rule.current)}</td>
                <td>+{countText(rule.added)}</td>
                <td>−{countText(rule.removed)}</td>
                <td>{countText(rule.actors)}</td>
              </tr>
            </tbody>
          </table>
          <Samples title="Would be hit" samples={rule.samples} />
          <Samples title="Would no longer be hit" samples={rule.lost} />
        </section>
      ))}
    </div>
  )
}

function Samples({
  title,
  samples,
}: {
  title: string
  samples: { eventId: string; occurredAtMs: number; actorId: string; because: string; known: boolean }[]
}) {
  if (samples.length === 0) return null
  return (
    <>
      <h3 style={{ marginTop: 8 }}>{title}</h3>
      <ul className="rule-samples">
        {samples.map((sample) => (
          <li key={sample.eventId}>
            <span className="row">
              <EventLink eventId={sample.eventId} />
              <SubjectChip subject={{ kind: 'actor', id: sample.actorId }} />
              {sample.known ? null : (
                <span className="badge" data-tone="accent">
                  new
                </span>
              )}
              <RelativeTime timeMs={sample.occurredAtMs} className="faint small" />
            </span>
            <span className="small muted">{sample.because}</span>
          </li>
        ))}
      </ul>
    </>
  )
}
