import { SegmentedControl } from '@mantine/core'
import { IconChartDots } from '@tabler/icons-react'
import { getAccuracy, type Accuracy, type Proportion } from '../../../http/contract/insight.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countText } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { IntervalBar } from '../../parts/IntervalBar.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'

function Share({ of: proportion, label }: { of: Proportion; label: string }) {
  return (
    <IntervalBar
      label={label}
      estimate={proportion.share}
      low={proportion.low}
      high={proportion.high}
      of={proportion.of}
      width={120}
    />
  )
}

/** How right the system is, against a truth that it never sees: precision and recall, each with its interval. */
export function Screen() {
  const url = useUrl()
  const read = useRead(getAccuracy, {}, { everyMs: 15_000 })
  const made = url.search['count'] !== 'standing'
  if (read.data === undefined)
    return read.error ? (
      <Page title="Insight">
        <ErrorState what="Insight" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    ) : (
      <SkeletonPage what="insight" />
    )
  const accuracy = read.data
  if (accuracy.knownEvents === 0)
    return (
      <Page title="Insight">
        <EmptyState
          icon={<IconChartDots size={20} aria-hidden />}
          title="No truth to measure against"
          why="Precision and recall need events of which somebody knows what they really were. The simulated platform of the demo keeps that truth apart from everything the rules see."
        >
          <DemoButton />
        </EmptyState>
      </Page>
    )
  return (
    <Page
      title="Insight"
      about={`against the truth of ${countText(accuracy.knownEvents)} simulated events`}
      acts={
        <SegmentedControl
          aria-label="Which decisions count"
          value={made ? 'made' : 'standing'}
          onChange={(value) => url.set({ count: value === 'made' ? undefined : value })}
          data={[
            { value: 'made', label: 'As first made' },
            { value: 'standing', label: 'After appeals' },
          ]}
        />
      }
      scroll
    >
      <div className="columns even">
        <div>
          <Rows
            title="Precision: of what was decided, how much was right"
            rows={made ? accuracy.byViolation.made : accuracy.byViolation.standing}
            first="Violation"
          />
          <Rows title="By who decided" rows={made ? accuracy.byWay.made : accuracy.byWay.standing} first="Way" />
          <Rows title="By label" rows={accuracy.byLabel} first="Label" />
        </div>
        <div>
          <Panel title="Recall: of what was wrong, how much was found" flush>
            <div className="table-scroll">
              <table className="plain-table">
                <thead>
                  <tr>
                    <th>Violation</th>
                    <th>Of events</th>
                    <th>Of accounts</th>
                  </tr>
                </thead>
                <tbody>
                  {accuracy.recall.map((row) => (
                    <tr key={row.violation}>
                      <td>{row.violation.replaceAll('_', ' ')}</td>
                      <td>
                        <Share of={row.events} label={`Recall of ${row.violation}, events`} />
                      </td>
                      <td>
                        <Share of={row.accounts} label={`Recall of ${row.violation}, accounts`} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </Panel>
          <Panel title="Innocent accounts that were decided against">
            <Share of={accuracy.innocent} label="Share of innocent accounts with a decision against them" />
            <p className="small muted" style={{ margin: '8px 0 0' }}>
              Accounts that did nothing wrong in truth, of all such accounts that were active.
            </p>
          </Panel>
          <Rows
            title="By rule"
            rows={accuracy.byRule}
            first="Rule"
            link={(name) => path`/rules/${name.replace(/[@ ].*$/, '')}`}
          />
        </div>
      </div>
    </Page>
  )
}

function Rows({
  title,
  rows,
  first,
  link,
}: {
  title: string
  rows: Accuracy['byRule']
  first: string
  link?: (name: string) => string
}) {
  return (
    <Panel title={title} flush>
      {rows.length === 0 ? (
        <p className="faint small" style={{ margin: 0, padding: 12 }}>
          Nothing yet.
        </p>
      ) : (
        <div className="table-scroll">
          <table className="plain-table">
            <thead>
              <tr>
                <th>{first}</th>
                <th>Right</th>
                <th className="num">Wrong</th>
                <th className="num" title="Violating, but in another way than was said">
                  Other violation
                </th>
                <th className="num" title="No truth is known; left out">
                  Unknown
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.name}>
                  <td>
                    {link === undefined ? row.name.replaceAll('_', ' ') : <Go to={link(row.name)}>{row.name}</Go>}
                  </td>
                  <td>
                    <Share of={row.precision} label={`Precision of ${row.name}`} />
                  </td>
                  <td className="num">{countText(row.wrong)}</td>
                  <td className="num muted">{countText(row.otherViolation)}</td>
                  <td className="num muted">{countText(row.unknown)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}
