import { Button } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import {
  claimJob,
  decideJob,
  getJob,
  heartbeatJob,
  listJobs,
  nextJob,
  releaseJob,
  skipJob,
  type JobView,
} from '../../../http/contract/jobs.ts'
import { client, keyOf, prefetch, problemOf, problemText, queries, useChange, usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useNamed } from '../../frame/people.ts'
import { useMay } from '../../frame/session.tsx'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { JobContent } from './JobContent.tsx'
import { JobDecision } from './JobDecision.tsx'
import {
  actText,
  choicesOf,
  needsNote,
  questionWords,
  sameDraft,
  verdictBody,
  verdictWords,
  type Draft,
} from './state.ts'
import './review.css'

const heartbeatMs = 3 * 60_000

/** One job: what waits, all that is needed to decide, and the decision. Every act has a key. */
export function Screen() {
  const { jobId } = useParams({ strict: false }) as { jobId: string }
  const read = useRead(getJob, { params: { jobId } }, { staleMs: 5_000 })
  if (read.error && read.data === undefined)
    return (
      <Page title="Job">
        <ErrorState what="Job" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    )
  if (read.data === undefined) return <SkeletonPage what="job" />
  return <Loaded key={jobId} view={read.data} reload={() => void read.refetch()} />
}

function Loaded({ view, reload }: { view: JobView; reload: () => void }) {
  const url = useUrl()
  const may = useMay('review:write')
  const { job } = view
  const named = useNamed()
  const params = { jobId: job.jobId }
  const scope = url.search['queue']
  const [draft, setDraft] = useState<Draft>()
  const [note, setNote] = useState('')
  const mine = view.claimedByMe && job.state === 'open'
  const choices = choicesOf(view)

  // The next job is read while this one is looked at.
  const next = view.nextJobId
  useEffect(() => {
    if (next !== null) prefetch(getJob, { params: { jobId: next } })
  }, [next])
  useEffect(() => {
    if (!mine) return
    const timer = setInterval(
      () => void client.call(heartbeatJob, { params: { jobId: job.jobId } }).catch(() => undefined),
      heartbeatMs,
    )
    return () => clearInterval(timer)
  }, [mine, job.jobId])

  const goNext = async () => {
    const { job: following } = await client.call(nextJob, { body: scope === undefined ? {} : { queue: scope } })
    if (following === null) return url.replace('/review/next', { queue: scope })
    queries.setQueryData(keyOf(getJob, { params: { jobId: following.job.jobId } }), following)
    url.replace(path`/review/jobs/${following.job.jobId}`, { queue: scope })
  }
  const touches = ['queues', 'jobs', 'review', 'decisions', 'appeals', 'subjects', 'insight']
  const decide = useChange(decideJob, { touches, quiet: true, onDone: () => void goNext() })
  const claim = useChange(claimJob, { touches: ['queues', 'jobs'] })
  const skip = useChange(skipJob, {
    touches: ['queues', 'jobs'],
    done: 'The job was left to others',
    onDone: () => void goNext(),
  })
  const release = useChange(releaseJob, {
    touches: ['queues', 'jobs'],
    done: 'The job was given back',
    onDone: () => url.go('/review'),
  })
  const chosen = choices.find((choice) => sameDraft(choice.draft, draft))
  const wordsMissing = needsNote(job.question, draft) && note.trim() === ''
  const confirm = () => {
    if (!mine || draft === undefined || decide.isPending) return
    if (wordsMissing) return document.getElementById('job-note')?.focus()
    decide.mutate({ params, body: verdictBody(draft, note), headers: { 'if-match': view.etag } })
  }
  useKeys('Decide this job', [
    ...(mine
      ? [
          ...choices
            .filter((choice) => choice.key !== '')
            .map((choice) => ({ keys: choice.key, does: choice.title, run: () => setDraft(choice.draft) })),
          { keys: 'Enter', does: 'Confirm and take the next job', run: confirm },
          { keys: 'mod+Enter', does: 'Confirm, from the note as well', run: confirm, inFields: true },
          { keys: 'w', does: 'Write a note', run: () => document.getElementById('job-note')?.focus() },
          {
            keys: 's',
            does: 'Skip: leave it to others',
            run: () => skip.mutate({ params, body: { reason: 'skipped' } }),
          },
          { keys: 'b', does: 'Give the job back', run: () => release.mutate({ params }) },
        ]
      : may && job.state === 'open'
        ? [{ keys: 't', does: 'Take this job', run: () => claim.mutate({ params }, { onSuccess: reload }) }]
        : []),
    {
      keys: 'v',
      does: 'Show or veil the first picture',
      run: () => document.querySelector<HTMLElement>('.job-content .media-tile')?.focus(),
    },
  ])

  return (
    <div className="job">
      <JobQueue view={view} />
      <Page
        title={questionWords[job.question]}
        crumbs={
          <>
            <Go to="/review">Queues</Go> /{' '}
            <Go to={path`/review/queues/${job.queue}`}>{job.queue.replaceAll('_', ' ')}</Go>
          </>
        }
        about={
          <>
            {job.violation === undefined ? 'opened' : `${job.violation.replaceAll('_', ' ')} · opened`}{' '}
            <RelativeTime timeMs={job.createdAtMs} />
            {job.dueAtMs === undefined ? null : (
              <>
                {' '}
                · due <RelativeTime timeMs={job.dueAtMs} />
              </>
            )}
          </>
        }
        scroll
      >
        <JobContent view={view} />
      </Page>
      <aside className="job-decide" aria-label="Decision">
        {job.state !== 'open' ? (
          <div className="job-closed">
            <Badge tone="resolved">{job.state}</Badge>
            <p>
              {job.verdict === undefined ? job.withdrawnReason : `Verdict: ${verdictWords[job.verdict]}`}
              {job.decidedBy === undefined ? null : ` by ${named(job.decidedBy)}`}{' '}
              {job.closedAtMs === undefined ? null : <RelativeTime timeMs={job.closedAtMs} />}
            </p>
            {job.decisionId === undefined ? null : <Go to={path`/decisions/${job.decisionId}`}>Open decision</Go>}
          </div>
        ) : (
          <>
            {mine ? null : (
              <div className="job-closed">
                <p>
                  {may
                    ? job.claim === undefined
                      ? 'This job is free. Take it to decide it.'
                      : 'Take this job to decide it; it may be in the hands of somebody else.'
                    : 'You can look at this job. Deciding needs the role reviewer.'}
                </p>
                {may ? (
                  <Button
                    variant="filled"
                    loading={claim.isPending}
                    onClick={() => claim.mutate({ params }, { onSuccess: reload })}
                  >
                    Take job <KeyHint keys="t" />
                  </Button>
                ) : null}
              </div>
            )}
            <JobDecision
              view={view}
              choices={choices}
              draft={draft}
              onDraft={setDraft}
              note={note}
              onNote={setNote}
              enabled={mine}
            />
            {mine ? (
              <div className="job-acts">
                {decide.error ? (
                  <p role="alert" className="small job-refused">
                    <strong>{problemOf(decide.error).title}.</strong> {named(problemText(decide.error))}{' '}
                    <Button size="compact-xs" onClick={reload}>
                      Load the job again
                    </Button>
                  </p>
                ) : null}
                <Button
                  variant="filled"
                  fullWidth
                  disabled={draft === undefined}
                  loading={decide.isPending}
                  onClick={confirm}
                >
                  {chosen === undefined
                    ? 'Choose an answer'
                    : wordsMissing
                      ? 'Write the reason first'
                      : actText(chosen)}
                  <KeyHint keys="Enter" />
                </Button>
                <div className="row">
                  <Button
                    variant="subtle"
                    className="grow"
                    onClick={() => skip.mutate({ params, body: { reason: 'skipped' } })}
                  >
                    Skip <KeyHint keys="s" />
                  </Button>
                  <Button variant="subtle" className="grow" onClick={() => release.mutate({ params })}>
                    Give back <KeyHint keys="b" />
                  </Button>
                </div>
              </div>
            ) : null}
          </>
        )}
      </aside>
    </div>
  )
}

/** What else waits in this queue, by priority. */
function JobQueue({ view }: { view: JobView }) {
  const jobs = usePages(listJobs, { query: { queue: view.job.queue, state: 'open' } }, { limit: 40, everyMs: 10_000 })
  return (
    <nav className="job-queue" aria-label={`Open jobs of ${view.job.queue}`}>
      <h2>{view.job.queue.replaceAll('_', ' ')}</h2>
      <ul>
        {jobs.items.map((job) => (
          <li key={job.jobId}>
            <Go
              to={path`/review/jobs/${job.jobId}`}
              aria-current={job.jobId === view.job.jobId ? 'true' : undefined}
              onPointerEnter={() => prefetch(getJob, { params: { jobId: job.jobId } })}
            >
              <span className="row">
                {job.severity === undefined ? null : <SeverityBadge severity={job.severity} words={false} />}
                <span className="clip grow">{job.violation?.replaceAll('_', ' ') ?? job.question}</span>
              </span>
              <span className="row small faint">
                <span className="clip grow">{job.actorId ?? job.subject.id}</span>
                <RelativeTime timeMs={job.createdAtMs} />
              </span>
            </Go>
          </li>
        ))}
      </ul>
    </nav>
  )
}
