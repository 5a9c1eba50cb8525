import type { EventItem } from '../../../domain/event.ts'
import { turnText } from '../../../domain/plain-words.ts'
import type { JobView } from '../../../http/contract/jobs.ts'
import { spanText } from '../../frame/time.ts'
import { Go } from '../../frame/Go.tsx'
import { useNamed } from '../../frame/people.ts'
import { path } from '../../frame/url.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { condense } from '../../parts/arithmetic.ts'
import { Badge } from '../../parts/Badge.tsx'
import { violationText } from '../../parts/entry-words.ts'
import { EvidenceList, factsOf } from '../../parts/EvidenceList.tsx'
import { ItemView } from '../../parts/ItemView.tsx'
import { LevelBadge } from '../../parts/LevelBadge.tsx'
import { MarkedText } from '../../parts/MarkedText.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Panel } from '../../parts/Page.tsx'
import { ReasonTrace } from '../../parts/ReasonTrace.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { SignalList } from '../../parts/SignalRow.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { traceNodes } from '../../parts/trace-nodes.tsx'
import { chipName } from '../accounts/name.ts'

const stateWords = {
  present: undefined,
  edited: 'edited since',
  deleted: 'deleted by its author',
  removed: 'removed',
  none: undefined,
} as const

/** All that is needed to decide a job, most telling first: words of the appeal, item, match, thread, account, rule. */
export function JobContent({ view }: { view: JobView }) {
  const item = view.item as EventItem | undefined
  const matches = view.proposals.flatMap(({ match, signals }) => {
    if (match === undefined) return []
    const found = signals.find(({ evidence }) => (evidence?.entryId ?? evidence?.entry) === match.entryId)
    return [{ ...match, span: found?.evidence as { start?: number; end?: number } | undefined }]
  })
  return (
    <div className="job-content">
      {view.appeal === undefined ? null : (
        <Panel title="What the person says">
          <p className="item-text" dir="auto" lang={view.appeal.language}>
            {view.appeal.statement ??
              (view.appeal.statement === null ? 'Erased with the person.' : 'No words were given.')}
          </p>
          <p className="small muted" style={{ margin: 0 }}>
            {view.appeal.relation.replaceAll('_', ' ')} · <RelativeTime timeMs={view.appeal.filedAtMs} /> ·{' '}
            <Go to={path`/decisions/${view.appeal.decisionId}`}>the decision under appeal</Go>
          </p>
        </Panel>
      )}
      {view.job.decisionId === undefined ? null : (
        <Panel
          title="The decision in question"
          acts={<Go to={path`/decisions/${view.job.decisionId}`}>Open decision</Go>}
        >
          <Decided body={(view.decision as { body?: DecidedBody } | undefined)?.body} />
        </Panel>
      )}
      <Panel
        title={
          <span className="row">
            {item === undefined ? 'Event' : (item.kind ?? 'Item').replace(/^./, (first) => first.toUpperCase())}
            {stateWords[view.itemState] === undefined ? null : (
              <Badge tone="attention">{stateWords[view.itemState]}</Badge>
            )}
          </span>
        }
        acts={
          <span className="small muted row">
            {view.job.actorId === undefined ? null : (
              <SubjectChip subject={{ kind: 'actor', id: view.job.actorId }} name={chipName(view.actor?.attributes)} />
            )}
            {view.event?.context?.replaceAll('_', ' ')}
            {view.occurredAtMs === undefined ? null : <RelativeTime timeMs={view.occurredAtMs} />}
          </span>
        }
      >
        {item === undefined ? (
          <p className="muted" style={{ margin: 0 }}>
            There is no item: the question is about the account or what it did.
          </p>
        ) : (
          <ItemView item={item} tilePx={240} jobId={view.job.jobId} />
        )}
        {view.versions.length > 1 ? (
          <details>
            <summary className="small">{view.versions.length} versions</summary>
            {view.versions.map((version) => (
              <p key={version.eventId} className="small">
                <RelativeTime timeMs={version.atMs} className="faint" /> {version.type}: {version.text}
              </p>
            ))}
          </details>
        ) : null}
      </Panel>
      {view.proposals.length === 0 && view.because.length > 0 ? (
        <Panel title="Why somebody should look" acts={<AuthorName author={view.openedBy} />}>
          <SignalList label="Why somebody should look" signals={view.because} />
        </Panel>
      ) : null}
      {matches.map((match) => (
        <Panel
          key={match.entryId}
          title="The known content that it matches"
          acts={
            <Go className="small" to={path`/banks/${match.bankId}/${match.entryId}`}>
              Open bank entry
            </Go>
          }
        >
          <div className="job-match">
            <div>
              <h3>This item</h3>
              {match.mediaSha256 !== undefined ? (
                <MediaTile
                  media={{ id: item?.id ?? 'this item', kind: 'photo', upload: match.mediaSha256 }}
                  sizePx={220}
                  jobId={view.job.jobId}
                />
              ) : match.signalType !== 'text' && item?.media?.[0] !== undefined ? (
                <MediaTile media={item.media[0]} sizePx={220} jobId={view.job.jobId} />
              ) : (
                <MarkedText
                  text={item?.text ?? ''}
                  language={item?.language}
                  start={match.span?.start}
                  end={match.span?.end}
                />
              )}
            </div>
            <div>
              <h3>Entry of {match.entry?.bankName ?? match.bankId}</h3>
              {match.entry?.mediaSha256 !== undefined ? (
                <MediaTile
                  media={{ id: match.entryId, kind: 'photo', upload: match.entry.mediaSha256 }}
                  sizePx={220}
                  jobId={view.job.jobId}
                />
              ) : match.entry?.text === undefined ? (
                <p className="faint small">Only the hash of this entry is kept.</p>
              ) : (
                <p className="item-text" dir="auto">
                  {match.entry.text}
                </p>
              )}
            </div>
            <EvidenceList
              facts={[
                ['Distance', `${match.distance} of at most ${match.threshold} (${match.signalType})`],
                ['Because', match.because],
                ['Turned', match.transformation === undefined ? undefined : turnText(match.transformation)],
                ['Labels', match.entry?.labels.join(', ')],
                ['Entry', match.entry?.state],
                ['Note', match.entry?.note],
              ]}
            />
          </div>
        </Panel>
      ))}
      {view.thread === undefined || view.thread.before.length + view.thread.after.length === 0 ? null : (
        <Panel title="Around it" acts={<SubjectChip subject={{ kind: 'thread', id: view.thread.id }} />}>
          <ol className="job-thread">
            {[...view.thread.before, undefined, ...view.thread.after].map((line) =>
              line === undefined ? (
                <li key="this" data-this="">
                  <span className="small">{view.job.actorId}</span>
                  <span dir="auto">{item?.text ?? 'this item'}</span>
                </li>
              ) : (
                <li key={line.eventId}>
                  <span className="small muted clip">{line.actorId}</span>
                  <span dir="auto" className="grow">
                    {line.text ?? <span className="faint">{line.type}</span>}
                  </span>
                  <RelativeTime timeMs={line.atMs} className="faint small" />
                </li>
              ),
            )}
          </ol>
        </Panel>
      )}
      {view.proposals.map((proposal) => {
        const root = traceNodes(proposal.trace, proposal.entryId)
        return (
          <Panel
            key={proposal.entryId}
            title={
              <>
                Rule <Go to={path`/rules/${proposal.rule.id}`}>{proposal.rule.id}</Go> v{proposal.rule.version}
              </>
            }
            acts={
              <>
                <span className="small muted">{proposal.violation.replaceAll('_', ' ')}</span>
                <SeverityBadge severity={proposal.severity} />
              </>
            }
          >
            <SignalList
              label="Why the rule held"
              signals={proposal.because.length > 0 ? proposal.because : proposal.signals}
            />
            {proposal.because.length > 0 && proposal.signals.length > 0 ? (
              <details>
                <summary className="small">All signals: {proposal.signals.length}</summary>
                <SignalList label="Signals" signals={proposal.signals} />
              </details>
            ) : null}
            {root === undefined ? null : (
              <details>
                <summary className="small">How the rule came to it</summary>
                <ReasonTrace root={root} />
              </details>
            )}
            {Object.keys(proposal.features).length > 0 ? <EvidenceList facts={factsOf(proposal.features)} /> : null}
          </Panel>
        )
      })}
      {view.actor === undefined ? null : (
        <Panel
          title="The account"
          acts={<SubjectChip subject={{ kind: 'actor', id: view.actor.id }} name={chipName(view.actor.attributes)} />}
        >
          <EvidenceList
            facts={[
              ['Age', view.actor.ageMs === undefined ? undefined : spanText(view.actor.ageMs)],
              ['Events', view.actor.events >= 10_000 ? '10,000 or more' : view.actor.events.toLocaleString('en')],
              ...factsOf(view.actor.attributes),
            ]}
          />
          {view.actor.standing.length > 0 ? (
            <ul className="row-list">
              {view.actor.standing.map((standing) => (
                <li key={standing.context} className="row wrap">
                  <span style={{ minWidth: 140 }}>{standing.context.replaceAll('_', ' ')}</span>
                  <LevelBadge action={standing.action} />
                  <span className="small muted">{condense(standing.arithmetic)}</span>
                </li>
              ))}
            </ul>
          ) : null}
          <Past title="Decisions about this account" entries={view.actor.decisions} none="No decision before." />
        </Panel>
      )}
      {view.earlier.length > 0 ? (
        <Panel title="Earlier about this item">
          <Past title="" entries={view.earlier} none="" />
        </Panel>
      ) : null}
    </div>
  )
}

type DecidedBody = { violation?: string; severity?: number; context?: string; statement?: { facts?: string } }

function Decided({ body }: { body: DecidedBody | undefined }) {
  if (body === undefined) return <span className="muted">It is kept on its own page.</span>
  return (
    <>
      <div className="row wrap">
        <strong>{violationText(body.violation ?? 'unknown')}</strong>
        <span className="muted">in {body.context?.replaceAll('_', ' ')}</span>
        {body.severity === undefined ? null : <SeverityBadge severity={body.severity} />}
      </div>
      <p className="muted" style={{ margin: '4px 0 0' }}>
        {body.statement?.facts}
      </p>
    </>
  )
}

function Past({ title, entries, none }: { title: string; entries: JobView['earlier']; none: string }) {
  const named = useNamed()
  return (
    <>
      {title === '' ? null : <h3 style={{ marginTop: 12 }}>{title}</h3>}
      {entries.length === 0 ? (
        <p className="faint small">{none}</p>
      ) : (
        <ul className="row-list">
          {entries.map((entry) => (
            <li key={entry.entryId} className="row">
              {entry.severity === undefined ? null : <SeverityBadge severity={entry.severity} words={false} />}
              <span className="grow clip">
                {entry.kind === 'decision.made' ? (
                  <Go to={path`/decisions/${entry.entryId}`}>{entry.violation?.replaceAll('_', ' ')}</Go>
                ) : (
                  `${entry.kind.replace('.', ' ')} ${entry.violation ?? ''}`
                )}
                <span className="muted">
                  {entry.context === undefined ? '' : ` in ${entry.context.replaceAll('_', ' ')}`} by {named(entry.by)}
                </span>
              </span>
              {entry.reversed ? <Badge tone="resolved">reversed</Badge> : null}
              <RelativeTime timeMs={entry.atMs} className="faint small" />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
