import { Button } from '@mantine/core'
import { IconClock } from '@tabler/icons-react'
import { listExchangeRuns, type ExchangeRun } from '../../../http/contract/exchanges.ts'
import { usePages } from '../../api.ts'
import { countOf, spanText } from '../../frame/time.ts'
import { Badge } from '../../parts/Badge.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { ProgressBar } from '../banks/ProgressBar.tsx'
import { countsText, runWords, triggerWords } from './state.ts'

const tones = { running: 'accent', done: 'plain', failed: 'attention', stopped: 'plain' } as const

/** Runs, newest first: what came, what was left out and why, and what went wrong, in words. */
export function Runs({ exchangeId, fast }: { exchangeId: string; fast: boolean }) {
  const runs = usePages(listExchangeRuns, { params: { exchangeId } }, { limit: 50, everyMs: fast ? 700 : 3_000 })
  if (runs.first) return <SkeletonRows what="runs" rows={3} />
  if (runs.error && runs.items.length === 0) return <ErrorState what="Runs" error={runs.error} onRetry={runs.refetch} />
  if (runs.items.length === 0)
    return (
      <EmptyState
        icon={<IconClock size={20} aria-hidden />}
        title="It has not run yet"
        why="Look at what would come first. Then fetch now, or resume it so that it runs by the clock; each run is listed here."
      />
    )
  return (
    <>
      <ul className="imports" aria-label="Runs, newest first">
        {runs.items.map((run) => (
          <li key={run.runId} className="panel">
            <Run run={run} />
          </li>
        ))}
      </ul>
      {runs.more ? <Button onClick={runs.loadMore}>Show older runs</Button> : null}
    </>
  )
}

function Run({ run }: { run: ExchangeRun }) {
  const left = run.estimate ?? 0
  const all = run.counts.received + left
  return (
    <>
      <div className="row wrap import-head">
        <RelativeTime timeMs={run.startedMs} />
        <Badge tone={tones[run.state]}>{runWords[run.state]}</Badge>
        <span className="grow muted small">
          {triggerWords[run.trigger]}
          {run.endedMs === null ? '' : `, took ${spanText(run.endedMs - run.startedMs)}`}, {countOf(run.pages, 'page')}
        </span>
      </div>
      {run.state === 'running' ? (
        <ProgressBar
          label="Run"
          share={left > 0 ? run.counts.received / all : 0.5}
          text={
            left > 0
              ? `${run.counts.received.toLocaleString('en')} of about ${countOf(all, 'record')}`
              : `${countOf(run.counts.received, 'record')} so far; how many are to come is not told`
          }
        />
      ) : null}
      <p className="small import-text">{countsText(run.counts)}</p>
      {run.error === null ? null : (
        <p className="small import-text" style={{ color: 'var(--attention)' }}>
          {run.error}
        </p>
      )}
      {Object.keys(run.unsupported).length === 0 ? null : (
        <p className="small muted import-text">
          Nothing here matches:{' '}
          {Object.entries(run.unsupported)
            .map(([kind, count]) => `${kind} (${count.toLocaleString('en')})`)
            .join(', ')}
        </p>
      )}
      {run.notes.map((note) => (
        <p key={note} className="small muted import-text">
          {note}
        </p>
      ))}
    </>
  )
}
