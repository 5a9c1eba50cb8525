import { Button } from '@mantine/core'
import { IconChartDots, IconSchool } from '@tabler/icons-react'
import { listClassifiers, trainClassifier, type ClassifierView } from '../../../http/contract/classifiers.ts'
import { problemOf, problemText, useChange, useRead } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { Go } from '../../frame/Go.tsx'
import { useMay } from '../../frame/session.tsx'
import { countOf, countText, percentText } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { ClassifierMode } from './ClassifierMode.tsx'
import { MatchTabs } from './MatchTabs.tsx'

type Scope = ClassifierView['scope']
const scopes: { scope: Scope; says?: string }[] = [
  { scope: 'photo' },
  { scope: 'video' },
  { scope: 'audio' },
  { scope: 'text' },
  { scope: 'link' },
  { scope: 'composite', says: 'the whole post or ad' },
]
const pairsMin = 20

/** The similarity classifiers: what there is to learn from, training, and every version with what it was worth. */
export function Screen() {
  const url = useUrl()
  const may = useMay('banks:write')
  const read = useRead(listClassifiers, {}, { everyMs: 15_000 })
  const train = useChange(trainClassifier, {
    touches: ['classifiers'],
    done: (made) => `The ${made.scope} classifier v${made.version} was trained; it watches in shadow`,
    onDone: (made) => url.go(path`/match/classifiers/${made.classifierId}`),
    quiet: true,
  })
  useCommands(
    may
      ? scopes.map(({ scope }) => ({
          id: `train-${scope}`,
          title: `Train a ${scope} classifier`,
          icon: IconSchool,
          run: () => train.mutate({ body: { scope } }),
        }))
      : [],
  )
  if (read.data === undefined)
    return read.error ? (
      <Page title="Match" filters={<MatchTabs />}>
        <ErrorState what="Classifiers" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    ) : (
      <SkeletonPage what="classifiers" />
    )
  const { items, pairs } = read.data
  const refused = train.error === null ? undefined : problemOf(train.error)
  return (
    <Page
      title="Match"
      about="one probability from all signals, learnt from your people"
      filters={<MatchTabs />}
      scroll
    >
      <div className="columns">
        <div>
          {items.length === 0 ? (
            <Panel>
              <EmptyState
                icon={<IconChartDots size={20} aria-hidden />}
                title="No classifier yet"
                why={`A threshold asks one signal; a classifier weighs all of them and says how sure it is. It learns from pairs that people compared: ${pairsMin} of the same content and ${pairsMin} of different content are enough to begin.`}
              >
                <Button onClick={() => url.go('/match/pairs')}>Judge pairs</Button>
              </EmptyState>
            </Panel>
          ) : (
            <Panel title="Every version" flush>
              <div className="table-scroll" tabIndex={0} role="region" aria-label="Versions of classifiers">
                <table className="plain-table">
                  <thead>
                    <tr>
                      <th>Classifier</th>
                      <th>Mode</th>
                      <th>Against thresholds, on unseen pairs</th>
                      <th className="num">In the right order</th>
                      <th className="num">Trained</th>
                    </tr>
                  </thead>
                  <tbody>
                    {items.map((each) => (
                      <tr key={each.classifierId}>
                        <td>
                          <Go to={path`/match/classifiers/${each.classifierId}`}>
                            {each.scope} v{each.version}
                          </Go>
                        </td>
                        <td>
                          <ClassifierMode mode={each.mode} />
                        </td>
                        <td>
                          {each.report.beatsThresholds ? (
                            'better'
                          ) : (
                            <span className="muted">not shown to be better</span>
                          )}
                        </td>
                        <td className="num">{percentText(each.report.auc)}</td>
                        <td className="num muted">
                          <RelativeTime timeMs={each.trainedMs} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Panel>
          )}
        </div>
        <div>
          <Panel title="What there is to learn from" acts={<Go to="/match/pairs">Judge pairs</Go>}>
            <PairCounts {...pairs} />
          </Panel>
          {may ? (
            <Panel title="Train">
              <ul className="row-list">
                {scopes.map(({ scope, says }) => (
                  <li key={scope} className="row">
                    <span className="grow">
                      {scope} <span className="faint small">{says}</span>
                    </span>
                    <Button
                      aria-label={`Train a ${scope} classifier`}
                      loading={train.isPending && train.variables?.body.scope === scope}
                      disabled={train.isPending}
                      onClick={() => train.mutate({ body: { scope } })}
                    >
                      Train
                    </Button>
                  </li>
                ))}
              </ul>
              <p role="status" className="small" style={{ margin: '8px 0 0' }}>
                {refused === undefined ? (
                  <span className="muted">
                    A new classifier begins in shadow: it changes nothing until it goes live.
                  </span>
                ) : (
                  <>
                    <strong>{refused.title}.</strong> {problemText(train.error)}
                  </>
                )}
              </p>
            </Panel>
          ) : null}
        </div>
      </div>
    </Page>
  )
}

/** How many pairs people judged, and how many wait, as one bar. */
export function PairCounts({ open, same, different }: { open: number; same: number; different: number }) {
  const judged = same + different
  return (
    <div className="stack" style={{ gap: 6 }}>
      <span className="pair-bar" role="img" aria-label={`${same} the same, ${different} different, ${open} not judged`}>
        <i data-part="same" style={{ flexGrow: same }} />
        <i data-part="different" style={{ flexGrow: different }} />
        <i data-part="open" style={{ flexGrow: open }} />
      </span>
      <span className="small">
        <strong>{countText(same)}</strong> the same, <strong>{countText(different)}</strong> different,{' '}
        <span className="muted">{countOf(open, 'pair')} to judge</span>
      </span>
      {same < pairsMin || different < pairsMin ? (
        <span className="faint small">
          Training needs {pairsMin} of each kind and part
          {judged === 0 ? '; verdicts on proposals count by half.' : '.'}
        </span>
      ) : null}
    </div>
  )
}
