import { SegmentedControl } from '@mantine/core'
import { IconScale } from '@tabler/icons-react'
import { getAppeal, listAppeals, type Appeal } from '../../../http/contract/appeals.ts'
import { prefetch, usePages } from '../../api.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { outcomeTones } from '../decisions/state.ts'

const columns: Column<Appeal>[] = [
  {
    key: 'actor',
    title: 'Decision against',
    width: 'minmax(120px, 1fr)',
    cell: (appeal) => <SubjectChip subject={{ kind: 'actor', id: appeal.actorId }} />,
  },
  {
    key: 'by',
    title: 'Appealed by',
    width: 'minmax(120px, 1fr)',
    wide: true,
    cell: (appeal) =>
      appeal.appellantId === appeal.actorId ? (
        <span className="muted">themselves</span>
      ) : (
        <span>
          {appeal.appellantId} <span className="muted small">{appeal.relation.replaceAll('_', ' ')}</span>
        </span>
      ),
  },
  { key: 'language', title: 'Language', width: '80px', quiet: true, wide: true, cell: (appeal) => appeal.language },
  {
    key: 'state',
    title: 'State',
    width: '120px',
    cell: (appeal) => (
      <Badge tone={appeal.outcome === null ? 'attention' : (outcomeTones[appeal.outcome] ?? 'plain')}>
        {appeal.outcome ?? 'open'}
      </Badge>
    ),
  },
  {
    key: 'reason',
    title: 'Answer',
    width: 'minmax(100px, 1.5fr)',
    quiet: true,
    wide: true,
    cell: (appeal) => appeal.reason ?? '',
  },
  {
    key: 'filed',
    title: 'Filed',
    width: '88px',
    align: 'right',
    quiet: true,
    cell: (appeal) => <RelativeTime timeMs={appeal.filedMs} />,
  },
]

/** Requests to look again, newest first. */
export function Screen() {
  const url = useUrl()
  const state = (url.search['state'] ?? 'open') as 'open' | 'decided' | 'all'
  const appeals = usePages(listAppeals, { query: state === 'all' ? {} : { state } }, { everyMs: 10_000 })
  return (
    <Page
      title="Appeals"
      about="requests of people to look at a decision again"
      filters={
        <SegmentedControl
          aria-label="State"
          value={state}
          onChange={(value) => url.set({ state: value === 'open' ? undefined : value })}
          data={[
            { value: 'open', label: 'Open' },
            { value: 'decided', label: 'Decided' },
            { value: 'all', label: 'All' },
          ]}
        />
      }
    >
      {appeals.first ? (
        <SkeletonRows what="appeals" />
      ) : appeals.error && appeals.items.length === 0 ? (
        <ErrorState what="Appeals" error={appeals.error} onRetry={appeals.refetch} />
      ) : (
        <VirtualTable
          rows={appeals.items}
          columns={columns}
          rowKey={(appeal) => appeal.appealId}
          label="Appeals, newest first"
          rowPx={36}
          onOpen={(appeal) => url.go(path`/appeals/${appeal.appealId}`)}
          onMark={(appeal) => prefetch(getAppeal, { params: { appealId: appeal.appealId } })}
          onNearEnd={appeals.loadMore}
          autoFocus
          empty={
            <EmptyState
              icon={<IconScale size={20} aria-hidden />}
              title={state === 'open' ? 'No appeal waits' : 'No appeal yet'}
              why="People appeal on their own page, which your platform links to; each appeal goes to somebody who did not make the decision."
            >
              <DemoButton />
            </EmptyState>
          }
        />
      )}
    </Page>
  )
}
