import type { ReactNode } from 'react'
import { EmptyState } from './EmptyState.tsx'
import { ErrorState } from './ErrorState.tsx'
import { Panel } from './Page.tsx'
import { SkeletonRows } from './Skeletons.tsx'

/** A short list as a table in a panel, with the button that adds to it: keys, people, webhooks. */
export function ListPanel<Item>({
  title,
  list,
  columns,
  renderRow,
  acts,
  empty,
  children,
}: {
  title: string
  list: { items: readonly Item[] | undefined; error: unknown; refetch: () => void }
  /** Heads of the columns before the acts; those of numbers stand at the right. */
  columns: readonly (string | { title: string; number: true })[]
  /** One row: its cells, with those of its acts last. */
  renderRow: (item: Item) => ReactNode
  /** The button that adds one, in the head and where the list is empty. */
  acts?: ReactNode
  empty?: { icon: ReactNode; title: string; why: string; act?: ReactNode }
  /** Dialogs of the panel. */
  children?: ReactNode
}) {
  const { items, error, refetch } = list
  if (items === undefined && error) return <ErrorState what={title} error={error} onRetry={refetch} />
  return (
    <Panel title={title} flush acts={acts}>
      {items === undefined ? (
        <SkeletonRows rows={3} what={title.toLowerCase()} />
      ) : items.length === 0 && empty !== undefined ? (
        <EmptyState icon={empty.icon} title={empty.title} why={empty.why}>
          {empty.act}
        </EmptyState>
      ) : (
        <div className="table-scroll">
          <table className="plain-table">
            <thead>
              <tr>
                {columns.map((column) => {
                  const head = typeof column === 'string' ? { title: column, number: false } : column
                  return (
                    <th key={head.title} className={head.number ? 'num' : undefined}>
                      {head.title}
                    </th>
                  )
                })}
                <th>
                  <span className="hidden-visually">Acts</span>
                </th>
              </tr>
            </thead>
            <tbody>{items.map(renderRow)}</tbody>
          </table>
        </div>
      )}
      {children}
    </Panel>
  )
}
