import { Button } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { listAudit } from '../../../http/contract/audit.ts'
import { usePages } from '../../api.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { EntryLine } from '../../parts/EntryLine.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Panel } from '../../parts/Page.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'

/** What was done with a bank and all its entries, newest first, as the ledger has it. */
export function BankHistory({ bankId }: { bankId: string }) {
  const told = usePages(
    listAudit,
    { query: { subjectKind: 'item', subjectId: `custos:bank:${bankId}` } },
    { limit: 100, everyMs: 15_000 },
  )
  if (told.first) return <SkeletonRows what="history" />
  if (told.error) return <ErrorState what="History" error={told.error} onRetry={told.refetch} />
  return (
    <Panel title="What was done with this bank">
      {told.items.length === 0 ? (
        <EmptyState
          icon={<IconHistory size={20} aria-hidden />}
          title="Nothing was done yet"
          why="Every change of the bank and of its entries is kept in the ledger with who made it."
        />
      ) : (
        told.items.map((entry) => <EntryLine key={entry.id} entry={entry} />)
      )}
      {told.more ? (
        <Button mt="sm" loading={told.fetching} onClick={told.loadMore}>
          Look further back
        </Button>
      ) : null}
    </Panel>
  )
}
