import { Button } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { MatchRef } from '../../../domain/entry.ts'
import { getDecision, reverseDecision, type DecisionDetail, type StepView } from '../../../http/contract/decisions.ts'
import { client, useChange, useRead } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { percentText } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { condense } from '../../parts/arithmetic.ts'
import { AuthorName, automationText } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { DecisionStatus } from '../../parts/DecisionStatus.tsx'
import { violationText } from '../../parts/entry-words.ts'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EventLink } from '../../parts/EventLink.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { LevelBadge } from '../../parts/LevelBadge.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { ReasonTrace } from '../../parts/ReasonTrace.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { chipName } from '../accounts/name.ts'
import { MatchPanel } from './MatchPanel.tsx'
import { eventOf, outcomeTones, traceOf } from './state.ts'

/** One decision: its chain from the event to every consequence, the statement of reasons, and whether replay agrees. */
export function Screen() {
  const { decisionId } = useParams({ strict: false }) as { decisionId: string }
  const read = useRead(getDecision, { params: { decisionId } })
  const may = useMay('decisions:write')
  const [asking, setAsking] = useState(false)
  const reverse = useChange(reverseDecision, {
    touches: ['decisions', 'subjects', 'appeals', 'queues', 'jobs', 'banks', 'insight'],
    done: 'The decision was reversed, with all that followed from it',
    onDone: () => setAsking(false),
    quiet: true,
  })
  const standing = read.data !== undefined && read.data.decision.status !== 'reversed'
  const ask = () => setAsking(true)
  useKeys('Decision', may && standing ? [{ keys: 'r', does: 'Reverse this decision', run: ask }] : [])
  useCommands(may && standing ? [{ id: 'reverse', title: 'Reverse this decision', run: ask }] : [])
  if (read.data === undefined)
    return read.error ? (
      <Page title="Decision" crumbs={<Go to="/decisions">Decisions</Go>}>
        <ErrorState what="Decision" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    ) : (
      <SkeletonPage what="decision" />
    )
  const { decision, consequences } = read.data
  const send = async (reason: string) => {
    const { etag } = await client.callFull(getDecision, { params: { decisionId } })
    reverse.mutate({ params: { decisionId }, body: { reason }, headers: { 'if-match': etag ?? '*' } })
  }
  const event = eventOf(read.data.explanation.tree as StepView)
  const actorName = event?.actor.id === decision.actorId ? chipName(event.actor.attributes) : undefined
  const running = consequences.filter((consequence) => consequence.state === 'running')
  return (
    <Page
      title={violationText(decision.violation)}
      crumbs={<Go to="/decisions">Decisions</Go>}
      about={
        <span className="row wrap" style={{ display: 'inline-flex' }}>
          <SeverityBadge severity={decision.severity} />
          <DecisionStatus status={decision.status} />
          <CopyId id={decision.decisionId} label="decision id" />
        </span>
      }
      acts={
        may && standing ? (
          <Button onClick={ask}>
            Reverse decision <KeyHint keys="r" />
          </Button>
        ) : null
      }
      scroll
    >
      <div className="columns">
        <div>
          <Panel title="How it came about">
            <ReasonTrace root={traceOf(read.data.explanation.tree as StepView)} openTo={4} />
          </Panel>
          <StatementPanel detail={read.data} />
          {read.data.appeals.length === 0 ? null : (
            <Panel title="Appeals">
              {read.data.appeals.map((appeal) => (
                <div key={appeal.appealId} className="row wrap" style={{ padding: '4px 0' }}>
                  <Go to={path`/appeals/${appeal.appealId}`}>
                    By {appeal.appellantId} ({appeal.relation.replaceAll('_', ' ')})
                  </Go>
                  <RelativeTime timeMs={appeal.filedMs} className="faint small" />
                  <Badge tone={appeal.outcome === null ? 'attention' : (outcomeTones[appeal.outcome] ?? 'plain')}>
                    {appeal.outcome ?? 'open'}
                  </Badge>
                  <span className="small muted">{appeal.reason}</span>
                </div>
              ))}
            </Panel>
          )}
        </div>
        <div>
          <Panel title="What was decided">
            <EvidenceList
              facts={[
                ['Account', <SubjectChip key="a" subject={{ kind: 'actor', id: decision.actorId }} name={actorName} />],
                [
                  'Item',
                  decision.itemId === null ? undefined : (
                    <SubjectChip key="i" subject={{ kind: 'item', id: decision.itemId }} />
                  ),
                ],
                [
                  'Thread',
                  decision.threadId === null ? undefined : (
                    <SubjectChip key="t" subject={{ kind: 'thread', id: decision.threadId }} />
                  ),
                ],
                ['Event', decision.eventId === null ? undefined : <EventLink key="e" eventId={decision.eventId} />],
                ['Violation', decision.violation.replaceAll('_', ' ')],
                ['Context', decision.context.replaceAll('_', ' ')],
                ['Item', decision.removesItem ? 'removed with it' : undefined],
                ['Counts from', <RelativeTime key="m" timeMs={decision.madeMs} />],
                ['By', <AuthorName key="b" author={decision.author} />],
                ['Way', automationText(decision.automation)],
                [
                  'Policy',
                  <Go key="p" to={path`/policies/${String(decision.policyVersion)}`}>
                    version {decision.policyVersion}
                  </Go>,
                ],
                [
                  'Rule',
                  decision.rule === null ? undefined : (
                    <Go
                      key="r"
                      to={path`/rules/${decision.rule.id}`}
                    >{`${decision.rule.id} v${decision.rule.version}`}</Go>
                  ),
                ],
                [
                  'Job',
                  decision.jobId === null ? undefined : (
                    <Go key="j" to={path`/review/jobs/${decision.jobId}`}>
                      the review
                    </Go>
                  ),
                ],
                [
                  'Attribution',
                  decision.attribution === 1
                    ? undefined
                    : `${percentText(decision.attribution)}${decision.role === null ? '' : `, as ${decision.role}`}`,
                ],
                [
                  'Changed',
                  decision.changedMs === null ? undefined : <RelativeTime key="c" timeMs={decision.changedMs} />,
                ],
                ['Why changed', decision.changedReason],
              ]}
            />
          </Panel>
          {decision.match === null ? null : <MatchPanel detail={read.data} match={decision.match as MatchRef} />}
          <Panel title="Consequences">
            {consequences.length === 0 ? (
              <p className="faint small" style={{ margin: 0 }}>
                None: it weighs too little to reach a step of the ladder.
              </p>
            ) : (
              consequences.map((consequence) => (
                <div key={consequence.consequenceId} style={{ padding: '4px 0' }}>
                  <div className="row wrap">
                    <LevelBadge action={consequence.action} />
                    <span>{consequence.context === '*' ? 'everywhere' : consequence.context.replaceAll('_', ' ')}</span>
                    <Badge tone={consequence.state === 'reversed' ? 'resolved' : 'plain'}>{consequence.state}</Badge>
                  </div>
                  <div className="small muted">
                    {condense(consequence.arithmetic)}
                    {consequence.untilMs === null ? null : (
                      <>
                        {' '}
                        · {consequence.state === 'running' ? 'ends' : 'was to end'}{' '}
                        <RelativeTime timeMs={consequence.untilMs} />
                      </>
                    )}
                  </div>
                </div>
              ))
            )}
          </Panel>
          <Replay detail={read.data} />
        </div>
      </div>
      <ConfirmWithPreview
        opened={asking}
        onClose={() => setAsking(false)}
        title="Reverse this decision"
        act="Reverse decision"
        busy={reverse.isPending}
        error={reverse.error}
        undo="A reversal cannot itself be undone; a new decision would have to be made."
        reason={{ label: 'Reason, told to the person', required: true }}
        onConfirm={(reason) => void send(reason)}
      >
        <p style={{ margin: '0 0 8px' }}>
          For account <strong>{decision.actorId}</strong>, everything returns to what it would have been without this
          decision:
        </p>
        <ul style={{ margin: 0, paddingLeft: 18 }}>
          <li>
            {running.length === 0
              ? 'no consequence is running because of it'
              : `${running.length} running ${running.length === 1 ? 'consequence is' : 'consequences are'} computed anew: ${running
                  .map(
                    (each) =>
                      `${each.action.replaceAll('_', ' ')} in ${each.context === '*' ? 'all contexts' : each.context}`,
                  )
                  .join(', ')}`}
          </li>
          <li>{decision.removesItem ? 'the item is restored' : 'the item was not removed'}</li>
          <li>the statement of reasons is corrected, and the platform is told</li>
          {decision.match === null ? null : <li>the bank entry’s record shows the overturn</li>}
        </ul>
      </ConfirmWithPreview>
    </Page>
  )
}

function Replay({ detail }: { detail: DecisionDetail }) {
  const { replay, rule } = detail.explanation
  return (
    <Panel title="Replayed just now">
      {(
        [
          ['Consequences', replay],
          ['Rule', rule],
        ] as const
      ).map(([name, result]) =>
        result === null ? null : (
          <div key={name} className="row" style={{ alignItems: 'flex-start', padding: '2px 0' }}>
            <Badge
              tone={result.same ? 'resolved' : 'attention'}
              icon={result.same ? <IconCheck size={13} aria-hidden /> : <IconX size={13} aria-hidden />}
            >
              {result.same ? 'same result' : 'differs'}
            </Badge>
            <span className="small">
              <strong>{name}</strong> <span className="muted">{result.detail}</span>
            </span>
          </div>
        ),
      )}
    </Panel>
  )
}

function StatementPanel({ detail }: { detail: DecisionDetail }) {
  const { statement } = detail.decision
  return (
    <Panel title="Statement of reasons, as the person reads it">
      {statement.correction === undefined ? null : (
        <p className="item-text" style={{ borderColor: 'var(--resolved)' }}>
          {statement.correction}
        </p>
      )}
      <p style={{ margin: '0 0 8px' }} dir="auto" lang={statement.language}>
        {statement.facts}
      </p>
      <p className="muted" style={{ margin: '0 0 12px' }}>
        <strong>{statement.policyTitle}.</strong> {statement.policyText}
      </p>
      <EvidenceList
        facts={[
          [
            'Ground',
            statement.legalGround === 'ILLEGAL_CONTENT' ? 'illegal content' : 'against the terms of the service',
          ],
          ['Found', statement.automatedDetection ? 'automatically' : 'by a person'],
          ['Decided', statement.automatedDecision.toLowerCase().replaceAll('_', ' ')],
          ['Source', statement.sourceType.toLowerCase().replaceAll('_', ' ')],
          ['Appeals close', <RelativeTime key="u" timeMs={statement.appealUntilMs} />],
        ]}
      />
      <details>
        <summary className="small">As the EU transparency database takes it</summary>
        <pre className="raw" tabIndex={0} aria-label="Statement for the transparency database">
          {JSON.stringify(detail.dsaStatement, null, 2)}
        </pre>
      </details>
    </Panel>
  )
}
