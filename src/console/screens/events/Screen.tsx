import { Button, Select, Switch } from '@mantine/core'
import { IconActivity, IconArrowUp, IconClockExclamation, IconPaperclip } from '@tabler/icons-react'
import { useState } from 'react'
import { eventTypes } from '../../../domain/event.ts'
import { listEvents, type StoredEventView } from '../../../http/contract/events.ts'
import { client, useRead } from '../../api.ts'
import { useKeys } from '../../frame/keys.ts'
import { useUrl } from '../../frame/url.ts'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { TextFilter } from '../../parts/TextFilter.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { chipName } from '../accounts/name.ts'
import { emptyTail, eventLine, releaseWaiting, takeNewest, takeOlder } from './state.ts'

const columns: Column<StoredEventView>[] = [
  {
    key: 'time',
    title: 'Happened',
    width: '92px',
    quiet: true,
    cell: (row) => (
      <span className="row" style={{ gap: 4 }}>
        <RelativeTime timeMs={row.occurredAtMs} />
        {row.late ? <IconClockExclamation size={13} aria-label="Arrived late" color="var(--attention)" /> : null}
      </span>
    ),
  },
  {
    key: 'type',
    title: 'Type',
    width: '150px',
    cell: (row) => <span className="mono small">{row.event.type}</span>,
    wide: true,
  },
  {
    key: 'actor',
    title: 'Account',
    width: 'minmax(96px, 180px)',
    cell: (row) => (
      <SubjectChip subject={{ kind: 'actor', id: row.event.actor.id }} name={chipName(row.event.actor.attributes)} />
    ),
  },
  {
    key: 'what',
    title: 'What',
    width: 'minmax(120px, 1fr)',
    cell: (row) => (
      <span className="row" style={{ gap: 6 }}>
        {(row.event.item?.media?.length ?? 0) > 0 ? (
          <IconPaperclip size={13} aria-label={`${row.event.item!.media!.length} attached`} style={{ flex: 'none' }} />
        ) : null}
        <span className="clip" dir="auto">
          {eventLine(row.event)}
        </span>
      </span>
    ),
  },
  {
    key: 'context',
    title: 'Context',
    width: '140px',
    quiet: true,
    wide: true,
    cell: (row) => row.event.context ?? 'default',
  },
]

/** Everything the platform sent, newest first. New rows wait while the pointer is on the list. */
export function Screen() {
  const url = useUrl()
  const { type, actorId, context, text, tail: tailing } = url.search
  const follow = tailing !== 'off'
  const filter = { type, actorId, context, text }
  const filterKey = JSON.stringify(filter)
  const [tail, setTail] = useState(emptyTail)
  const [held, setHeld] = useState(false)
  const newest = useRead(
    listEvents,
    { query: { ...filter, limit: 200 } },
    { everyMs: follow ? 2_000 : undefined, staleMs: 0 },
  )
  const [taken, setTaken] = useState<{ filterKey: string; page: typeof newest.data }>()
  // New pages are taken in while rendering, so that no frame shows rows of another filter.
  if (taken?.filterKey !== filterKey || taken.page !== newest.data) {
    setTaken({ filterKey, page: newest.data })
    const from = taken?.filterKey === filterKey ? tail : emptyTail
    setTail(newest.data === undefined ? from : takeNewest(from, newest.data, held))
  }
  const [asking, setAsking] = useState(false)
  const older = () => {
    if (asking || tail.olderNext === null || tail.olderNext === undefined) return
    setAsking(true)
    void client
      .call(listEvents, { query: { ...filter, limit: 500, after: tail.olderNext } })
      .then((page) => setTail((now) => takeOlder(now, page)))
      .finally(() => setAsking(false))
  }
  useKeys('Events', [
    { keys: 'f', does: 'Filter by text', run: () => document.getElementById('filter-text')?.focus() },
    {
      keys: 'p',
      does: follow ? 'Pause the live tail' : 'Follow the live tail',
      run: () => url.set({ tail: follow ? 'off' : undefined }),
    },
    { keys: 'n', does: 'Show new events that wait', run: () => setTail(releaseWaiting) },
  ])
  const filtered = [type, actorId, context, text].some((value) => value !== undefined)
  return (
    <Page
      title="Events"
      about="what the platform sent, newest first"
      acts={
        <Switch
          label="Follow new events"
          checked={follow}
          onChange={(event) => url.set({ tail: event.currentTarget.checked ? undefined : 'off' })}
        />
      }
      filters={
        <>
          <TextFilter
            id="filter-text"
            label="Text anywhere in the event"
            value={text}
            onChange={(value) => url.set({ text: value })}
            width={240}
          />
          <Select
            aria-label="Type"
            placeholder="Any type"
            data={[...eventTypes]}
            value={type ?? null}
            onChange={(value) => url.set({ type: value ?? undefined })}
            searchable
            clearable
            clearButtonProps={{ 'aria-label': 'Any type' }}
            w={180}
          />
          <TextFilter
            label="Account id"
            value={actorId}
            onChange={(value) => url.set({ actorId: value })}
            width={150}
          />
          {filtered ? (
            <Button
              variant="subtle"
              onClick={() => url.set({ type: undefined, actorId: undefined, context: undefined, text: undefined })}
            >
              Clear filters
            </Button>
          ) : null}
          <span role="status" className="small" style={{ marginLeft: 'auto' }}>
            {tail.waiting.length > 0 ? (
              <Button
                variant="light"
                leftSection={<IconArrowUp size={14} aria-hidden />}
                onClick={() => setTail(releaseWaiting)}
              >
                {tail.waiting.length}
                {tail.waiting.length >= 200 ? '+' : ''} new
              </Button>
            ) : null}
          </span>
        </>
      }
    >
      {newest.isPending ? (
        <SkeletonRows rows={14} what="events" />
      ) : newest.error && tail.shown.length === 0 ? (
        <ErrorState what="Events" error={newest.error} onRetry={() => void newest.refetch()} />
      ) : (
        <VirtualTable
          rows={tail.shown}
          columns={columns}
          rowKey={(row) => row.event.id}
          label="Events, newest first"
          onOpen={(row) => url.set({ open: `event:${row.event.id}` }, { push: url.search['open'] === undefined })}
          openKey={url.search['open']?.startsWith('event:') ? url.search['open'].slice(6) : undefined}
          onNearEnd={older}
          onHold={setHeld}
          autoFocus
          empty={
            filtered ? (
              <EmptyState title="No event fits these filters" why="Clear a filter, or look for other words.">
                <Button
                  onClick={() => url.set({ type: undefined, actorId: undefined, context: undefined, text: undefined })}
                >
                  Clear filters
                </Button>
              </EmptyState>
            ) : (
              <EmptyState
                icon={<IconActivity size={20} aria-hidden />}
                title="Events will appear here as they come"
                why={
                  <>
                    Nothing has been sent yet. A platform sends events to <code>POST /v1/events</code> with an API key;
                    the simulated platform of the demo sends some at once.
                  </>
                }
              >
                <DemoButton />
                <Button onClick={() => url.go('/people')}>Make an API key</Button>
              </EmptyState>
            )
          }
        />
      )}
    </Page>
  )
}
