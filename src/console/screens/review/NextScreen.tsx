import { Button } from '@mantine/core'
import { IconChecks } from '@tabler/icons-react'
import { useEffect, useEffectEvent, useState } from 'react'
import { getJob, nextJob } from '../../../http/contract/jobs.ts'
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
  const [state, setState] = useState<{ empty: boolean; error?: unknown }>()
  const [attempt, setAttempt] = useState(0)
  const take = useEffectEvent(async (stale: () => boolean) => {
    try {
      const { job } = await client.call(nextJob, { body: queue === undefined ? {} : { queue } })
      if (stale()) return
      if (job === null) return setState({ empty: true })
      queries.setQueryData(keyOf(getJob, { params: { jobId: job.job.jobId } }), job)
      url.replace(path`/review/jobs/${job.job.jobId}`, { queue })
    } catch (error) {
      if (!stale()) setState({ empty: false, error })
    }
  })
  useEffect(() => {
    let gone = false
    void take(() => gone)
    return () => {
      gone = true
    }
  }, [attempt])
  if (state?.error !== undefined)
    return (
      <Page title="Next job">
        <ErrorState
          what="Next job"
          error={state.error}
          onRetry={() => {
            setState(undefined)
            setAttempt(attempt + 1)
          }}
        />
      </Page>
    )
  if (state?.empty)
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
