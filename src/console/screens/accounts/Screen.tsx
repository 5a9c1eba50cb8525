import { Button, TextInput } from '@mantine/core'
import { IconUsers } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { isId } from '../../../domain/ids.ts'
import { listDecisions, type Decision } from '../../../http/contract/decisions.ts'
import { listEvents } from '../../../http/contract/events.ts'
import { getSubject } from '../../../http/contract/subjects.ts'
import { prefetch, usePages, useRead } from '../../api.ts'
import { useKeys } from '../../frame/keys.ts'
import { path, useUrl } from '../../frame/url.ts'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { accountsOf, type AccountRow } from './state.ts'

const columns: Column<AccountRow>[] = [
  {
    key: 'id',
    title: 'Account',
    width: 'minmax(140px, 1fr)',
    cell: (row) => <span style={{ fontWeight: 500 }}>{row.actorId}</span>,
  },
  {
    key: 'worst',
    title: 'Worst that stands',
    width: '150px',
    narrow: '56px',
    cell: (row) => (row.worst === 0 ? <span className="faint">–</span> : <SeverityBadge severity={row.worst} />),
  },
  {
    key: 'decisions',
    title: 'Decisions',
    width: '84px',
    align: 'right',
    cell: (row) => row.decisions.toLocaleString('en'),
  },
  {
    key: 'reversed',
    title: 'Reversed',
    width: '84px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (row) => (row.reversed === 0 ? '–' : row.reversed),
  },
  {
    key: 'for',
    title: 'For',
    width: 'minmax(120px, 1fr)',
    quiet: true,
    wide: true,
    cell: (row) => row.violations.join(', ').replaceAll('_', ' '),
  },
  {
    key: 'last',
    title: 'Last seen',
    width: '96px',
    align: 'right',
    quiet: true,
    cell: (row) => <RelativeTime timeMs={row.lastMs} />,
  },
]

/** Find an account by its id; below, those that were decided about or seen most recently. */
export function Screen() {
  const url = useUrl()
  const [id, setId] = useState('')
  const decisions = usePages(listDecisions, { query: {} }, { limit: 500, everyMs: 15_000 })
  const events = useRead(
    listEvents,
    { query: { limit: 200 } },
    { enabled: !decisions.first && decisions.items.length === 0 },
  )
  const rows = useMemo(
    () => accountsOf(decisions.items as Decision[], events.data?.items ?? []),
    [decisions.items, events.data],
  )
  const shown = useMemo(
    () => (id.trim() === '' ? rows : rows.filter((row) => row.actorId.includes(id.trim()))),
    [rows, id],
  )
  const open = (actorId: string) => url.go(path`/accounts/${actorId}`)
  useKeys('Accounts', [
    { keys: 'f', does: 'Find an account by id', run: () => document.getElementById('account-id')?.focus() },
  ])
  return (
    <Page
      title="Accounts"
      about="standing and history of the people, pages and bots on the platform"
      filters={
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault()
            if (isId(id.trim())) open(id.trim())
          }}
        >
          <TextInput
            id="account-id"
            aria-label="Account id"
            placeholder="Account id, as the platform knows it"
            value={id}
            onChange={(event) => setId(event.currentTarget.value)}
            w={280}
          />
          <Button type="submit" disabled={!isId(id.trim())}>
            Open account <KeyHint keys="Enter" />
          </Button>
        </form>
      }
    >
      {decisions.first ? (
        <SkeletonRows rows={12} what="accounts" />
      ) : decisions.error && decisions.items.length === 0 ? (
        <ErrorState what="Accounts" error={decisions.error} onRetry={decisions.refetch} />
      ) : (
        <VirtualTable
          rows={shown}
          columns={columns}
          rowKey={(row) => row.actorId}
          label="Accounts, newest decision first"
          rowPx={36}
          onOpen={(row) => open(row.actorId)}
          onMark={(row) => prefetch(getSubject, { params: { kind: 'actor', id: row.actorId } })}
          onNearEnd={decisions.loadMore}
          empty={
            <EmptyState
              icon={<IconUsers size={20} aria-hidden />}
              title={id.trim() === '' ? 'No account to show yet' : 'None of the newest accounts has this id'}
              why={
                id.trim() === ''
                  ? 'Accounts appear with their first event. Custos keeps no list of its own: any id that the platform uses can be opened above.'
                  : 'Press Enter to open it anyway: every id of the platform has a page.'
              }
            >
              {id.trim() === '' ? <DemoButton /> : null}
            </EmptyState>
          }
        />
      )}
    </Page>
  )
}
