import { Textarea } from '@mantine/core'
import type { JobView } from '../../../http/contract/jobs.ts'
import { countOf } from '../../frame/time.ts'
import { condense } from '../../parts/arithmetic.ts'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { LevelBadge } from '../../parts/LevelBadge.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { needsNote, sameDraft, type Choice, type Draft } from './state.ts'

/** Policy, severity, and what would follow: the answers of a job with their keys, and a preview of the chosen one. */
export function JobDecision({
  view,
  choices,
  draft,
  onDraft,
  note,
  onNote,
  enabled,
}: {
  view: JobView
  choices: Choice[]
  draft: Draft
  onDraft: (draft: Draft) => void
  note: string
  onNote: (note: string) => void
  enabled: boolean
}) {
  const { question, violation } = view.job
  return (
    <>
      <div className="job-choices" role="radiogroup" aria-label="Answers">
        {choices.map((choice) => {
          const chosen = sameDraft(choice.draft, draft)
          return (
            <button
              key={`${choice.draft.verdict}-${choice.draft.violation ?? choice.draft.severity ?? ''}`}
              type="button"
              role="radio"
              aria-checked={chosen}
              disabled={!enabled}
              className="job-choice"
              onClick={() => onDraft(choice.draft)}
            >
              <span className="job-choice-key">{choice.key === '' ? null : <KeyHint keys={choice.key} />}</span>
              <span className="grow">
                <span className="row">
                  <span className="clip">{choice.title}</span>
                  {choice.draft.violation !== undefined && choice.draft.violation === violation ? (
                    <span className="faint small">proposed</span>
                  ) : null}
                </span>
                {chosen && choice.detail ? (
                  <span className="muted small job-choice-detail">{choice.detail}</span>
                ) : null}
              </span>
              {choice.severity === undefined ? null : <SeverityBadge severity={choice.severity} words={false} />}
            </button>
          )
        })}
      </div>
      {draft === undefined ? null : <Preview view={view} draft={draft} />}
      {enabled ? (
        <Textarea
          id="job-note"
          label={
            <>
              {needsNote(question, draft) ? 'Reason, told to the person' : 'Note for colleagues'} <KeyHint keys="w" />
            </>
          }
          value={note}
          onChange={(event) => onNote(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
          autosize
          minRows={1}
          maxRows={6}
          maxLength={5_000}
          className="job-note"
        />
      ) : null}
    </>
  )
}

function Preview({ view, draft }: { view: JobView; draft: NonNullable<Draft> }) {
  const preview =
    draft.verdict === 'violation'
      ? view.previews.find(
          (each) =>
            each.violation === draft.violation && (draft.severity === undefined || each.severity === draft.severity),
        )
      : undefined
  const plain: Partial<Record<typeof draft.verdict, string>> = {
    no_violation:
      'The proposal is dismissed. The item stays, the account keeps its standing, and the rule’s record shows it.',
    escalate: 'The job goes to the senior queue with your note. Nothing happens to the account until then.',
    uphold: 'The decision and its consequences stay. The person is told, with your reason.',
    overturn:
      'The strike is void; standing, gates and content return to what they would have been. The statement is corrected, the platform and the person are told, and the bank entry or rule behind it carries the overturn.',
    modify: 'Standing is computed anew with the lesser severity, and the statement is corrected.',
    reverse: 'As for an overturned appeal: everything that the decision caused is put back.',
    keep: 'The decision stays; it is not offered again for this mistake.',
  }
  return (
    <section className="job-preview" aria-live="polite" aria-label="What will follow">
      <h3>What will follow</h3>
      {preview === undefined ? (
        <p>{plain[draft.verdict] ?? 'The policy decides when it is confirmed.'}</p>
      ) : (
        <>
          <p>
            {preview.removesItem ? 'The item is removed. ' : 'The item stays. '}
            {preview.points === 0
              ? 'No points: the account is taught, not punished.'
              : `${countOf(preview.points, 'point')}.`}
          </p>
          <ul>
            {preview.contexts.map((context) => (
              <li key={context.context}>
                <span className="row wrap">
                  <span className="clip">{context.context.replaceAll('_', ' ')}</span>
                  <LevelBadge action={context.action} />
                  {context.closed[0]?.untilMs === undefined ? null : (
                    <span className="small muted">
                      ends <RelativeTime timeMs={context.closed[0].untilMs} />
                    </span>
                  )}
                </span>
                <span className="small muted">
                  {condense(context.arithmetic)}
                  {context.closed.length > 0
                    ? ` · closes ${context.closed.map((each) => each.feature).join(', ')}`
                    : ''}
                </span>
              </li>
            ))}
          </ul>
          {preview.notice === undefined ? null : (
            <details>
              <summary className="small">The notice that the person gets</summary>
              <p className="small muted">{preview.notice}</p>
            </details>
          )}
        </>
      )}
    </section>
  )
}
