import { Button, SegmentedControl, Select } from '@mantine/core'
import { IconLayoutGrid, IconList, IconPhotoPlus, IconSearch } from '@tabler/icons-react'
import { countBankEntries, listBankEntries, type Bank, type BankEntry } from '../../../http/contract/banks.ts'
import { usePages, useRead } from '../../api.ts'
import { useKeys } from '../../frame/keys.ts'
import { countOf } from '../../frame/time.ts'
import { useUrl } from '../../frame/url.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { TextFilter } from '../../parts/TextFilter.tsx'
import { EntryGrid } from './EntryGrid.tsx'
import { EntryTable } from './EntryTable.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { statusWords } from './state.ts'

type Order = 'added' | 'matches' | 'precision' | 'lastMatch'
const orders: { value: Order; label: string }[] = [
  { value: 'added', label: 'Oldest first' },
  { value: 'matches', label: 'Most matches first' },
  { value: 'precision', label: 'Least precise first' },
  { value: 'lastMatch', label: 'Latest match first' },
]

/** All entries of a bank as tiles or rows, narrowed by status, label, source, signal type and words. */
export function BankEntries({
  bank,
  may,
  onAdd,
  onImport,
}: {
  bank: Bank
  may: boolean
  onAdd: () => void
  onImport: () => void
}) {
  const types = useSignalTypes()
  const url = useUrl()
  const { bankId } = bank
  const asked = url.search
  const filters = {
    status: asked['status'] as BankEntry['status'] | undefined,
    label: asked['label'],
    source: asked['source'],
    signalType: asked['type'],
    importId: asked['import'],
    search: asked['q'],
  }
  const narrowed = Object.values(filters).some((value) => value !== undefined)
  const order = (asked['order'] ?? 'added') as Order
  const view = asked['view'] === 'table' ? 'table' : 'grid'
  const entries = usePages(
    listBankEntries,
    { params: { bankId }, query: { ...filters, ...(order === 'added' ? {} : { order }) } },
    { limit: 200, everyMs: 15_000 },
  )
  const counts = useRead(
    countBankEntries,
    { params: { bankId }, query: filters },
    { keep: true, everyMs: 15_000, staleMs: 10_000 },
  )
  const setView = (next: string) => url.set({ view: next === 'table' ? 'table' : undefined })
  const clear = () =>
    url.set({
      status: undefined,
      label: undefined,
      source: undefined,
      type: undefined,
      import: undefined,
      q: undefined,
    })
  useKeys('Entries', [
    { keys: '/', does: 'Search entries', run: () => document.getElementById('entry-search')?.focus() },
    { keys: 'v', does: 'Tiles or table', run: () => setView(view === 'grid' ? 'table' : 'grid') },
    { keys: 'shift+Backspace', does: 'Clear the filters', run: clear },
  ])
  const choices = (list: { name: string; entries: number }[] | undefined, chosen: string | undefined) => {
    const known = list ?? []
    const all =
      chosen !== undefined && known.every(({ name }) => name !== chosen)
        ? [{ name: chosen, entries: 0 }, ...known]
        : known
    return all.filter(({ name }) => name !== '')
  }
  const status = counts.data?.byStatus ?? {}
  return (
    <>
      <div className="entry-filters" role="search" aria-label="Filter entries">
        <TextFilter
          id="entry-search"
          value={filters.search}
          onChange={(q) => url.set({ q })}
          label="Words, hash or id"
          width={190}
        />
        <Select
          aria-label="Status"
          placeholder="Any status"
          clearable
          w={150}
          value={filters.status ?? null}
          onChange={(value) => url.set({ status: value ?? undefined })}
          data={Object.entries(statusWords).map(([value, word]) => ({
            value,
            label: status[value] === undefined ? word : `${word} · ${status[value].toLocaleString('en')}`,
          }))}
        />
        <Select
          aria-label="Label"
          placeholder="Any label"
          clearable
          searchable
          w={150}
          value={filters.label ?? null}
          onChange={(value) => url.set({ label: value ?? undefined })}
          data={choices(counts.data?.byLabel, filters.label).map(({ name, entries: many }) => ({
            value: name,
            label: `${name} · ${many.toLocaleString('en')}`,
          }))}
        />
        <Select
          aria-label="Source"
          placeholder="Any source"
          clearable
          searchable
          w={150}
          value={filters.source ?? null}
          onChange={(value) => url.set({ source: value ?? undefined })}
          data={choices(counts.data?.bySource, filters.source).map(({ name, entries: many }) => ({
            value: name,
            label: `${name} · ${many.toLocaleString('en')}`,
          }))}
        />
        <Select
          aria-label="Signal type"
          placeholder="Any signal"
          clearable
          w={160}
          value={filters.signalType ?? null}
          onChange={(value) => url.set({ type: value ?? undefined })}
          data={choices(counts.data?.bySignalType, filters.signalType).map(({ name, entries: many }) => ({
            value: name,
            label: `${types.title(name)} · ${many.toLocaleString('en')}`,
          }))}
        />
        <Select
          aria-label="Order"
          w={160}
          allowDeselect={false}
          value={order}
          onChange={(value) => url.set({ order: value === 'added' ? undefined : (value ?? undefined) })}
          data={orders}
        />
        <SegmentedControl
          aria-label="Tiles or table"
          value={view}
          onChange={setView}
          data={[
            {
              value: 'grid',
              label: (
                <>
                  <IconLayoutGrid size={14} aria-hidden style={{ verticalAlign: -2 }} />
                  <span className="hidden-visually">Tiles</span>
                </>
              ),
            },
            {
              value: 'table',
              label: (
                <>
                  <IconList size={14} aria-hidden style={{ verticalAlign: -2 }} />
                  <span className="hidden-visually">Table</span>
                </>
              ),
            },
          ]}
        />
        {narrowed ? (
          <Button variant="subtle" onClick={clear}>
            Clear
          </Button>
        ) : null}
        <span className="muted small" role="status">
          {counts.data === undefined ? '' : countOf(counts.data.entries, 'entry', 'entries')}
          {filters.importId === undefined ? '' : ' of one import'}
        </span>
      </div>
      {entries.first ? (
        <SkeletonRows what="entries" />
      ) : entries.error && entries.items.length === 0 ? (
        <ErrorState what="Entries" error={entries.error} onRetry={entries.refetch} />
      ) : entries.items.length === 0 && narrowed ? (
        <EmptyState
          icon={<IconSearch size={20} aria-hidden />}
          title="No entry fits"
          why="Hashes are found in full, ids too; words are looked for in text, note, labels and source."
        >
          <Button onClick={clear}>Clear the filters</Button>
        </EmptyState>
      ) : entries.items.length === 0 ? (
        <EmptyState
          icon={<IconPhotoPlus size={20} aria-hidden />}
          title="This bank is empty"
          why="Add photos, videos, sounds, texts, links or hashes, one by one or a whole list at once. An entry matches within a second."
        >
          {may ? (
            <>
              <Button variant="filled" onClick={onAdd}>
                Add entry
              </Button>
              <Button onClick={onImport}>Import many</Button>
            </>
          ) : null}
        </EmptyState>
      ) : view === 'table' ? (
        <EntryTable entries={entries.items} onNearEnd={entries.loadMore} />
      ) : (
        <EntryGrid entries={entries.items} onNearEnd={entries.loadMore} />
      )}
    </>
  )
}
