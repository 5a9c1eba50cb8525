import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useEffectEvent, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import './table.css'

export type Column<Row> = {
  key: string
  title: string
  /** A CSS grid track: `120px`, `minmax(160px, 2fr)`. */
  width: string
  cell: (row: Row) => ReactNode
  align?: 'right'
  /** Small secondary text. */
  quiet?: boolean
  /** Its track on narrow screens, where it differs. */
  narrow?: string
  /** Left out on narrow screens. */
  wide?: boolean
}

/**
 * A list that stays smooth at 100,000 rows: only what is seen is in the page. The list itself has the focus; j, k and the
 * arrows move a marked row, Enter opens it. `onNearEnd` asks for the next page.
 */
export function VirtualTable<Row>({
  rows,
  columns,
  rowKey,
  label,
  onOpen,
  onMark,
  openKey,
  onNearEnd,
  empty,
  rowPx = 32,
  onHold,
  autoFocus = false,
}: {
  rows: Row[]
  columns: Column<Row>[]
  rowKey: (row: Row) => string
  label: string
  onOpen?: (row: Row) => void
  /** Told when the marked row changes: for prefetching. */
  onMark?: (row: Row) => void
  /** The row that is open elsewhere, highlighted. */
  openKey?: string
  onNearEnd?: () => void
  empty?: ReactNode
  rowPx?: number
  /** Told when the reader is in the list (pointer or keys on it, or scrolled down), so that live rows wait. */
  onHold?: (held: boolean) => void
  autoFocus?: boolean
}) {
  const scroller = useRef<HTMLDivElement>(null)
  const [markedKey, setMarkedKey] = useState<string>()
  const [focused, setFocused] = useState(false)
  const pointer = useRef(false)
  const keyed = useRef(false)
  const id = useId()
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoised by a compiler.
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 12,
    getItemKey: (index) => rowKey(rows[index]!),
  })
  const items = virtual.getVirtualItems()
  const firstSeen = Math.round((scroller.current?.scrollTop ?? 0) / rowPx)
  const lastSeen = items.at(-1)?.index ?? 0
  const rowCount = rows.length
  const nearEnd = useEffectEvent(() => onNearEnd?.())
  useEffect(() => {
    if (rowCount > 0 && lastSeen >= rowCount - 20) nearEnd()
  }, [lastSeen, rowCount])
  useEffect(() => {
    if (autoFocus) scroller.current?.focus({ preventScroll: true })
  }, [autoFocus])

  // Until a row is chosen, the first that is seen is marked: the mark is what shows the focus.
  const chosenIndex = markedKey === undefined ? -1 : rows.findIndex((row) => rowKey(row) === markedKey)
  const markedIndex =
    chosenIndex >= 0 ? chosenIndex : focused && rows.length > 0 ? Math.min(firstSeen, rows.length - 1) : -1
  const hold = () => onHold?.(pointer.current || keyed.current || (scroller.current?.scrollTop ?? 0) > rowPx)
  const mark = (index: number) => {
    const at = Math.max(0, Math.min(rows.length - 1, index))
    const row = rows[at]
    if (row === undefined) return
    setMarkedKey(rowKey(row))
    keyed.current = true
    hold()
    virtual.scrollToIndex(at, { align: 'auto' })
    onMark?.(row)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== scroller.current) return
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / rowPx) - 2)
    const steps: Record<string, number> = {
      j: chosenIndex < 0 ? markedIndex : markedIndex + 1,
      ArrowDown: chosenIndex < 0 ? markedIndex : markedIndex + 1,
      k: markedIndex - 1,
      ArrowUp: markedIndex - 1,
      PageDown: markedIndex + page,
      PageUp: markedIndex - page,
      Home: 0,
      End: rows.length - 1,
    }
    const to = steps[event.key]
    if (to !== undefined) {
      event.preventDefault()
      mark(to)
    } else if ((event.key === 'Enter' || event.key === 'o') && markedIndex >= 0) {
      event.preventDefault()
      onOpen?.(rows[markedIndex]!)
    }
  }
  const template = columns.map((column) => column.width).join(' ')
  const narrow = columns
    .filter((column) => !column.wide)
    .map((column) => column.narrow ?? column.width)
    .join(' ')
  return (
    <div
      ref={scroller}
      className="table"
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-activedescendant={markedIndex >= 0 ? `${id}-${markedIndex}` : undefined}
      tabIndex={0}
      style={{ '--columns': template, '--columns-narrow': narrow } as never}
      data-empty={rows.length === 0 ? '' : undefined}
      onKeyDown={onKeyDown}
      onFocus={() => setFocused(true)}
      onBlur={(event) => {
        if (event.currentTarget.contains(event.relatedTarget)) return
        setFocused(false)
        keyed.current = false
        hold()
      }}
      onScroll={hold}
      onPointerEnter={() => {
        pointer.current = true
        hold()
      }}
      onPointerLeave={() => {
        pointer.current = false
        hold()
      }}
    >
      <div className="table-head" role="row" aria-rowindex={1}>
        {columns.map((column) => (
          <span key={column.key} role="columnheader" data-align={column.align} data-wide={column.wide ? '' : undefined}>
            {column.title}
          </span>
        ))}
      </div>
      {rows.length === 0 ? (
        <div role="row">
          <div role="gridcell">{empty}</div>
        </div>
      ) : (
        <div className="table-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index]!
            const key = rowKey(row)
            return (
              <div
                key={item.key}
                id={`${id}-${item.index}`}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={item.index === markedIndex || key === openKey}
                className="table-row"
                data-marked={item.index === markedIndex ? '' : undefined}
                data-open={key === openKey ? '' : undefined}
                style={{ height: rowPx, transform: `translateY(${item.start}px)` }}
                onClick={() => {
                  if ((window.getSelection()?.toString() ?? '') !== '') return
                  setMarkedKey(key)
                  onOpen?.(row)
                }}
              >
                {columns.map((column) => (
                  <span
                    key={column.key}
                    role="gridcell"
                    data-align={column.align}
                    data-quiet={column.quiet ? '' : undefined}
                    data-wide={column.wide ? '' : undefined}
                  >
                    {column.cell(row)}
                  </span>
                ))}
              </div>
            )
          })}
        </div>
      )}
    </div>
  )
}
