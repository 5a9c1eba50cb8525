import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { problemOf } from '../api.ts'
import './states.css'

/** A failure in words: what happened, what is safe, what to do; every field that the server named. */
export function ErrorState({ error, what, onRetry }: { error: unknown; what: string; onRetry?: () => void }) {
  const problem = problemOf(error)
  const safe =
    problem.status === 404 || problem.status === 403
      ? undefined
      : problem.status >= 500 || problem.status === 0
        ? 'Nothing was changed and nothing recorded is lost.'
        : 'Nothing was changed.'
  return (
    <div className="empty" role="alert">
      <div className="empty-icon" data-tone="attention">
        <IconAlertTriangle size={20} aria-hidden />
      </div>
      <h2>
        {what}: {problem.title}
      </h2>
      <p>
        {problem.detail} {safe}
      </p>
      {problem.errors && problem.errors.length > 0 ? (
        <ul className="problem-fields">
          {problem.errors.map((each, index) => (
            <li key={index}>
              <code>{each.field || 'input'}</code> {each.problem}
              {each.limit === undefined ? '' : ` (limit ${each.limit})`}
              {each.line === undefined ? '' : `, line ${each.line}`}
            </li>
          ))}
        </ul>
      ) : null}
      {onRetry === undefined ? null : (
        <div className="row empty-acts">
          <Button onClick={onRetry}>Try again</Button>
        </div>
      )}
    </div>
  )
}
