import { Button, Checkbox } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { SubjectRef } from '../../../domain/subject.ts'
import { getSubject, getTimeline, type SubjectView } from '../../../http/contract/subjects.ts'
import { usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { condense } from '../../parts/arithmetic.ts'
import { Badge } from '../../parts/Badge.tsx'
import { DecisionStatus } from '../../parts/DecisionStatus.tsx'
import { violationText } from '../../parts/entry-words.ts'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { ItemView } from '../../parts/ItemView.tsx'
import { LevelBadge } from '../../parts/LevelBadge.tsx'
import { Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { StatusBadge } from '../../parts/StatusBadge.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { Timeline } from '../../parts/Timeline.tsx'
import { chipName, namesFrom, useEventsAbout } from './name.ts'
import { timelineOf } from './state.ts'
import { SubjectLink } from './SubjectLink.tsx'

const kindWords = {
  events: 'Events',
  decisions: 'Decisions',
  appeals: 'Reviews and appeals',
  signals: 'Signals and labels',
}

/** All that is known of a subject: standing per context with its arithmetic, gates, labels, decisions, and one timeline. */
export function SubjectDetail({ subject, wide = false }: { subject: SubjectRef; wide?: boolean }) {
  const params = { kind: subject.kind, id: subject.id }
  const read = useRead(getSubject, { params }, { everyMs: 10_000 })
  const events = useEventsAbout(subject)
  const entries = usePages(getTimeline, { params }, { limit: 200, everyMs: 10_000 })
  const [kinds, setKinds] = useState<string[]>(Object.keys(kindWords))
  const points = useMemo(
    () => timelineOf(entries.items, events.items, new Set(kinds)),
    [entries.items, events.items, kinds],
  )
  if (read.data === undefined)
    return read.error ? (
      <ErrorState what="Subject" error={read.error} onRetry={() => void read.refetch()} />
    ) : (
      <SkeletonPage what="subject" />
    )
  const view = read.data
  const content =
    subject.kind === 'item' ? events.items.find((each) => each.event.item?.id === subject.id)?.event : undefined
  const side = (
    <>
      <Panel title="State" acts={<StatusBadge status={view.status} />}>
        {subject.kind === 'actor' ? <Standing view={view} /> : null}
        {view.heldBy.length > 0 ? (
          <p className="small" style={{ margin: '4px 0' }}>
            Held by{' '}
            {view.heldBy.map((decisionId, index) => (
              <span key={decisionId}>
                {index > 0 ? ', ' : ''}
                <Go to={path`/decisions/${decisionId}`}>decision {index + 1}</Go>
              </span>
            ))}
          </p>
        ) : null}
        {view.gates.length === 0 ? (
          <p className="small muted" style={{ margin: '4px 0 0' }}>
            No feature is closed.
          </p>
        ) : (
          <ul className="row-list">
            {view.gates.map((gate) => (
              <li key={gate.gateId}>
                <span className="row wrap">
                  <Badge tone="attention">
                    closed: {gate.feature === '*' ? 'everything' : gate.feature.replaceAll('_', ' ')}
                  </Badge>
                  <span className="small">
                    {gate.context === '*' ? 'everywhere' : gate.context.replaceAll('_', ' ')}
                  </span>
                  {gate.untilMs === null ? null : (
                    <span className="small muted">
                      ends <RelativeTime timeMs={gate.untilMs} />
                    </span>
                  )}
                </span>
                <span className="small muted">{gate.reason}</span>
              </li>
            ))}
          </ul>
        )}
        {view.labels.length > 0 ? (
          <div className="row wrap" style={{ marginTop: 8 }}>
            {view.labels.map((label) => (
              <Badge key={label.label} title={label.because.map((reason) => reason.because).join('; ')}>
                {label.label}
              </Badge>
            ))}
          </div>
        ) : null}
      </Panel>
      <Decisions view={view} />
      {subject.kind === 'actor' ? <SubjectLink actorId={subject.id} /> : null}
    </>
  )
  const main = (
    <>
      {content?.item === undefined ? null : (
        <Panel
          title="Content"
          acts={
            <SubjectChip subject={{ kind: 'actor', id: content.actor.id }} name={chipName(content.actor.attributes)} />
          }
        >
          <ItemView item={content.item} />
        </Panel>
      )}
      <Panel
        title="Timeline"
        acts={
          <Checkbox.Group value={kinds} onChange={setKinds} aria-label="What the timeline shows">
            <div className="row wrap">
              {Object.entries(kindWords).map(([value, label]) => (
                <Checkbox key={value} value={value} label={label} />
              ))}
            </div>
          </Checkbox.Group>
        }
      >
        {points.length === 0 ? (
          <p className="faint small" style={{ margin: 0 }}>
            {entries.first || events.first ? 'Reading…' : 'Nothing is known yet.'}
          </p>
        ) : (
          <Timeline points={points} label={`Timeline of ${subject.id}`} />
        )}
        {entries.more || events.more ? (
          <Button
            variant="subtle"
            onClick={() => {
              entries.loadMore()
              events.loadMore()
            }}
          >
            Show older
          </Button>
        ) : null}
      </Panel>
    </>
  )
  const names = subject.kind === 'actor' ? namesFrom(events.items, subject.id) : {}
  if (!wide)
    return (
      <>
        {names.name === undefined && names.handle === undefined ? null : (
          <p className="row wrap" style={{ margin: '0 0 8px' }} dir="auto">
            {names.name === undefined ? null : <strong>{names.name}</strong>}
            {names.handle === undefined ? null : <span className="muted">@{names.handle}</span>}
          </p>
        )}
        {side}
        {main}
      </>
    )
  return (
    <div className="columns">
      <div>{main}</div>
      <div>{side}</div>
    </div>
  )
}

function Standing({ view }: { view: SubjectView }) {
  const weighty = view.standing.filter((standing) => standing.points > 0 || standing.level > 0)
  const [all, setAll] = useState(false)
  const shown = all ? view.standing : weighty
  return (
    <>
      <ul className="row-list">
        {shown.map((standing) => (
          <li key={standing.context}>
            <span className="row wrap">
              <span className="grow">{standing.title}</span>
              <span>{countOf(standing.points, 'point')}</span>
              <LevelBadge action={standing.action} />
            </span>
            <span className="small muted">
              {condense(standing.arithmetic)}
              {standing.spilled > 0 && standing.own > 0 ? ` (${standing.spilled} from other contexts)` : ''}
            </span>
          </li>
        ))}
      </ul>
      {weighty.length === view.standing.length ? null : (
        <Button variant="subtle" size="compact-xs" onClick={() => setAll(!all)} aria-expanded={all}>
          {all
            ? 'Only contexts with points'
            : weighty.length === 0
              ? `No points in any of ${view.standing.length} contexts`
              : `All ${view.standing.length} contexts`}
        </Button>
      )}
    </>
  )
}

function Decisions({ view }: { view: SubjectView }) {
  const url = useUrl()
  return (
    <Panel
      title="Decisions"
      acts={
        view.subject.kind === 'actor' && view.decisions.length > 0 ? (
          <Go to="/decisions" search={{ actor: view.subject.id }}>
            All
          </Go>
        ) : null
      }
    >
      {view.decisions.length === 0 ? (
        <p className="faint small" style={{ margin: 0 }}>
          None.
        </p>
      ) : (
        <ul className="row-list">
          {view.decisions.map((decision) => (
            <li key={decision.decisionId} className="row">
              <SeverityBadge severity={decision.severity} words={false} />
              <a
                className="grow clip"
                href={`/console/decisions/${decision.decisionId}`}
                onClick={(event) => {
                  if (event.metaKey || event.ctrlKey) return
                  event.preventDefault()
                  url.go(path`/decisions/${decision.decisionId}`)
                }}
              >
                {violationText(decision.violation)}
              </a>
              {decision.status === 'active' ? null : <DecisionStatus status={decision.status} />}
              <RelativeTime timeMs={decision.madeMs} className="faint small" />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
