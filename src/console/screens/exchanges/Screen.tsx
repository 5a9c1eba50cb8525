import { Button } from '@mantine/core'
import { IconPlus, IconShare3 } from '@tabler/icons-react'
import { listExchanges, type Exchange } from '../../../http/contract/exchanges.ts'
import { usePages } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { countText } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { BankTabs } from '../banks/BankTabs.tsx'
import { countsText, everyText, statusTones, statusWords } from './state.ts'
import '../banks/banks.css'

const columns: Column<Exchange>[] = [
  {
    key: 'name',
    title: 'Exchange',
    width: 'minmax(160px, 1.2fr)',
    narrow: 'minmax(120px, 1fr)',
    cell: (exchange) => (
      <span className="bank-cell">
        <span className="clip bank-name">{exchange.name}</span>
        <span className="clip faint small">
          {exchange.kind}, {everyText(exchange.everyMinutes)}
        </span>
      </span>
    ),
  },
  {
    key: 'status',
    title: 'Status',
    width: 'minmax(170px, 1.4fr)',
    narrow: '140px',
    cell: (exchange) => (
      <span className="bank-cell" title={exchange.statusText}>
        <span>
          <Badge tone={statusTones[exchange.status]}>{statusWords[exchange.status]}</Badge>
        </span>
        <span className="clip faint small">{exchange.statusText}</span>
      </span>
    ),
  },
  {
    key: 'last',
    title: 'Last run',
    width: 'minmax(160px, 1.6fr)',
    wide: true,
    cell: ({ lastRun }) =>
      lastRun === null ? (
        <span className="faint small">not yet</span>
      ) : (
        <span className="bank-cell" title={countsText(lastRun.counts)}>
          <RelativeTime timeMs={lastRun.startedMs} />
          <span className="clip faint small">{lastRun.error ?? countsText(lastRun.counts)}</span>
        </span>
      ),
  },
  {
    key: 'live',
    title: 'Entries',
    width: '80px',
    align: 'right',
    wide: true,
    cell: (exchange) => countText(exchange.records.live),
  },
  {
    key: 'feedback',
    title: 'Sent back',
    width: '130px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: ({ feedback }) =>
      feedback.parked > 0 ? (
        <Badge tone="attention">{countText(feedback.parked)} stuck</Badge>
      ) : (
        `${countText(feedback.sent)}${feedback.pending > 0 ? `, ${countText(feedback.pending)} wait` : ''}`
      ),
  },
  {
    key: 'next',
    title: 'Next run',
    width: '80px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: ({ nextRunMs, enabled }) => (nextRunMs === null || !enabled ? '–' : <RelativeTime timeMs={nextRunMs} />),
  },
]

/** Where entries come from, how that goes, and what is sent back. */
export function Screen() {
  const url = useUrl()
  const may = useMay('exchanges:write')
  const exchanges = usePages(listExchanges, {}, { everyMs: 3_000 })
  const begin = () => url.go('/banks/exchanges/new')
  useKeys('Exchanges', may ? [{ keys: 'c', does: 'Set up an exchange', run: begin }] : [])
  useCommands(may ? [{ id: 'new-exchange', title: 'Set up an exchange', icon: IconPlus, run: begin }] : [])
  return (
    <Page
      title="Exchanges"
      about="entries from partners, and what they hear back"
      acts={
        may ? (
          <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={begin}>
            Set up exchange <KeyHint keys="c" />
          </Button>
        ) : null
      }
      filters={<BankTabs />}
    >
      {exchanges.first ? (
        <SkeletonRows what="exchanges" />
      ) : exchanges.error && exchanges.items.length === 0 ? (
        <ErrorState what="Exchanges" error={exchanges.error} onRetry={exchanges.refetch} />
      ) : (
        <VirtualTable
          rows={exchanges.items}
          columns={columns}
          rowKey={(exchange) => exchange.exchangeId}
          label="Exchanges"
          rowPx={52}
          autoFocus
          onOpen={(exchange) => url.go(path`/banks/exchanges/${exchange.exchangeId}`)}
          onNearEnd={exchanges.loadMore}
          empty={
            <EmptyState
              icon={<IconShare3 size={20} aria-hidden />}
              title="No exchange yet"
              why="An exchange fetches hashes from a partner (NCMEC, StopNCII.org, Tech Against Terrorism, ThreatExchange, another Custos, or a file), keeps a bank filled with them, and tells the partner what was made of them."
            >
              {may ? (
                <Button variant="filled" onClick={begin}>
                  Set up exchange
                </Button>
              ) : null}
            </EmptyState>
          }
        />
      )}
    </Page>
  )
}
