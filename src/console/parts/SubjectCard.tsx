import type { SubjectRef } from '../../domain/subject.ts'
import { getSubject } from '../../http/contract/subjects.ts'
import { problemOf, useRead } from '../api.ts'
import { countOf } from '../frame/time.ts'
import { LevelBadge } from './LevelBadge.tsx'
import { StatusBadge } from './StatusBadge.tsx'

/** What matters about a subject at a glance: its state, where it is limited, its labels. */
export function SubjectCard({ subject }: { subject: SubjectRef }) {
  const read = useRead(getSubject, { params: { kind: subject.kind, id: subject.id } }, { staleMs: 30_000 })
  return (
    <div className="stack" style={{ gap: 6 }}>
      <div className="row">
        <span className="clip grow mono small">{subject.id}</span>
        {read.data === undefined ? null : <StatusBadge status={read.data.status} />}
      </div>
      {read.error ? <span className="small muted">{problemOf(read.error).title}</span> : null}
      {read.data === undefined && !read.error ? <span className="small muted">Reading…</span> : null}
      {read.data?.standing
        .filter((standing) => standing.level > 0 || standing.points > 0)
        .map((standing) => (
          <div key={standing.context} className="row small">
            <span className="grow clip muted">{standing.title}</span>
            <span>{countOf(standing.points, 'point')}</span>
            <LevelBadge action={standing.action} />
          </div>
        ))}
      {read.data && read.data.labels.length > 0 ? (
        <span className="small muted">Labels: {read.data.labels.map((label) => label.label).join(', ')}</span>
      ) : null}
      {read.data ? (
        <span className="small muted">
          {read.data.decisions.length === 0
            ? 'No decision about it'
            : `${countOf(read.data.decisions.length, 'decision')}, ${read.data.decisions.filter((decision) => decision.status === 'reversed').length} reversed`}
        </span>
      ) : null}
    </div>
  )
}
