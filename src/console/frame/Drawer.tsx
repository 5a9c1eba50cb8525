import { ActionIcon, Tooltip } from '@mantine/core'
import { IconArrowsMaximize, IconX } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import { isId } from '../../domain/ids.ts'
import { EmptyState } from '../parts/EmptyState.tsx'
import { SubjectDetail } from '../screens/accounts/SubjectDetail.tsx'
import { EntryDetail } from '../screens/audit/EntryDetail.tsx'
import { EventDetail } from '../screens/events/EventDetail.tsx'
import { path, useUrl } from './url.ts'

const titles: Record<string, string> = {
  actor: 'Account',
  item: 'Item',
  thread: 'Thread',
  event: 'Event',
  entry: 'Ledger entry',
}

/** Opens any subject beside the screen, by the address: `?open=actor:u1`. The screen stays as it is. */
export function Drawer() {
  const url = useUrl()
  const open = url.search['open']
  const body = useRef<HTMLDivElement>(null)
  const before = useRef<Element | null>(null)
  useEffect(() => {
    if (open !== undefined) {
      before.current ??= document.activeElement
    } else {
      // Back to where the reader was.
      if (before.current instanceof HTMLElement && before.current.isConnected)
        before.current.focus({ preventScroll: true })
      before.current = null
    }
  }, [open])
  if (open === undefined) return null
  const at = open.indexOf(':')
  const kind = open.slice(0, at)
  const id = open.slice(at + 1)
  const page = { actor: path`/accounts/${id}` }[kind]
  return (
    <aside className="drawer" aria-label={`${titles[kind] ?? 'Details'} ${id}`}>
      <div className="drawer-head">
        <h2 className="clip">
          {titles[kind] ?? 'Details'} <span className="mono muted">{id}</span>
        </h2>
        <div className="row" style={{ gap: 2 }}>
          {page === undefined ? null : (
            <Tooltip label="Open as a page">
              <ActionIcon aria-label="Open as a page" onClick={() => url.go(page)}>
                <IconArrowsMaximize size={16} aria-hidden />
              </ActionIcon>
            </Tooltip>
          )}
          <Tooltip label="Close (Esc)">
            <ActionIcon aria-label="Close details" onClick={() => url.set({ open: undefined })}>
              <IconX size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </div>
      </div>
      <div className="drawer-body" ref={body} tabIndex={0} key={open}>
        {!isId(id) ? (
          <EmptyState title="This address names nothing" why="It should look like open=actor:u1." />
        ) : kind === 'event' ? (
          <EventDetail eventId={id} />
        ) : kind === 'entry' ? (
          <EntryDetail entryId={id} />
        ) : kind === 'actor' || kind === 'item' || kind === 'thread' ? (
          <SubjectDetail subject={{ kind, id }} />
        ) : (
          <EmptyState title="This address names nothing" why="It should look like open=actor:u1." />
        )}
      </div>
    </aside>
  )
}
