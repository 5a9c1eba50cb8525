import { Button, SegmentedControl } from '@mantine/core'
import { IconPhotoPlus } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useElementSize } from '@mantine/hooks'
import { useEffect, useEffectEvent, useRef } from 'react'
import { getBank, listBankEntries, type BankEntry } from '../../../http/contract/banks.ts'
import { usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonPage, SkeletonRows } from '../../parts/Skeletons.tsx'
import { AddEntry } from './AddEntry.tsx'
import { actionWords, entriesText, statusTones } from './state.ts'
import './banks.css'

const tilePx = 184
const rowPx = 216

/** One bank: its entries as veiled tiles. */
export function Screen() {
  const { bankId } = useParams({ strict: false }) as { bankId: string }
  const url = useUrl()
  const may = useMay('banks:write')
  const bank = useRead(getBank, { params: { bankId } })
  const status = url.search['status'] as BankEntry['status'] | undefined
  const entries = usePages(listBankEntries, { params: { bankId }, query: { status } }, { limit: 200, everyMs: 10_000 })
  const adding = url.search['new'] === 'entry'
  const begin = () => url.set({ new: 'entry' })
  useKeys('Bank', may ? [{ keys: 'a', does: 'Add an entry', run: begin }] : [])
  if (bank.error && bank.data === undefined)
    return (
      <Page title="Bank" crumbs={<Go to="/banks">Banks</Go>}>
        <ErrorState what="Bank" error={bank.error} onRetry={() => void bank.refetch()} />
      </Page>
    )
  if (bank.data === undefined) return <SkeletonPage what="bank" />
  return (
    <Page
      title={bank.data.name}
      crumbs={<Go to="/banks">Banks</Go>}
      about={`${entriesText(bank.data)} · a match should ${actionWords[bank.data.action] ?? bank.data.action}`}
      acts={
        may ? (
          <Button variant="filled" leftSection={<IconPhotoPlus size={14} aria-hidden />} onClick={begin}>
            Add entry <KeyHint keys="a" />
          </Button>
        ) : null
      }
      filters={
        <>
          <SegmentedControl
            aria-label="Status of the entries"
            value={status ?? ''}
            onChange={(value) => url.set({ status: value })}
            data={[
              { value: '', label: 'All' },
              { value: 'active', label: 'Active' },
              { value: 'quarantined', label: 'Quarantined' },
              { value: 'retired', label: 'Retired' },
            ]}
          />
          <span className="muted small">{bank.data.purpose}</span>
        </>
      }
    >
      {entries.first ? (
        <SkeletonRows what="entries" />
      ) : entries.error && entries.items.length === 0 ? (
        <ErrorState what="Entries" error={entries.error} onRetry={entries.refetch} />
      ) : entries.items.length === 0 ? (
        <EmptyState
          icon={<IconPhotoPlus size={20} aria-hidden />}
          title={status === undefined ? 'This bank is empty' : `No entry is ${status}`}
          why="Add a photo by dropping or pasting it, or a text. It matches within a second."
        >
          {may ? (
            <Button variant="filled" onClick={begin}>
              Add entry
            </Button>
          ) : null}
        </EmptyState>
      ) : (
        <Grid entries={entries.items} onNearEnd={entries.loadMore} />
      )}
      <AddEntry bankId={bankId} opened={adding} onClose={() => url.set({ new: undefined })} />
    </Page>
  )
}

function Grid({ entries, onNearEnd }: { entries: BankEntry[]; onNearEnd: () => void }) {
  const scroller = useRef<HTMLDivElement>(null)
  const { ref, width } = useElementSize()
  const across = Math.max(1, Math.floor((width + 12) / (tilePx + 12)))
  const rows = Math.ceil(entries.length / across)
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoised by a compiler.
  const virtual = useVirtualizer({
    count: rows,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 3,
  })
  const items = virtual.getVirtualItems()
  const lastSeen = items.at(-1)?.index ?? 0
  const nearEnd = useEffectEvent(onNearEnd)
  useEffect(() => {
    if (rows > 0 && lastSeen >= rows - 3) nearEnd()
  }, [lastSeen, rows])
  return (
    <div className="bank-scroll" ref={scroller} tabIndex={0} role="region" aria-label="Entries">
      <div ref={ref} style={{ position: 'relative', height: virtual.getTotalSize() }}>
        {items.map((item) => (
          <div key={item.key} className="bank-row" style={{ transform: `translateY(${item.start}px)` }}>
            {entries.slice(item.index * across, (item.index + 1) * across).map((entry) => (
              <div key={entry.entryId} className="bank-tile" style={{ width: tilePx }}>
                {entry.mediaSha256 === null ? (
                  <Go to={path`/banks/${entry.bankId}/${entry.entryId}`} className="bank-text">
                    {entry.text ?? <span className="faint">{Object.keys(entry.signals).join(', ')} hash only</span>}
                  </Go>
                ) : (
                  <MediaTile media={{ id: entry.entryId, kind: 'photo', upload: entry.mediaSha256 }} sizePx={tilePx} />
                )}
                <div className="row small">
                  <Go to={path`/banks/${entry.bankId}/${entry.entryId}`} className="grow clip">
                    {entry.labels.join(', ') || entry.source || 'Entry'}
                  </Go>
                  {entry.status === 'active' ? null : <Badge tone={statusTones[entry.status]}>{entry.status}</Badge>}
                </div>
                <div className="row small faint">
                  <span className="grow clip">
                    {entry.matches === 0
                      ? 'no match yet'
                      : `${entry.matches.toLocaleString('en')} ${entry.matches === 1 ? 'match' : 'matches'}`}
                    {entry.overturned > 0 ? `, ${entry.overturned} overturned` : ''}
                  </span>
                  <RelativeTime timeMs={entry.addedMs} />
                </div>
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  )
}
