import { Button, Tabs } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { getBank } from '../../../http/contract/banks.ts'
import {
  changeExchange,
  deleteExchange,
  getExchange,
  listExchangeKinds,
  runExchange,
  stopExchange,
} from '../../../http/contract/exchanges.ts'
import { useChange, useRead } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { countOf } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { ExchangeSettings } from './ExchangeSettings.tsx'
import { Feedback } from './Feedback.tsx'
import { Preview } from './Preview.tsx'
import { Runs } from './Runs.tsx'
import { UploadFile } from './UploadFile.tsx'
import { everyText, statusTones, statusWords } from './state.ts'
import '../banks/banks.css'
import './exchanges.css'

/** One exchange: how it does, what came, what would come, what is sent back, and how it is set up. */
export function Screen() {
  const { exchangeId } = useParams({ strict: false }) as { exchangeId: string }
  const params = { exchangeId }
  const url = useUrl()
  const may = useMay('exchanges:write')
  const read = useRead(getExchange, { params }, { everyMs: 1_500 })
  const kinds = useRead(listExchangeKinds, {}, { staleMs: 600_000 })
  const bankId = read.data?.bankId
  const bank = useRead(getBank, { params: { bankId: bankId ?? '' } }, { enabled: bankId !== undefined })
  const [asking, setAsking] = useState<'delete' | 'delete-retire'>()
  const options = { touches: ['exchanges', 'banks'] }
  const run = useChange(runExchange, { ...options, done: 'It is being fetched' })
  const stop = useChange(stopExchange, { ...options, done: 'It stops after the page that it reads' })
  const change = useChange(changeExchange, {
    ...options,
    done: ({ enabled }) => (enabled ? 'It is fetched by the clock from now on' : 'It is paused'),
  })
  const remove = useChange(deleteExchange, {
    ...options,
    done: ({ retired }) =>
      `The exchange is gone${retired > 0 ? `; ${countOf(retired, 'entry', 'entries')} were retired` : ''}`,
    quiet: true,
    onDone: () => url.replace('/banks/exchanges'),
  })
  const running = read.data?.status === 'running'
  const runNow = () => {
    if (running) stop.mutate({ params })
    else run.mutate({ params, body: {} })
  }
  const pause = () => {
    if (read.data === undefined) return
    change.mutate({ params, body: { enabled: !read.data.enabled }, headers: { 'if-match': `"${read.data.version}"` } })
  }
  const tab = url.search['tab'] ?? 'runs'
  const preview = () => url.set({ tab: undefined, preview: '1' })
  useKeys(
    'Exchange',
    may
      ? [
          { keys: 'r', does: 'Fetch now, or stop', run: runNow },
          { keys: 'p', does: 'See what would come', run: preview },
        ]
      : [],
  )
  useCommands(
    may
      ? [
          { id: 'exchange-run', title: 'Fetch this exchange now', run: runNow },
          { id: 'exchange-preview', title: 'See what would come', run: preview },
          { id: 'exchange-pause', title: 'Pause or resume this exchange', run: pause },
        ]
      : [],
  )
  if (read.error && read.data === undefined)
    return (
      <Page title="Exchange" crumbs={<Go to="/banks/exchanges">Exchanges</Go>}>
        <ErrorState what="Exchange" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    )
  if (read.data === undefined) return <SkeletonPage what="exchange" />
  const exchange = read.data
  const info = kinds.data?.items.find(({ kind }) => kind === exchange.kind)
  const uploaded = info?.uploads === true && exchange.settings['url'] === undefined
  return (
    <Page
      title={exchange.name}
      crumbs={<Go to="/banks/exchanges">Exchanges</Go>}
      about={
        <>
          <Badge tone={statusTones[exchange.status]}>{statusWords[exchange.status]}</Badge>{' '}
          {info?.title ?? exchange.kind}
        </>
      }
      acts={
        may ? (
          <>
            <Button onClick={pause} loading={change.isPending}>
              {exchange.enabled ? 'Pause exchange' : 'Resume exchange'}
            </Button>
            <Button onClick={preview}>
              See what would come <KeyHint keys="p" />
            </Button>
            {uploaded ? (
              <UploadFile exchangeId={exchangeId} />
            ) : (
              <Button variant="filled" loading={run.isPending || stop.isPending} onClick={runNow}>
                {running ? 'Stop run' : 'Fetch now'} <KeyHint keys="r" />
              </Button>
            )}
          </>
        ) : null
      }
      scroll
    >
      <div className="columns">
        <div>
          {url.search['preview'] === '1' && may ? (
            <Preview exchangeId={exchangeId} onClose={() => url.set({ preview: undefined })} />
          ) : null}
          <Tabs value={tab} onChange={(value) => url.set({ tab: value === 'runs' ? undefined : (value ?? undefined) })}>
            <Tabs.List mb="sm">
              <Tabs.Tab value="runs">Runs</Tabs.Tab>
              <Tabs.Tab value="feedback">Sent back</Tabs.Tab>
              <Tabs.Tab value="settings">Settings</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="runs">
              {tab === 'runs' ? <Runs exchangeId={exchangeId} fast={running} /> : null}
            </Tabs.Panel>
            <Tabs.Panel value="feedback">
              {tab === 'feedback' ? <Feedback exchange={exchange} takes={info?.sendBack ?? []} may={may} /> : null}
            </Tabs.Panel>
            <Tabs.Panel value="settings">
              {tab === 'settings' && info !== undefined ? (
                <ExchangeSettings key={exchange.exchangeId} exchange={exchange} info={info} may={may} />
              ) : null}
            </Tabs.Panel>
          </Tabs>
        </div>
        <div>
          <Panel title="How it does">
            <p className="small" style={{ margin: '0 0 8px' }}>
              {exchange.statusText}
            </p>
            <EvidenceList
              facts={[
                [
                  'Fills',
                  <Go key="b" to={path`/banks/${exchange.bankId}`}>
                    {bank.data?.name ?? 'its bank'}
                  </Go>,
                ],
                ['Fetched', everyText(exchange.everyMinutes)],
                [
                  'Next run',
                  !exchange.enabled ? (
                    'paused'
                  ) : exchange.nextRunMs === null ? undefined : (
                    <RelativeTime key="n" timeMs={exchange.nextRunMs} />
                  ),
                ],
                ['Read until', exchange.readUntil],
                ['Failures', exchange.failures === 0 ? undefined : `${exchange.failures} in a row`],
                ['Credentials', credentialsText(exchange.credentials.set)],
              ]}
            />
          </Panel>
          <Panel title="Records of theirs">
            <EvidenceList
              facts={[
                ['Live here', exchange.records.live.toLocaleString('en')],
                ['Withdrawn', exchange.records.withdrawn.toLocaleString('en')],
                ['Left out', `${exchange.records.filtered.toLocaleString('en')} by the filter`],
                [
                  'No match',
                  `${exchange.records.unsupported.toLocaleString('en')} have no hash that can be matched here`,
                ],
                ['Unreadable', exchange.records.malformed.toLocaleString('en')],
              ]}
            />
          </Panel>
          {may ? (
            <Panel title="End it">
              <div className="stack">
                <Button onClick={() => setAsking('delete')}>Delete exchange</Button>
                <Button onClick={() => setAsking('delete-retire')}>Delete it and retire its entries</Button>
              </div>
            </Panel>
          ) : null}
        </div>
      </div>
      {asking === undefined ? null : (
        <ConfirmWithPreview
          opened
          onClose={() => setAsking(undefined)}
          title="Delete exchange"
          act={asking === 'delete' ? 'Delete exchange' : 'Delete exchange and retire entries'}
          busy={remove.isPending}
          error={remove.error}
          undo="This cannot be undone: set it up again to fetch from the start. Pause it to stop for a while."
          onConfirm={() => remove.mutate({ params, query: { entries: asking === 'delete' ? 'keep' : 'retire' } })}
        >
          Nothing more is fetched or sent back, and its credentials are forgotten.{' '}
          {asking === 'delete'
            ? `Its ${countOf(exchange.records.live, 'entry stays and goes', 'entries stay and go')} on matching.`
            : `Its ${countOf(exchange.records.live, 'entry is', 'entries are')} retired and stop matching at once.`}
        </ConfirmWithPreview>
      )}
    </Page>
  )
}

function credentialsText(set: string[]): string {
  return set.length === 0 ? 'none are set' : `${set.join(', ')} set, unreadable`
}
