import type { BankEntry } from '../../../http/contract/banks.ts'
import { countText } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { EntryThumb } from './EntryThumb.tsx'
import { EntryPrecision } from './EntryPrecision.tsx'
import { entryTitle, hashOnlyText, statusText, statusTones } from './state.ts'

function EntryWhat({ entry }: { entry: BankEntry }) {
  const types = useSignalTypes()
  return (
    <span className="bank-cell">
      <span className="clip bank-name">{entryTitle(entry)}</span>
      <span className="clip faint small">{entry.text ?? hashOnlyText(entry.signals, types)}</span>
    </span>
  )
}

const columns: Column<BankEntry>[] = [
  {
    key: 'what',
    title: 'Entry',
    width: 'minmax(200px, 2fr)',
    narrow: 'minmax(140px, 1fr)',
    cell: (entry) => (
      <span className="row">
        <EntryThumb entry={entry} sizePx={44} />
        <EntryWhat entry={entry} />
      </span>
    ),
  },
  {
    key: 'status',
    title: 'Status',
    width: '120px',
    cell: (entry) =>
      entry.status === 'active' ? (
        <span className="muted">active</span>
      ) : (
        <Badge tone={statusTones[entry.status]}>{statusText(entry)}</Badge>
      ),
  },
  {
    key: 'source',
    title: 'Source',
    width: 'minmax(80px, 1fr)',
    quiet: true,
    wide: true,
    cell: (entry) => entry.source,
  },
  {
    key: 'matches',
    title: 'Matches',
    width: '72px',
    align: 'right',
    wide: true,
    cell: (entry) => countText(entry.matches),
  },
  {
    key: 'precision',
    title: 'Right, where judged',
    width: '160px',
    wide: true,
    cell: (entry) => <EntryPrecision entry={entry} />,
  },
  {
    key: 'last',
    title: 'Last match',
    width: '88px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (entry) => (entry.lastMatchMs === null ? 'never' : <RelativeTime timeMs={entry.lastMatchMs} />),
  },
  {
    key: 'added',
    title: 'Added',
    width: '80px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (entry) => <RelativeTime timeMs={entry.addedMs} />,
  },
]

/** Entries as rows. */
export function EntryTable({ entries, onNearEnd }: { entries: BankEntry[]; onNearEnd?: () => void }) {
  const url = useUrl()
  return (
    <VirtualTable
      rows={entries}
      columns={columns}
      rowKey={(entry) => entry.entryId}
      label="Entries"
      rowPx={48}
      onOpen={(entry) => url.go(path`/banks/${entry.bankId}/${entry.entryId}`)}
      {...(onNearEnd === undefined ? {} : { onNearEnd })}
    />
  )
}
