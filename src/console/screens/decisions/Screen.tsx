import { Button, SegmentedControl } from '@mantine/core'
import { IconGavel } from '@tabler/icons-react'
import { listDecisions, type Decision } from '../../../http/contract/decisions.ts'
import { usePages } from '../../api.ts'
import { useUrl } from '../../frame/url.ts'
import { DecisionTable } from '../../parts/DecisionTable.tsx'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page } from '../../parts/Page.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { TextFilter } from '../../parts/TextFilter.tsx'

const filters = ['status', 'violation', 'context', 'rule', 'actor', 'bankEntry'] as const

/** Everything that was decided, newest first. */
export function Screen() {
  const url = useUrl()
  const query = Object.fromEntries(filters.map((name) => [name, url.search[name]])) as Record<
    (typeof filters)[number],
    string | undefined
  >
  const status = query.status as Decision['status'] | undefined
  const decisions = usePages(listDecisions, { query: { ...query, status } }, { everyMs: 10_000 })
  const filtered = filters.some((name) => query[name] !== undefined)
  const clear = () => url.set(Object.fromEntries(filters.map((name) => [name, undefined])))
  return (
    <Page
      title="Decisions"
      about="what was decided, why, and whether it stood"
      filters={
        <>
          <SegmentedControl
            aria-label="State"
            value={status ?? ''}
            onChange={(value) => url.set({ status: value })}
            data={[
              { value: '', label: 'All' },
              { value: 'active', label: 'Stand' },
              { value: 'modified', label: 'Modified' },
              { value: 'reversed', label: 'Reversed' },
            ]}
          />
          <TextFilter
            label="Violation"
            value={query.violation}
            onChange={(violation) => url.set({ violation })}
            width={130}
          />
          <TextFilter label="Context" value={query.context} onChange={(context) => url.set({ context })} width={150} />
          <TextFilter label="Rule" value={query.rule} onChange={(rule) => url.set({ rule })} width={130} />
          <TextFilter label="Account id" value={query.actor} onChange={(actor) => url.set({ actor })} width={130} />
          {filtered ? (
            <Button variant="subtle" onClick={clear}>
              Clear filters
            </Button>
          ) : null}
        </>
      }
    >
      {decisions.first ? (
        <SkeletonRows rows={14} what="decisions" />
      ) : decisions.error && decisions.items.length === 0 ? (
        <ErrorState what="Decisions" error={decisions.error} onRetry={decisions.refetch} />
      ) : (
        <DecisionTable
          decisions={decisions.items}
          label="Decisions, newest first"
          onNearEnd={decisions.loadMore}
          autoFocus
          empty={
            filtered ? (
              <EmptyState
                title="No decision fits these filters"
                why="Filters take whole names, such as “scam” or “feed”."
              >
                <Button onClick={clear}>Clear filters</Button>
              </EmptyState>
            ) : (
              <EmptyState
                icon={<IconGavel size={20} aria-hidden />}
                title="Nothing was decided yet"
                why="Decisions come from people in the review queues, and from rules that are allowed to decide at once. Each keeps its reasons, its statement and its whole chain."
              >
                <DemoButton />
                <Button onClick={() => url.go('/review')}>Look at the queues</Button>
              </EmptyState>
            )
          }
        />
      )}
    </Page>
  )
}
