import { IconStack2 } from '@tabler/icons-react'
import { turnText } from '../../../domain/plain-words.ts'
import { findSimilar, type SeenItem } from '../../../http/contract/retro.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useUrl } from '../../frame/url.ts'
import { CopyId } from '../../parts/CopyId.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { TextFilter } from '../../parts/TextFilter.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { SignalTitle } from '../../parts/SignalTitle.tsx'
import { DistanceBar } from './DistanceBar.tsx'
import { MatchTabs } from './MatchTabs.tsx'

const itemsMax = 1_000

const columns: Column<SeenItem>[] = [
  {
    key: 'time',
    title: 'Happened',
    width: '96px',
    quiet: true,
    cell: (row) => <RelativeTime timeMs={row.occurredAtMs} />,
  },
  {
    key: 'item',
    title: 'Item',
    width: 'minmax(120px, 1fr)',
    cell: (row) => <SubjectChip subject={{ kind: 'item', id: row.itemId }} />,
  },
  {
    key: 'actor',
    title: 'Account',
    width: 'minmax(100px, 1fr)',
    cell: (row) => (row.actorId === null ? null : <SubjectChip subject={{ kind: 'actor', id: row.actorId }} />),
  },
  {
    key: 'type',
    title: 'Signal',
    width: '130px',
    quiet: true,
    wide: true,
    cell: (row) => <SignalTitle name={row.type} />,
  },
  {
    key: 'near',
    title: 'How near',
    width: 'minmax(210px, 1.2fr)',
    wide: true,
    cell: (row) => <DistanceBar match={{ ...row, signalType: row.type, described: '' }} />,
  },
  {
    key: 'turn',
    title: 'Changed',
    width: '150px',
    quiet: true,
    wide: true,
    cell: (row) => (row.transformation === undefined ? '' : turnText(row.transformation)),
  },
]

/** Everything that passed and is like an item, an event or a signal. */
export function Screen() {
  const url = useUrl()
  const { item, event, type, signal } = url.search
  const what =
    item !== undefined
      ? { itemId: item }
      : event !== undefined
        ? { eventId: event }
        : type !== undefined && signal !== undefined
          ? { signals: { [type]: signal } }
          : undefined
  const read = useRead(
    findSimilar,
    { body: { ...what, limit: itemsMax } },
    { enabled: what !== undefined, staleMs: 30_000 },
  )
  const rows = read.data?.items ?? []
  const more = read.data !== undefined && (read.data.next !== null || !read.data.complete)
  return (
    <Page
      title="Match"
      crumbs={<Go to="/match/clusters">Clusters</Go>}
      about={
        read.data === undefined
          ? 'everything that passed and is like an item'
          : `${rows.length.toLocaleString('en')}${more ? ' nearest' : ''} like it, nearest first`
      }
      filters={
        <>
          <MatchTabs />
          <span className="grow" />
          {signal === undefined ? (
            <TextFilter
              label="Id of an item"
              value={item}
              width={220}
              onChange={(value) => url.set({ item: value, event: undefined, type: undefined, signal: undefined })}
            />
          ) : (
            <CopyId id={signal} label="signal" characters={18} />
          )}
        </>
      }
    >
      {what === undefined ? (
        <EmptyState
          icon={<IconStack2 size={20} aria-hidden />}
          title="Like what?"
          why="Give the id of an item above, open a cluster, or look something up and ask for everything like it."
        >
          <Go to="/match/clusters">See the biggest clusters</Go>
        </EmptyState>
      ) : read.error ? (
        <ErrorState what="Items like it" error={read.error} onRetry={() => void read.refetch()} />
      ) : read.data === undefined ? (
        <SkeletonRows what="items like it" />
      ) : (
        <VirtualTable
          rows={rows}
          columns={columns}
          rowKey={(row) => `${row.itemId}/${row.part}/${row.type}`}
          label="Items like it, nearest first"
          rowPx={36}
          onOpen={(row) => url.set({ open: `item:${row.itemId}` }, { push: true })}
          autoFocus
          empty={
            <EmptyState
              icon={<IconStack2 size={20} aria-hidden />}
              title="Nothing that passed is like it"
              why="What passes is kept as hashes for as many days as the settings say."
            />
          }
        />
      )}
    </Page>
  )
}
