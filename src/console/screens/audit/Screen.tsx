import { Button } from '@mantine/core'
import { IconCheck, IconHistory, IconX } from '@tabler/icons-react'
import { getLedgerHead, listAudit, verifyLedger, type AuditEntry } from '../../../http/contract/audit.ts'
import { useChange, usePages, useRead } from '../../api.ts'
import { useKeys } from '../../frame/keys.ts'
import { useNamed } from '../../frame/people.ts'
import { countText } from '../../frame/time.ts'
import { useUrl } from '../../frame/url.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { entryText } from '../../parts/entry-words.ts'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { TextFilter } from '../../parts/TextFilter.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'

const columns: Column<AuditEntry>[] = [
  {
    key: 'sequence',
    title: 'No.',
    width: '72px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (entry) => entry.sequence ?? '–',
  },
  {
    key: 'recorded',
    title: 'Recorded',
    width: '88px',
    quiet: true,
    cell: (entry) => <RelativeTime timeMs={entry.recordedAtMs} />,
  },
  {
    key: 'kind',
    title: 'Kind',
    width: '168px',
    wide: true,
    cell: (entry) => <span className="mono small">{entry.kind}</span>,
  },
  { key: 'what', title: 'What', width: 'minmax(140px, 1.4fr)', cell: (entry) => <Named text={entryText(entry)} /> },
  {
    key: 'subject',
    title: 'About',
    width: 'minmax(90px, 180px)',
    wide: true,
    cell: (entry) => <SubjectChip subject={entry.subject} />,
  },
  {
    key: 'author',
    title: 'By',
    width: 'minmax(90px, 220px)',
    quiet: true,
    cell: (entry) => <AuthorName author={entry.author} />,
  },
]

function Named({ text }: { text: string }) {
  return useNamed()(text)
}

/** The ledger: everything that was decided, changed or looked at, in an order that cannot be rewritten unseen. */
export function Screen() {
  const url = useUrl()
  const { kinds, author, subjectId } = url.search
  const entries = usePages(listAudit, { query: { kinds, author, subjectId } }, { everyMs: 5_000 })
  const head = useRead(getLedgerHead, {}, { everyMs: 5_000 })
  const verify = useChange(verifyLedger, { touches: [] })
  const run = () => verify.mutate({})
  const filtered = kinds !== undefined || author !== undefined || subjectId !== undefined
  const clear = () => url.set({ kinds: undefined, author: undefined, subjectId: undefined })
  useKeys('Audit', [{ keys: 'v', does: 'Verify the whole chain', run }])
  return (
    <Page
      title="Audit"
      about={
        head.data === undefined ? undefined : (
          <span className="row" style={{ display: 'inline-flex' }}>
            {countText(head.data.sequence)} sealed entries, head
            {head.data.hash === null ? ' none yet' : <CopyId id={head.data.hash} label="head hash" characters={16} />}
          </span>
        )
      }
      acts={
        <>
          <span role="status">
            {verify.data === undefined ? null : verify.data.ok ? (
              <Badge tone="resolved" icon={<IconCheck size={13} aria-hidden />}>
                the chain of {countText(verify.data.entries ?? 0)} entries holds
              </Badge>
            ) : (
              <Badge tone="attention" icon={<IconX size={13} aria-hidden />}>
                broken at no. {verify.data.sequence}: {verify.data.problem}
              </Badge>
            )}
          </span>
          <Button onClick={run} loading={verify.isPending}>
            Verify chain
          </Button>
        </>
      }
      filters={
        <>
          <TextFilter
            label="Kinds, such as decision.made"
            value={kinds}
            onChange={(value) => url.set({ kinds: value })}
            width={230}
          />
          <TextFilter
            label="Made by (id)"
            value={author}
            onChange={(value) => url.set({ author: value })}
            width={160}
          />
          <TextFilter
            label="About (id)"
            value={subjectId}
            onChange={(value) => url.set({ subjectId: value })}
            width={160}
          />
          {filtered ? (
            <Button variant="subtle" onClick={clear}>
              Clear filters
            </Button>
          ) : null}
        </>
      }
    >
      {entries.first ? (
        <SkeletonRows rows={14} what="entries" />
      ) : entries.error && entries.items.length === 0 ? (
        <ErrorState what="Audit log" error={entries.error} onRetry={entries.refetch} />
      ) : (
        <VirtualTable
          rows={entries.items}
          columns={columns}
          rowKey={(entry) => entry.id}
          label="Ledger, newest first"
          onOpen={(entry) => url.set({ open: `entry:${entry.id}` }, { push: url.search['open'] === undefined })}
          openKey={url.search['open']?.startsWith('entry:') ? url.search['open'].slice(6) : undefined}
          onNearEnd={entries.loadMore}
          autoFocus
          empty={
            <EmptyState
              icon={<IconHistory size={20} aria-hidden />}
              title={filtered ? 'No entry fits these filters' : 'The ledger is empty'}
              why="Every decision, change and look at sensitive media becomes an entry here, with who did it and why."
            />
          }
        />
      )}
    </Page>
  )
}
