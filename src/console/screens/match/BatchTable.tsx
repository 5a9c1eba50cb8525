import { percentText } from '../../frame/time.ts'
import { Badge } from '../../parts/Badge.tsx'
import { problemOf } from '../../api.ts'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { NearText } from '../../parts/SignalTitle.tsx'
import type { Asked } from './asked.ts'
import { SentBar } from './SentBar.tsx'
import { byEntry, bytesText } from './state.ts'

const columns: Column<Asked>[] = [
  {
    key: 'name',
    title: 'File',
    width: 'minmax(120px, 1fr)',
    cell: (one) => (
      <span className="clip" title={one.name}>
        {one.name}
      </span>
    ),
  },
  {
    key: 'size',
    title: 'Size',
    width: '84px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (one) => (one.file === undefined ? '' : bytesText(one.file.size)),
  },
  {
    key: 'state',
    title: 'Found',
    width: '150px',
    narrow: '112px',
    cell: (one) => <Verdict one={one} />,
  },
  {
    key: 'bank',
    title: 'Surest match',
    width: 'minmax(120px, 1.2fr)',
    cell: (one) => {
      const best = byEntry(one.answer?.matches ?? [])[0]
      return best === undefined ? null : (
        <span className="clip">
          {best.bank.name} <span className="faint">{best.best.labels.join(', ')}</span>
        </span>
      )
    },
  },
  {
    key: 'near',
    title: 'How near',
    width: 'minmax(120px, 1fr)',
    wide: true,
    quiet: true,
    cell: (one) => {
      const best = byEntry(one.answer?.matches ?? [])[0]?.best
      return best === undefined ? null : <NearText match={best} />
    },
  },
  {
    key: 'sure',
    title: 'Sure',
    width: '72px',
    align: 'right',
    cell: (one) => {
      const best = byEntry(one.answer?.matches ?? [])[0]?.best
      return best === undefined ? null : percentText(best.confidence)
    },
  },
]

function Verdict({ one }: { one: Asked }) {
  if (one.state === 'failed')
    return (
      <Badge tone="attention" title={problemOf(one.error).detail}>
        {problemOf(one.error).title}
      </Badge>
    )
  if (one.answer === undefined) return <SentBar asked={one} />
  const entries = byEntry(one.answer.matches).length
  return entries === 0 ? (
    <span className="muted">not known</span>
  ) : (
    <Badge tone="accent">{entries === 1 ? '1 entry' : `${entries} entries`}</Badge>
  )
}

/** Many files at once: what each of them matches. Known ones first as they come in would move rows, so order stays. */
export function BatchTable({ asked, onOpen }: { asked: readonly Asked[]; onOpen: (one: Asked) => void }) {
  return (
    <VirtualTable
      rows={[...asked]}
      columns={columns}
      rowKey={({ id }) => id}
      label="Files that were looked up"
      rowPx={40}
      onOpen={onOpen}
      autoFocus
    />
  )
}
