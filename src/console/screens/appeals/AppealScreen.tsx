import { Button, SegmentedControl } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { decideAppeal, getAppeal } from '../../../http/contract/appeals.ts'
import { getDecision, type StepView } from '../../../http/contract/decisions.ts'
import { client, useChange, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useNamed } from '../../frame/people.ts'
import { useMay } from '../../frame/session.tsx'
import { path } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { DecisionStatus } from '../../parts/DecisionStatus.tsx'
import { violationText } from '../../parts/entry-words.ts'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { ReasonTrace } from '../../parts/ReasonTrace.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { ValueDiff } from '../../parts/Diff.tsx'
import { outcomeTones, traceOf } from '../decisions/state.ts'

const answers = {
  upheld: {
    act: 'Uphold decision',
    key: 'u',
    undo: 'The person may still go to an out-of-court body or to court.',
  },
  overturned: {
    act: 'Overturn decision',
    key: 'o',
    undo: 'A reversal cannot itself be undone; a new decision would have to be made.',
  },
  modified: { act: 'Modify decision', key: 'm', undo: 'The decision can be changed again by a person.' },
} as const
type Answer = keyof typeof answers

/** One appeal: what the person says beside the decision and how it came about, and the answer. */
export function Screen() {
  const { appealId } = useParams({ strict: false }) as { appealId: string }
  const read = useRead(getAppeal, { params: { appealId } })
  const decisionId = read.data?.appeal.decisionId ?? ''
  const decision = useRead(getDecision, { params: { decisionId } }, { enabled: decisionId !== '' })
  const may = useMay('appeals:write')
  const [asking, setAsking] = useState<Answer>()
  const named = useNamed()
  const [severity, setSeverity] = useState<'1' | '2' | '3' | '4'>('1')
  const decide = useChange(decideAppeal, {
    touches: ['appeals', 'decisions', 'subjects', 'queues', 'jobs', 'banks', 'insight'],
    done: (appeal) => `The decision was ${appeal.outcome}; the person is told`,
    onDone: () => setAsking(undefined),
    quiet: true,
  })
  const open = read.data?.appeal.state === 'open' && read.data.mayDecide && may
  useKeys(
    'Appeal',
    open
      ? (Object.keys(answers) as Answer[]).map((answer) => ({
          keys: answers[answer].key,
          does: answers[answer].act,
          run: () => setAsking(answer),
        }))
      : [],
  )
  if (read.data === undefined)
    return read.error ? (
      <Page title="Appeal" crumbs={<Go to="/appeals">Appeals</Go>}>
        <ErrorState what="Appeal" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    ) : (
      <SkeletonPage what="appeal" />
    )
  const { appeal, statement, mayDecide } = read.data
  const made = decision.data?.decision
  const send = async (answer: Answer, reason: string) => {
    const { etag } = await client.callFull(getAppeal, { params: { appealId } })
    decide.mutate({
      params: { appealId },
      body: {
        outcome: answer,
        reason,
        ...(answer === 'modified' ? { severity: Number(severity) as 1 | 2 | 3 | 4 } : {}),
      },
      headers: { 'if-match': etag ?? '*' },
    })
  }
  return (
    <Page
      title={`Appeal of ${appeal.appellantId}`}
      crumbs={<Go to="/appeals">Appeals</Go>}
      about={
        <span className="row" style={{ display: 'inline-flex' }}>
          <Badge tone={appeal.outcome === null ? 'attention' : (outcomeTones[appeal.outcome] ?? 'plain')}>
            {appeal.outcome ?? 'open'}
          </Badge>
          <CopyId id={appeal.appealId} label="appeal id" />
        </span>
      }
      acts={
        open
          ? (Object.keys(answers) as Answer[]).map((answer) => (
              <Button key={answer} onClick={() => setAsking(answer)}>
                {answers[answer].act} <KeyHint keys={answers[answer].key} />
              </Button>
            ))
          : null
      }
      scroll
    >
      <div className="columns">
        <div>
          <Panel title="What the person says">
            <p className="item-text" dir="auto" lang={appeal.language}>
              {statement ?? 'No words were given, or they were erased with the person.'}
            </p>
          </Panel>
          {made === undefined ? null : (
            <Panel
              title="The decision"
              acts={
                <>
                  <SeverityBadge severity={made.severity} />
                  <DecisionStatus status={made.status} />
                  <Go to={path`/decisions/${made.decisionId}`}>Open decision</Go>
                </>
              }
            >
              <p style={{ margin: '0 0 12px' }}>
                <strong>{violationText(made.violation)}.</strong> {made.statement.facts}
              </p>
              {decision.data === undefined ? null : (
                <ReasonTrace root={traceOf(decision.data.explanation.tree as StepView)} openTo={3} />
              )}
            </Panel>
          )}
        </div>
        <div>
          <Panel title="About">
            <EvidenceList
              facts={[
                ['Decision against', <SubjectChip key="a" subject={{ kind: 'actor', id: appeal.actorId }} />],
                [
                  'Item',
                  made?.itemId ? <SubjectChip key="i" subject={{ kind: 'item', id: made.itemId }} /> : undefined,
                ],
                ['Relation', appeal.relation.replaceAll('_', ' ')],
                ['Language', appeal.language],
                ['Filed', <RelativeTime key="f" timeMs={appeal.filedMs} />],
                ['Decided', appeal.decidedMs === null ? undefined : <RelativeTime key="d" timeMs={appeal.decidedMs} />],
                ['By', appeal.decidedBy === null ? undefined : named(appeal.decidedBy)],
                ['Answer', appeal.reason],
              ]}
            />
            {appeal.state === 'open' && may && !mayDecide ? (
              <p className="small muted" style={{ margin: '8px 0 0' }}>
                You made the decision, so somebody else answers the appeal.
              </p>
            ) : null}
          </Panel>
        </div>
      </div>
      {asking === undefined ? null : (
        <ConfirmWithPreview
          opened
          onClose={() => setAsking(undefined)}
          title={answers[asking].act}
          act={answers[asking].act}
          busy={decide.isPending}
          error={decide.error}
          undo={answers[asking].undo}
          reason={{ label: 'Reason, told to the person', required: true }}
          onConfirm={(reason) => void send(asking, reason)}
        >
          {asking === 'overturned' ? (
            <p style={{ margin: 0 }}>
              Standing, gates and content of <strong>{appeal.actorId}</strong> return to what they would have been. The
              statement is corrected, the platform is told, and what led to the mistake carries the overturn.
            </p>
          ) : asking === 'upheld' ? (
            <p style={{ margin: 0 }}>The decision stays as it is. The person is told, with your reason.</p>
          ) : (
            <div className="stack">
              <SegmentedControl
                aria-label="New severity"
                value={severity}
                onChange={(value) => setSeverity(value as typeof severity)}
                data={['1', '2', '3', '4']
                  .filter((each) => made === undefined || Number(each) !== made.severity)
                  .map((each) => ({ value: each, label: `Severity ${each}` }))}
              />
              <ValueDiff changes={[['Severity', String(made?.severity ?? '?'), severity]]} />
              <p className="small muted" style={{ margin: 0 }}>
                Standing is computed anew as if it had been decided so at first.
              </p>
            </div>
          )}
        </ConfirmWithPreview>
      )}
    </Page>
  )
}
