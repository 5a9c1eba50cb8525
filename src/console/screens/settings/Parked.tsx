import { Button } from '@mantine/core'
import { IconChecks } from '@tabler/icons-react'
import { listParked, retryEffects } from '../../../http/contract/effects.ts'
import { useChange, usePages } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'

/** Effects that no webhook took within 72 hours. */
export function Parked() {
  const may = useMay('webhooks:write')
  const parked = usePages(listParked, { query: {} }, { everyMs: 10_000 })
  const retry = useChange(retryEffects, {
    touches: ['effects', 'webhooks'],
    done: ({ retried }) => `${retried} ${retried === 1 ? 'effect is' : 'effects are'} sent again`,
  })
  if (parked.first) return <SkeletonRows rows={3} what="undelivered effects" />
  if (parked.error && parked.items.length === 0)
    return <ErrorState what="Undelivered effects" error={parked.error} onRetry={parked.refetch} />
  if (parked.items.length === 0)
    return (
      <EmptyState
        icon={<IconChecks size={20} aria-hidden />}
        title="Nothing is undelivered"
        why="Effects are retried for 72 hours. What nobody took by then waits here, so that it is not lost unseen."
      />
    )
  return (
    <Panel
      title={`${parked.items.length}${parked.more ? '+' : ''} undelivered`}
      flush
      acts={
        may ? (
          <Button loading={retry.isPending} onClick={() => retry.mutate({ body: {} })}>
            Send all again
          </Button>
        ) : null
      }
    >
      <div className="table-scroll">
        <table className="plain-table">
          <thead>
            <tr>
              <th>Topic</th>
              <th>About</th>
              <th className="num">Attempts</th>
              <th>Last error</th>
              <th>Since</th>
            </tr>
          </thead>
          <tbody>
            {parked.items.map((effect) => (
              <tr key={effect.id}>
                <td className="mono small">{effect.topic}</td>
                <td>{effect.subject}</td>
                <td className="num">{effect.attempts}</td>
                <td className="muted small">{effect.lastError}</td>
                <td className="muted small">
                  <RelativeTime timeMs={effect.createdMs} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}
