import { Button } from '@mantine/core'
import { IconInbox } from '@tabler/icons-react'
import { listQueues, type QueueView } from '../../../http/contract/queues.ts'
import { myReviewStats } from '../../../http/contract/jobs.ts'
import { useRead } from '../../api.ts'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { spanText, useNow } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'

const columns: Column<QueueView>[] = [
  {
    key: 'title',
    title: 'Queue',
    width: 'minmax(140px, 1fr)',
    cell: (queue) => (
      <span className="row">
        <span className="clip" style={{ fontWeight: 500 }}>
          {queue.title}
        </span>
        {queue.mine ? null : <span className="faint small">not for your role</span>}
      </span>
    ),
  },
  { key: 'open', title: 'Open', width: '72px', align: 'right', cell: (queue) => queue.open.toLocaleString('en') },
  {
    key: 'claimed',
    title: 'In work',
    width: '72px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (queue) => queue.claimed.toLocaleString('en'),
  },
  {
    key: 'oldest',
    title: 'Oldest waits',
    width: '104px',
    align: 'right',
    quiet: true,
    cell: (queue) => (queue.oldestAgeMs === null ? '–' : spanText(queue.oldestAgeMs)),
  },
  {
    key: 'due',
    title: 'Next due',
    width: '120px',
    align: 'right',
    wide: true,
    cell: (queue) => <Due queue={queue} />,
  },
]

function Due({ queue }: { queue: QueueView }) {
  const now = useNow()
  if (queue.overdue > 0) return <Badge tone="attention">{queue.overdue.toLocaleString('en')} overdue</Badge>
  return (
    <span className="muted small">
      {queue.soonestDueMs === null ? '–' : `in ${spanText(queue.soonestDueMs - now)}`}
    </span>
  )
}

/** What waits for people, queue by queue, and one's own work of today. */
export function Screen() {
  const url = useUrl()
  const may = useMay('review:write')
  const queues = useRead(listQueues, {}, { everyMs: 5_000 })
  const mine = useRead(myReviewStats, { query: {} }, { enabled: may, everyMs: 30_000 })
  const waiting = queues.data?.items.reduce((sum, queue) => sum + (queue.mine ? queue.open : 0), 0) ?? 0
  const start = () => url.go('/review/next')
  useKeys('Queues', [{ keys: 'Enter', does: 'Review the next job of any queue', run: start }])
  return (
    <Page
      title="Queues"
      about="jobs that wait for a person"
      acts={
        may ? (
          <Button variant="filled" onClick={start} disabled={waiting === 0}>
            Review next job <KeyHint keys="Enter" />
          </Button>
        ) : null
      }
      filters={
        mine.data === undefined ? undefined : (
          <span className="muted small" role="status">
            Your last 24 h: {mine.data.decided} decided ({mine.data.violations} violations, {mine.data.noViolations}{' '}
            without, {mine.data.escalated} escalated), {spanText(mine.data.handlingMs)} of work
            {mine.data.medianHandlingMs === null ? '' : `, median ${spanText(mine.data.medianHandlingMs)} each`}
          </span>
        )
      }
    >
      {queues.isPending ? (
        <SkeletonRows rows={5} what="queues" />
      ) : queues.error ? (
        <ErrorState what="Queues" error={queues.error} onRetry={() => void queues.refetch()} />
      ) : (
        <VirtualTable
          rows={queues.data.items}
          columns={columns}
          rowKey={(queue) => queue.queue}
          label="Queues"
          rowPx={40}
          onOpen={(queue) => url.go(path`/review/queues/${queue.queue}`)}
          empty={
            <EmptyState
              icon={<IconInbox size={20} aria-hidden />}
              title="No queue yet"
              why="Queues appear when a rule sends something to people. The demo fills them within a minute."
            >
              <DemoButton />
              <Button onClick={() => url.go('/rules')}>Look at the rules</Button>
            </EmptyState>
          }
        />
      )}
    </Page>
  )
}
