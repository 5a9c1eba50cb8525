import { Button, SegmentedControl } from '@mantine/core'
import { IconInbox } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { getJob, listJobs, type JobSchema } from '../../../http/contract/jobs.ts'
import { listQueues } from '../../../http/contract/queues.ts'
import { prefetch, usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { path, useUrl } from '../../frame/url.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { questionWords, verdictWords } from './state.ts'

const columns: Column<JobSchema>[] = [
  {
    key: 'severity',
    title: 'Severity',
    width: '124px',
    narrow: '56px',
    cell: (job) =>
      job.severity === undefined ? <span className="faint">–</span> : <SeverityBadge severity={job.severity} />,
  },
  {
    key: 'what',
    title: 'Question',
    width: 'minmax(130px, 1fr)',
    cell: (job) => (
      <span>
        {job.violation?.replaceAll('_', ' ') ?? questionWords[job.question]}
        {job.verdict === undefined ? null : <span className="muted"> → {verdictWords[job.verdict]}</span>}
      </span>
    ),
  },
  {
    key: 'subject',
    title: 'About',
    width: 'minmax(120px, 220px)',
    cell: (job) => <SubjectChip subject={job.subject} />,
    wide: true,
  },
  {
    key: 'who',
    title: 'Account',
    width: 'minmax(100px, 180px)',
    wide: true,
    cell: (job) => (job.actorId === undefined ? null : <SubjectChip subject={{ kind: 'actor', id: job.actorId }} />),
  },
  {
    key: 'priority',
    title: 'Priority',
    width: '72px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (job) => job.priority.toLocaleString('en', { maximumFractionDigits: 2 }),
  },
  {
    key: 'since',
    title: 'Since',
    width: '88px',
    align: 'right',
    quiet: true,
    cell: (job) => <RelativeTime timeMs={job.createdAtMs} />,
  },
]

/** The jobs of one queue by falling priority. */
export function Screen() {
  const { queue } = useParams({ strict: false }) as { queue: string }
  const url = useUrl()
  const state = (url.search['state'] ?? 'open') as 'open' | 'decided' | 'withdrawn'
  const jobs = usePages(listJobs, { query: { queue, state } }, { everyMs: 5_000 })
  const queues = useRead(listQueues, {})
  const may = useMay('review:write')
  const view = queues.data?.items.find((each) => each.queue === queue)
  const next = () => url.go('/review/next', { queue })
  useKeys('Queue', [{ keys: 'n', does: 'Review the next job of this queue', run: next }])
  return (
    <Page
      title={view?.title ?? queue}
      crumbs={<Go to="/review">Queues</Go>}
      acts={
        may && view?.mine !== false ? (
          <Button variant="filled" onClick={next} disabled={view?.open === 0}>
            Review next job <KeyHint keys="n" />
          </Button>
        ) : null
      }
      filters={
        <SegmentedControl
          aria-label="State of the jobs"
          value={state}
          onChange={(value) => url.set({ state: value === 'open' ? undefined : value })}
          data={[
            { value: 'open', label: 'Open' },
            { value: 'decided', label: 'Decided' },
            { value: 'withdrawn', label: 'Withdrawn' },
          ]}
        />
      }
    >
      {jobs.first ? (
        <SkeletonRows what="jobs" />
      ) : jobs.error && jobs.items.length === 0 ? (
        <ErrorState what="Jobs" error={jobs.error} onRetry={jobs.refetch} />
      ) : (
        <VirtualTable
          rows={jobs.items}
          columns={columns}
          rowKey={(job) => job.jobId}
          label={`Jobs of ${view?.title ?? queue}`}
          onOpen={(job) => url.go(path`/review/jobs/${job.jobId}`)}
          onMark={(job) => prefetch(getJob, { params: { jobId: job.jobId } })}
          onNearEnd={jobs.loadMore}
          autoFocus
          empty={
            <EmptyState
              icon={<IconInbox size={20} aria-hidden />}
              title={state === 'open' ? 'Nothing waits here' : `No job was ${state} yet`}
              why={
                state === 'open'
                  ? 'Jobs appear when a rule proposes a violation for review, when somebody appeals, or when an overturn puts other decisions in doubt.'
                  : 'Jobs stay listed here once they are.'
              }
            />
          }
        />
      )}
    </Page>
  )
}
