import { useElementSize } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useEffectEvent, useRef } from 'react'
import type { BankEntry } from '../../../http/contract/banks.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { kindOfSignals } from '../../parts/media-kind.ts'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { EntryThumb } from './EntryThumb.tsx'
import { entryTitle, hashOnlyText, statusText, statusTones } from './state.ts'

const tileMaxPx = 184
const gapPx = 12
const rowPx = 216

/** Entries as veiled tiles, as many across as fit; only those that are seen are in the page. */
export function EntryGrid({ entries, onNearEnd }: { entries: BankEntry[]; onNearEnd: () => void }) {
  const scroller = useRef<HTMLDivElement>(null)
  const { ref, width } = useElementSize()
  // At least two: on a phone the tiles are smaller instead.
  const across = Math.max(2, Math.floor((width + gapPx) / (tileMaxPx + gapPx)))
  const tilePx = Math.min(tileMaxPx, Math.floor((width - gapPx * (across - 1)) / across))
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
              <Tile key={entry.entryId} entry={entry} tilePx={tilePx} />
            ))}
          </div>
        ))}
      </div>
    </div>
  )
}

function Tile({ entry, tilePx }: { entry: BankEntry; tilePx: number }) {
  const types = useSignalTypes()
  const to = path`/banks/${entry.bankId}/${entry.entryId}`
  const { own, teams } = entry.precision
  return (
    <div className="bank-tile" data-status={entry.status} style={{ width: tilePx }}>
      {entry.mediaSha256 === null ? (
        <Go to={to} className="bank-text" tabIndex={-1}>
          {entry.text ?? (
            <span className="bank-hash">
              <EntryThumb entry={entry} sizePx={44} />
              <span className="faint">{hashOnlyText(entry.signals, types)}</span>
              <code className="faint clip">{Object.values(entry.signals)[0]}</code>
            </span>
          )}
        </Go>
      ) : (
        <MediaTile
          media={{ id: entry.entryId, kind: kindOfSignals(entry.signals), upload: entry.mediaSha256 }}
          sizePx={tilePx}
        />
      )}
      <div className="row small">
        <Go to={to} className="grow clip">
          {entryTitle(entry)}
        </Go>
        {entry.status === 'active' ? null : <Badge tone={statusTones[entry.status]}>{statusText(entry)}</Badge>}
      </div>
      <div className="row small faint">
        <span className="grow clip">
          {entry.matches === 0 ? 'no match yet' : countOf(entry.matches, 'match', 'matches')}
          {own.wrong > 0 ? `, ${own.wrong} wrong` : ''}
          {teams.wrong > 0 ? `, ${teams.wrong} wrong elsewhere` : ''}
        </span>
        <RelativeTime timeMs={entry.addedMs} />
      </div>
    </div>
  )
}
