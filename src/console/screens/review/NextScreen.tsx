import { Button } from '@mantine/core'
import { IconChecks } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useEffectEvent } from 'react'
import { getJob, nextJob, type JobView } from '../../../http/contract/jobs.ts'
import { client, keyOf, queries } from '../../api.ts'
import { path, useUrl } from '../../frame/url.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page } from '../../parts/Page.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'

/** Takes the next job and goes to it. The address of the job replaces this one, so that Back leads out of the queue. */
export function Screen() {
  const url = useUrl()
  const queue = url.search['queue']
  const next = useQuery({
    queryKey: ['take next job', queue ?? null],
    queryFn: () => client.call(nextJob, { body: queue === undefined ? {} : { queue } }),
    // Each visit takes a job; an answer of an earlier visit is of no use.
    gcTime: 0,
    staleTime: 0,
    refetchOnWindowFocus: false,
    retry: false,
  })
  const job = next.data?.job
  const show = useEffectEvent((view: JobView) => {
    queries.setQueryData(keyOf(getJob, { params: { jobId: view.job.jobId } }), view)
    url.replace(path`/review/jobs/${view.job.jobId}`, { queue })
  })
  useEffect(() => {
    if (job !== undefined && job !== null) show(job)
  }, [job])
  if (next.error)
    return (
      <Page title="Next job">
        <ErrorState what="Next job" error={next.error} onRetry={() => void next.refetch()} />
      </Page>
    )
  if (job === null)
    return (
      <Page title="Next job">
        <EmptyState
          icon={<IconChecks size={20} aria-hidden />}
          title="Nothing waits for you"
          why="All jobs that you may take are done, or in the hands of others. New ones appear on the queues by themselves."
        >
          <Button onClick={() => url.go('/review')}>Back to the queues</Button>
        </EmptyState>
      </Page>
    )
  return <SkeletonPage what="next job" />
}
