import { Button, CloseButton } from '@mantine/core'
import { useEffect, useEffectEvent } from 'react'
import { previewExchange, type ExchangePreview } from '../../../http/contract/exchanges.ts'
import { problemOf, problemText, useChange } from '../../api.ts'
import { Badge } from '../../parts/Badge.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { Panel } from '../../parts/Page.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { countsText } from './state.ts'

const outcomeWords: Record<ExchangePreview['samples'][number]['outcome'], string> = {
  added: 'would come in',
  changed: 'would change',
  withdrawn: 'would be withdrawn',
  unchanged: 'as before',
  filtered: 'left out',
  unsupported: 'no match here',
  malformed: 'unreadable',
}
const outcomeTone = (outcome: string) =>
  outcome === 'added' || outcome === 'changed' ? 'accent' : outcome === 'malformed' ? 'attention' : 'plain'

/** Asks the other side, and shows what would come in and what would not, without keeping any of it. */
export function Preview({ exchangeId, onClose }: { exchangeId: string; onClose: () => void }) {
  const types = useSignalTypes()
  const ask = useChange(previewExchange, { touches: [], quiet: true })
  const params = { exchangeId }
  const look = useEffectEvent(() => ask.mutate({ params, body: { pages: 1 } }))
  useEffect(() => look(), [])
  return (
    <Panel
      title="What would come"
      acts={
        <>
          <Button size="compact-xs" loading={ask.isPending} onClick={() => ask.mutate({ params, body: { pages: 1 } })}>
            Ask again
          </Button>
          <CloseButton size="sm" aria-label="Close what would come" onClick={onClose} />
        </>
      }
    >
      {ask.error ? (
        <div className="conflict" role="status" style={{ margin: 0 }}>
          <p style={{ margin: 0 }}>
            <strong>{problemOf(ask.error).title}.</strong> {problemText(ask.error)}
          </p>
        </div>
      ) : ask.data === undefined ? (
        <SkeletonRows rows={3} what="what would come" />
      ) : (
        <div className="stack">
          <p style={{ margin: 0 }}>
            {countsText(ask.data.counts)}
            {ask.data.more ? (
              <span className="muted">
                , and more
                {ask.data.estimate === null ? '' : ` (about ${ask.data.estimate.toLocaleString('en')})`}; this is the
                first page
              </span>
            ) : null}
            .
          </p>
          {ask.data.notes.map((note) => (
            <p key={note} className="small muted" style={{ margin: 0 }}>
              {note}
            </p>
          ))}
          {ask.data.samples.length === 0 ? null : (
            <div className="table-scroll" role="region" aria-label="Some of the records" tabIndex={0}>
              <table className="plain-table">
                <thead>
                  <tr>
                    <th>Record</th>
                    <th>What becomes of it</th>
                    <th>Signals</th>
                    <th>Labels</th>
                    <th>Shared by</th>
                  </tr>
                </thead>
                <tbody>
                  {ask.data.samples.map((sample) => (
                    <tr key={sample.externalId}>
                      <td>
                        <CopyId id={sample.externalId} label="record id" />
                      </td>
                      <td>
                        <Badge tone={outcomeTone(sample.outcome)}>{outcomeWords[sample.outcome]}</Badge>{' '}
                        <span className="muted small">{sample.because}</span>
                      </td>
                      <td className="small">{Object.keys(sample.signals).map(types.title).join(', ')}</td>
                      <td className="small">{sample.labels.join(', ')}</td>
                      <td className="small muted">{sample.owner ?? 'not said'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </div>
      )}
    </Panel>
  )
}
