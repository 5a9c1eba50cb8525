import { Button } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import {
  getClassifier,
  listClassifiers,
  moveClassifier,
  type ClassifierView,
} from '../../../http/contract/classifiers.ts'
import { useChange, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { countOf, countText, percentText } from '../../frame/time.ts'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { IntervalBar } from '../../parts/IntervalBar.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { wilson } from '../banks/state.ts'
import { ClassifierMode } from './ClassifierMode.tsx'
import { CalibrationPlot, ShapePlot } from './plots.tsx'
import { signedText } from './state.ts'
import './match.css'

type Mode = ClassifierView['mode']
const moves: Record<Mode, { act: string; key: string; undo: string }> = {
  live: { act: 'Let it judge', key: 'l', undo: 'It can go back to shadow at any time; decisions made meanwhile stay.' },
  shadow: { act: 'Back to shadow', key: 'w', undo: 'It can go live again at any time.' },
  retired: {
    act: 'Retire classifier',
    key: 'x',
    undo: 'It can be put back to shadow; its record stays in the ledger.',
  },
}

/** One classifier: why it may go live or not, how its probabilities held, against thresholds, and its inside. */
export function Screen() {
  const { classifierId } = useParams({ strict: false }) as { classifierId: string }
  const may = useMay('banks:write')
  const [asking, setAsking] = useState<Mode>()
  const read = useRead(getClassifier, { params: { classifierId } })
  const all = useRead(listClassifiers, {}, { staleMs: 30_000 })
  const move = useChange(moveClassifier, {
    touches: ['classifiers'],
    quiet: true,
    done: (now) =>
      `The ${now.scope} classifier v${now.version} is now ${now.mode === 'shadow' ? 'in shadow' : now.mode}`,
    onDone: () => setAsking(undefined),
  })
  const data = read.data
  const offered = (
    !may || data === undefined
      ? []
      : (['live', 'shadow', 'retired'] as const).filter(
          (mode) => mode !== data.mode && (mode !== 'live' || data.report.beatsThresholds),
        )
  ) as Mode[]
  useKeys(
    'Classifier',
    offered.map((mode) => ({ keys: moves[mode].key, does: moves[mode].act, run: () => setAsking(mode) })),
  )
  if (data === undefined)
    return read.error ? (
      <Page title="Classifier" crumbs={<Go to="/match/classifiers">Classifiers</Go>}>
        <ErrorState what="Classifier" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    ) : (
      <SkeletonPage what="classifier" />
    )
  const { report, shapes } = data
  const live = all.data?.items.find(
    (each) => each.mode === 'live' && each.scope === data.scope && each.classifierId !== classifierId,
  )
  const heights = shapes.flatMap(({ points, missing }) => [missing, ...points.map(({ logOdds }) => logOdds)])
  const [low, high] = [Math.min(0, ...heights), Math.max(0, ...heights)]
  return (
    <Page
      title={`${data.scope} v${data.version}`}
      crumbs={<Go to="/match/classifiers">Classifiers</Go>}
      about={
        <span className="row" style={{ display: 'inline-flex' }}>
          <ClassifierMode mode={data.mode} /> trained <RelativeTime timeMs={data.trainedMs} />
        </span>
      }
      acts={offered.map((mode) => (
        <Button key={mode} variant={mode === 'live' ? 'filled' : 'default'} onClick={() => setAsking(mode)}>
          {moves[mode].act} <KeyHint keys={moves[mode].key} />
        </Button>
      ))}
      scroll
    >
      <p className="verdict" data-better={report.beatsThresholds ? '' : undefined}>
        <strong>{report.beatsThresholds ? 'It may go live.' : 'It stays in shadow.'}</strong> {report.verdict}
      </p>
      <div className="columns even">
        <div>
          <Panel title="When it says a share, how often does it hold?">
            <CalibrationPlot calibration={report.calibration} />
            <p className="faint small" style={{ margin: '8px 0 0' }}>
              Dots on the dashed line are right. Their size is the number of pairs, the line through them the 95 %
              interval. On average it is off by {percentText(report.calibrationError)}.
            </p>
          </Panel>
        </div>
        <div>
          <Panel title="Against thresholds alone, on pairs that it had not seen">
            <Against report={report} />
          </Panel>
          <Panel title="Measures">
            <EvidenceList
              facts={[
                [
                  'In the right order',
                  `${percentText(report.auc)} of pairs of pairs: one of the same content scores above one that is not (AUC)`,
                ],
                [
                  'Gain',
                  `${signedText(report.gain.mean)} of log loss a pair against thresholds, at least ${signedText(report.gain.low)} (one-sided 95 %)`,
                ],
                ['Log loss', `${report.logLoss.toFixed(3)}; thresholds ${report.thresholds.logLoss.toFixed(3)}`],
                ['Brier score', report.brier.toFixed(3)],
                [
                  'Learnt from',
                  `${countOf(report.pairs.same, 'pair')} of the same content, ${countText(report.pairs.different)} of different, ${countText(report.pairs.background)} unrelated`,
                ],
                ['Measured', `${report.folds} times, each on entries left out of the training`],
              ]}
            />
          </Panel>
        </div>
      </div>
      <Panel title="What each signal adds, from unlike (left) to alike (right)">
        <div className="shapes">
          {shapes
            .toSorted((a, b) => (b.points.at(-1)?.logOdds ?? 0) - (a.points.at(-1)?.logOdds ?? 0))
            .map((shape) => (
              <ShapePlot key={shape.feature} shape={shape} low={low} high={high} />
            ))}
        </div>
        <p className="faint small" style={{ margin: '8px 0 0' }}>
          In log-odds, all on one scale; an average pair begins at {signedText(data.intercept)}. The ring at the left is
          what a missing signal adds. No line ever falls: nearer never means less likely the same.
        </p>
      </Panel>
      {asking === undefined ? null : (
        <ConfirmWithPreview
          opened
          onClose={() => setAsking(undefined)}
          title={`${moves[asking].act}: ${data.scope} v${data.version}`}
          act={moves[asking].act}
          busy={move.isPending}
          error={move.error}
          undo={moves[asking].undo}
          reason={{ label: 'Reason', required: true, placeholder: 'Kept in the ledger' }}
          onConfirm={(reason) => move.mutate({ params: { classifierId }, body: { mode: asking, reason } })}
        >
          <p style={{ margin: 0 }}>{followsText(asking, data, live)}</p>
          {asking === 'live' ? (
            <p className="muted" style={{ margin: '8px 0 0' }}>
              {report.verdict}
            </p>
          ) : null}
        </ConfirmWithPreview>
      )}
    </Page>
  )
}

function followsText(to: Mode, one: ClassifierView, live: ClassifierView | undefined): string {
  if (to === 'live')
    return `From the next event on, its probability is the confidence of every ${one.scope === 'composite' ? '' : `${one.scope} `}match, which rules read. ${live === undefined ? 'Until now the distance alone says it.' : `It takes the place of v${live.version}, which goes to shadow.`} Thresholds still say what is looked at in the first place.`
  const after = one.mode === 'live' ? ' Distances alone say the confidence of matches again.' : ''
  return to === 'shadow'
    ? `Its answer is kept beside each match and changes nothing.${after}`
    : `It is not asked any more.${after}`
}

/** Precision at the same recall: the thresholds, and the classifier. */
function Against({ report }: { report: ClassifierView['report'] }) {
  const { precision, recall } = report.thresholds
  const found = Math.round(recall * report.pairs.same)
  const share = (value: number) => {
    const flagged = value === 0 ? 0 : Math.round(found / value)
    return { ...wilson(Math.min(found, flagged), flagged), of: flagged }
  }
  const [before, now] = [share(precision), share(report.precisionAtSameRecall)]
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th>Where both find {percentText(recall)} of the same content</th>
          <th>are right</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <td>Thresholds</td>
          <td>
            <IntervalBar
              label="Precision of thresholds"
              estimate={precision}
              low={before.low}
              high={before.high}
              of={before.of}
              width={120}
            />
          </td>
        </tr>
        <tr>
          <td>This classifier</td>
          <td>
            <IntervalBar
              label="Precision of the classifier"
              estimate={report.precisionAtSameRecall}
              low={now.low}
              high={now.high}
              of={now.of}
              width={120}
            />
          </td>
        </tr>
      </tbody>
    </table>
  )
}
