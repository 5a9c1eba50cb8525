import { Button } from '@mantine/core'
import { useState } from 'react'
import { countText, useNow } from '../../frame/time.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { Diff } from '../../parts/Diff.tsx'
import { EventLink } from '../../parts/EventLink.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { IntervalBar } from '../../parts/IntervalBar.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { Delta, Sparkline } from '../../parts/Sparkline.tsx'
import { ModeBadge } from './ModeBadge.tsx'
import type { RuleDetail } from './RuleScreen.tsx'
import { hourly } from './state.ts'

const days = 3

/** What a rule did: hits over time, what people made of its proposals, and the newest events that it hit. */
export function RuleRecord({ detail }: { detail: RuleDetail }) {
  const { rule, hours, samples } = detail
  const now = useNow()
  const { now: hits, before } = hourly(hours, now, days * 24)
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0)
  const { standing } = rule
  const judged = standing.stood + standing.overturned + standing.dismissed
  return (
    <div className="stack" style={{ gap: 16 }}>
      <section>
        <h3>Hits per hour, last {days} days</h3>
        <Sparkline
          values={hits}
          before={before}
          label={`Hits of ${rule.id} per hour, last ${days} days; dashed: the ${days} days before`}
          width={300}
          height={48}
        />
        <div className="row small">
          <strong>{countText(sum(hits))}</strong>{' '}
          <Delta now={sum(hits)} before={sum(before)} period={`${days} days before`} />
        </div>
      </section>
      <section>
        <h3>Judged by people</h3>
        <EvidenceList
          facts={[
            [
              'Right',
              <IntervalBar
                key="p"
                label="Precision"
                estimate={standing.precision}
                low={standing.interval?.[0]}
                high={standing.interval?.[1]}
                of={judged}
                unknown="nobody has looked yet"
                width={110}
              />,
            ],
            ['Proposals', `${countText(standing.proposals)}, ${countText(standing.open)} wait`],
            ['Confirmed', countText(standing.confirmed)],
            ['Dismissed', countText(standing.dismissed)],
            ['Decisions', `${countText(standing.decisions)}, ${countText(standing.overturned)} overturned`],
          ]}
        />
      </section>
      <section>
        <h3>About</h3>
        <EvidenceList
          facts={[
            ['What for', rule.description],
            ['Owner', rule.owner],
            ['Reads', rule.on.join(', ')],
            ['Quota', rule.quota === null ? undefined : `${countText(rule.quota)} hits per hour, then shadow`],
            ['Cost', `at most ${countText(rule.cost)} steps per event`],
            ['Changed', <RelativeTime key="c" timeMs={rule.changedMs} />],
          ]}
        />
      </section>
      <section>
        <h3>Newest hits</h3>
        {samples.length === 0 ? (
          <p className="faint small">It has not hit yet.</p>
        ) : (
          <ul className="rule-samples">
            {samples.slice(0, 20).map((sample) => (
              <li key={`${sample.eventId}-${sample.version}`}>
                <span className="row">
                  <EventLink eventId={sample.eventId} />
                  <span className="faint small">v{sample.version}</span>
                  <RelativeTime timeMs={sample.occurredAtMs} className="faint small" />
                </span>
                <span className="small muted">{sample.because}</span>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  )
}

/** All versions, newest first, each with its difference to the one before. */
export function RuleVersions({
  detail,
  onRollBack,
  onTake,
}: {
  detail: RuleDetail
  onRollBack?: (version: number) => void
  onTake?: (text: string) => void
}) {
  const versions = [...detail.versions].sort((a, b) => b.version - a.version)
  const [open, setOpen] = useState<number>()
  return (
    <ul className="rule-samples">
      {versions.map((version, index) => (
        <li key={version.version}>
          <div className="row wrap">
            <strong>v{version.version}</strong>
            <ModeBadge mode={version.mode} />
            <span className="small muted">
              <AuthorName author={version.author} />
            </span>
            <RelativeTime timeMs={version.publishedMs} className="faint small" />
          </div>
          <div className="row wrap" style={{ marginTop: 4 }}>
            <IntervalBar
              label={`Precision of v${version.version}`}
              estimate={version.standing.precision}
              low={version.standing.interval?.[0]}
              high={version.standing.interval?.[1]}
            />
            <Button
              size="compact-xs"
              variant="subtle"
              aria-expanded={open === version.version}
              onClick={() => setOpen(open === version.version ? undefined : version.version)}
            >
              {open === version.version ? 'Hide' : 'Show'} changes
            </Button>
            {onTake === undefined || version.version === detail.rule.version ? null : (
              <Button size="compact-xs" variant="subtle" onClick={() => onTake(version.text)}>
                Edit from here
              </Button>
            )}
            {onRollBack === undefined || version.version === detail.rule.version ? null : (
              <Button size="compact-xs" variant="subtle" onClick={() => onRollBack(version.version)}>
                Roll back to it
              </Button>
            )}
          </div>
          {open === version.version ? (
            <Diff
              before={versions[index + 1]?.text ?? ''}
              after={version.text}
              label={`What v${version.version} changed`}
            />
          ) : null}
        </li>
      ))}
    </ul>
  )
}
