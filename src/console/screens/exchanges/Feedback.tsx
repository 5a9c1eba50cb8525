import { Button, SegmentedControl, Switch } from '@mantine/core'
import {
  changeExchange,
  listExchangeFeedback,
  previewExchangeFeedback,
  retryExchangeFeedback,
  type Exchange,
} from '../../../http/contract/exchanges.ts'
import { useChange, usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { sendWords, type Sendable } from './state.ts'

const stateWords = { pending: 'waits', sent: 'sent', parked: 'stuck' } as const
const stateTones = { pending: 'accent', sent: 'plain', parked: 'attention' } as const
const opinionWords = { seen: 'matched', confirm: 'confirmed', dispute: 'disputed', share: 'shared' } as const

/** What the other side hears: a switch for each kind, what would be sent, and what was. */
export function Feedback({ exchange, takes, may }: { exchange: Exchange; takes: readonly Sendable[]; may: boolean }) {
  const { exchangeId } = exchange
  const params = { exchangeId }
  const url = useUrl()
  const state = url.search['state'] as 'pending' | 'sent' | 'parked' | undefined
  const sent = usePages(
    listExchangeFeedback,
    { params, query: state === undefined ? {} : { state } },
    { limit: 50, everyMs: 3_000 },
  )
  const would = useRead(
    previewExchangeFeedback,
    { params, query: { limit: 20 } },
    { enabled: takes.length > 0, everyMs: 15_000 },
  )
  const change = useChange(changeExchange, { touches: ['exchanges'], done: 'What is sent back was changed' })
  const retry = useChange(retryExchangeFeedback, {
    touches: ['exchanges'],
    done: ({ retried }) => `${countOf(retried, 'opinion')} will be sent again`,
  })
  if (takes.length === 0)
    return (
      <Panel title="Sent back">
        <p className="muted" style={{ margin: 0 }}>
          This kind of exchange takes nothing back. Opinions on its entries stay here, on each entry.
        </p>
      </Panel>
    )
  return (
    <>
      <Panel title="What they hear">
        <div className="stack" style={{ gap: 12 }}>
          {takes.map((one) => (
            <Switch
              key={one}
              disabled={!may || change.isPending}
              label={`${sendWords[one].title}${would.data === undefined ? '' : ` · ${would.data.counts[one].toLocaleString('en')} to tell`}`}
              description={sendWords[one].says}
              checked={exchange.sendBack[one]}
              onChange={(event) =>
                change.mutate({
                  params,
                  body: { sendBack: { ...exchange.sendBack, [one]: event.currentTarget.checked } },
                  headers: { 'if-match': `"${exchange.version}"` },
                })
              }
            />
          ))}
        </div>
        {would.data === undefined || would.data.items.length === 0 ? null : (
          <details className="small" style={{ marginTop: 12 }}>
            <summary>What would be sent, as it would leave ({would.data.items.length})</summary>
            <ul className="row-list">
              {would.data.items.map((one) => (
                <li key={`${one.entryId}-${one.opinion}`}>
                  <Badge>{opinionWords[one.opinion]}</Badge>{' '}
                  <Go to={path`/banks/${exchange.bankId}/${one.entryId}`}>entry</Go>{' '}
                  <span className="muted">
                    {one.because}
                    {one.on ? '' : ' (switched off)'}
                  </span>
                  {one.problem === null ? null : <div style={{ color: 'var(--attention)' }}>{one.problem}</div>}
                  {one.request === null ? null : (
                    <pre className="raw" tabIndex={0} aria-label="Request">
                      {`${one.request.method} ${one.request.url}\n\n${one.request.body}`}
                    </pre>
                  )}
                </li>
              ))}
            </ul>
          </details>
        )}
      </Panel>
      <Panel
        title="Queue"
        flush
        acts={
          <>
            {may && exchange.feedback.parked > 0 ? (
              <Button size="compact-xs" loading={retry.isPending} onClick={() => retry.mutate({ params, body: {} })}>
                Send stuck ones again
              </Button>
            ) : null}
            <SegmentedControl
              aria-label="State"
              value={state ?? ''}
              onChange={(value) => url.set({ state: value })}
              data={[
                { value: '', label: 'All' },
                { value: 'pending', label: `Wait ${exchange.feedback.pending}` },
                { value: 'sent', label: `Sent ${exchange.feedback.sent}` },
                { value: 'parked', label: `Stuck ${exchange.feedback.parked}` },
              ]}
            />
          </>
        }
      >
        {sent.items.length === 0 ? (
          <p className="faint small" style={{ margin: 0, padding: 12 }}>
            {sent.first
              ? 'Reading…'
              : 'Nothing is or was sent back. What is switched on above is sent within a minute.'}
          </p>
        ) : (
          <div className="table-scroll" role="region" aria-label="Feedback queue" tabIndex={0}>
            <table className="plain-table">
              <thead>
                <tr>
                  <th>Opinion</th>
                  <th>Record</th>
                  <th>Because</th>
                  <th>State</th>
                  <th className="num">When</th>
                </tr>
              </thead>
              <tbody>
                {sent.items.map((one) => (
                  <tr key={one.feedbackId}>
                    <td>
                      <Go to={path`/banks/${one.bankId}/${one.entryId}`}>{opinionWords[one.opinion]}</Go>
                    </td>
                    <td>
                      <CopyId id={one.externalId} label="record id" />
                    </td>
                    <td className="small muted">{one.because}</td>
                    <td>
                      <Badge tone={stateTones[one.state]}>{stateWords[one.state]}</Badge>
                      {one.lastError === null || one.state === 'sent' ? null : (
                        <div className="small muted">
                          {one.lastError} ({countOf(one.attempts, 'try', 'tries')})
                        </div>
                      )}
                    </td>
                    <td className="num small muted">
                      <RelativeTime timeMs={one.sentMs ?? one.createdMs} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {sent.more ? (
          <Button m={8} size="compact-xs" onClick={sent.loadMore}>
            Show older
          </Button>
        ) : null}
      </Panel>
    </>
  )
}
