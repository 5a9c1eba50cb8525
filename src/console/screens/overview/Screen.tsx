import { Button, SegmentedControl } from '@mantine/core'
import { IconRocket } from '@tabler/icons-react'
import { useMemo } from 'react'
import { getOverview, type Overview } from '../../../http/contract/insight.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { countText, percentText, spanText, useNow } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { automationText } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { Chart } from '../../parts/Chart.tsx'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { IntervalBar } from '../../parts/IntervalBar.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { Delta, Sparkline } from '../../parts/Sparkline.tsx'
import { RuleActivity } from './RuleActivity.tsx'
import { SystemParts } from './SystemParts.tsx'
import { isEmpty, periods, tiles } from './state.ts'
import './overview.css'

/** What happens right now, against the period before. */
export function Screen() {
  const url = useUrl()
  const period = (url.search['period'] ?? '24h') as Overview['period']
  const read = useRead(getOverview, { query: { period } }, { everyMs: 5_000, keep: true })
  useKeys('Overview', [
    { keys: '1', does: 'Last hour', run: () => url.set({ period: '1h' }) },
    { keys: '2', does: 'Last 24 hours', run: () => url.set({ period: undefined }) },
    { keys: '3', does: 'Last 7 days', run: () => url.set({ period: '7d' }) },
  ])
  if (read.data === undefined)
    return read.error ? (
      <Page title="Overview">
        <ErrorState what="Overview" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    ) : (
      <SkeletonPage what="overview" />
    )
  if (period === '7d' ? isEmpty(read.data) : isEmpty(read.data) && read.data.eventsPerSecond === 0)
    return <EmptyOverview onLookBack={period === '7d' ? undefined : () => url.set({ period: '7d' })} />
  return (
    <Page
      title="Overview"
      about={
        <>
          <strong>{read.data.eventsPerSecond.toLocaleString('en', { maximumFractionDigits: 1 })}</strong> events per
          second over the last minute
        </>
      }
      acts={
        <SegmentedControl
          aria-label="Period"
          value={period}
          onChange={(value) => url.set({ period: value === '24h' ? undefined : value })}
          data={[
            { value: '1h', label: '1 hour' },
            { value: '24h', label: '24 hours' },
            { value: '7d', label: '7 days' },
          ]}
        />
      }
      scroll
    >
      <Numbers overview={read.data} />
    </Page>
  )
}

function Numbers({ overview }: { overview: Overview }) {
  const words = periods[overview.period]
  const { fromMs, bucketMs } = overview
  const length = overview.series.events.now.length
  const times = useMemo(
    () => Array.from({ length }, (_, index) => fromMs + (index + 0.5) * bucketMs),
    [fromMs, bucketMs, length],
  )
  const names = useMemo<[string, string]>(() => [words.now, words.before], [words])
  return (
    <>
      <div className="tiles">
        {tiles.map(({ measure, title, to }) => {
          const [where, query] = to.split('?')
          return (
            <Go
              key={measure}
              className="tile"
              to={where!}
              search={Object.fromEntries(new URLSearchParams(query ?? ''))}
            >
              <span className="tile-title">{title}</span>
              <span className="row">
                <span className="tile-number">{countText(overview.totals[measure].now)}</span>
                <span className="grow" />
                <Sparkline
                  values={overview.series[measure].now}
                  before={overview.series[measure].before}
                  label={`${title}, ${words.now}; dashed: ${words.before}`}
                  width={84}
                  height={26}
                />
              </span>
              <Delta
                now={overview.totals[measure].now}
                before={overview.totals[measure].before}
                period={words.before}
              />
            </Go>
          )
        })}
      </div>
      <div className="columns">
        <div>
          <Panel title={`Events per ${bucketWords(bucketMs)}`}>
            <Chart
              timesMs={times}
              values={overview.series.events.now}
              before={overview.series.events.before}
              label={`Events per ${bucketWords(bucketMs)}, ${words.now}, with the ${words.before}`}
              names={names}
            />
          </Panel>
          <RuleActivity />
        </div>
        <div>
          <Queues overview={overview} />
          <Panel title={`Decisions, ${words.now}`}>
            {overview.decisions.length === 0 ? (
              <p className="faint small" style={{ margin: 0 }}>
                None was made.
              </p>
            ) : (
              <table className="plain-table flush">
                <tbody>
                  {overview.decisions.map((row) => (
                    <tr key={row.automation}>
                      <td>{automationText(row.automation)}</td>
                      <td className="num">{countText(row.made)}</td>
                      <td className="num small muted">
                        {row.made === 0
                          ? ''
                          : `${countText(row.reversed)} reversed (${percentText(row.reversed / row.made)})`}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
            <div className="row wrap" style={{ marginTop: 8 }}>
              <span className="small muted">Appeals that were granted</span>
              <IntervalBar
                label="Share of decided appeals that changed the decision"
                estimate={overview.overturned.share}
                low={overview.overturned.low}
                high={overview.overturned.high}
                of={overview.overturned.of}
              />
            </div>
          </Panel>
          <SystemParts />
        </div>
      </div>
    </>
  )
}

function Queues({ overview }: { overview: Overview }) {
  const now = useNow()
  return (
    <Panel title="Waiting for people" flush>
      {overview.queues.length === 0 ? (
        <p className="faint small" style={{ padding: 12, margin: 0 }}>
          Nothing waits.
        </p>
      ) : (
        <table className="plain-table">
          <thead>
            <tr>
              <th>Queue</th>
              <th className="num">Open</th>
              <th className="num">Oldest waits</th>
            </tr>
          </thead>
          <tbody>
            {overview.queues.map((queue) => (
              <tr key={queue.queue}>
                <td>
                  <Go to={path`/review/queues/${queue.queue}`}>{queue.queue.replaceAll('_', ' ')}</Go>{' '}
                  {queue.overdue > 0 ? <Badge tone="attention">{queue.overdue} overdue</Badge> : null}
                </td>
                <td className="num">{countText(queue.open)}</td>
                <td className="num muted small">{queue.oldestMs === null ? '–' : spanText(now - queue.oldestMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  )
}

function bucketWords(bucketMs: number): string {
  return bucketMs >= 3_600_000 && bucketMs % 3_600_000 === 0
    ? bucketMs === 3_600_000
      ? 'hour'
      : `${bucketMs / 3_600_000} h`
    : bucketMs === 60_000
      ? 'minute'
      : spanText(bucketMs)
}

function EmptyOverview({ onLookBack }: { onLookBack?: () => void }) {
  const url = useUrl()
  return (
    <Page title="Overview" scroll>
      <div className="welcome">
        <EmptyState
          icon={<IconRocket size={20} aria-hidden />}
          title="Nothing has happened yet"
          why="Here you will see what your platform sends, what rules and banks find in it, what was decided, and what turned out to be wrong. The demo fills every screen within a minute, from a simulated platform whose truth is known."
        >
          <DemoButton large />
        </EmptyState>
        <ol className="welcome-steps">
          <li>
            <h2>Send events</h2>
            <p>
              Make an API key and post to <code>/v1/events</code>, or run <code>custos ingest PATH</code> on files that
              you have.
            </p>
            <Button onClick={() => url.go('/people', { tab: 'keys' })}>Make an API key</Button>
          </li>
          <li>
            <h2>Say what is known</h2>
            <p>
              Put photos and texts that you never want to see again into a bank; copies and edits of them are found.
            </p>
            <Button onClick={() => url.go('/banks', { new: 'bank' })}>Create a bank</Button>
          </li>
          <li>
            <h2>Write a rule</h2>
            <p>Begin in shadow: it counts what it would have done, and acts when you say so.</p>
            <Button onClick={() => url.go('/rules/new')}>Write a rule</Button>
          </li>
        </ol>
        {onLookBack === undefined ? null : (
          <p className="small muted" style={{ textAlign: 'center' }}>
            Only the last 24 hours are looked at here.{' '}
            <Button variant="subtle" size="compact-xs" onClick={onLookBack}>
              Look at the last 7 days
            </Button>
          </p>
        )}
      </div>
    </Page>
  )
}
