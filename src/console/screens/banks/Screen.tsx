import { Button, Modal, SegmentedControl, Select, Switch, Textarea, TextInput } from '@mantine/core'
import { IconPhoto, IconPlus, IconShare } from '@tabler/icons-react'
import { useState } from 'react'
import { listBanks, makeBank, subscribeBank, type Bank } from '../../../http/contract/banks.ts'
import { bankPrecision } from '../../../http/contract/hygiene.ts'
import { useChange, usePages, useRead } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { useStaffName } from '../../frame/people.ts'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { path, useUrl } from '../../frame/url.ts'
import { FormError } from '../../parts/FormError.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { BankTabs } from './BankTabs.tsx'
import { PrecisionBar } from './EntryPrecision.tsx'
import { actionWords, entriesText, sharingText } from './state.ts'
import './banks.css'

const columns: Column<Bank>[] = [
  {
    key: 'name',
    title: 'Bank',
    width: 'minmax(180px, 2fr)',
    narrow: 'minmax(120px, 1fr)',
    cell: (bank) => (
      <span className="bank-cell">
        <span className="row">
          <span className="clip bank-name">{bank.name}</span>
          {bank.negative ? <Badge>never report</Badge> : null}
          {bank.enabled ? null : <Badge tone="attention">off</Badge>}
        </span>
        <span className="clip faint small">{bank.purpose || 'No purpose is written down'}</span>
      </span>
    ),
  },
  {
    key: 'entries',
    title: 'Entries',
    width: 'minmax(150px, 1.2fr)',
    narrow: '128px',
    cell: (bank) => <EntriesBar bank={bank} />,
  },
  {
    key: 'action',
    title: 'A match should',
    width: '120px',
    wide: true,
    cell: (bank) => actionWords[bank.action] ?? bank.action,
  },
  {
    key: 'precision',
    title: 'Right, where judged',
    width: '160px',
    wide: true,
    cell: (bank) => <BankPrecision bank={bank} />,
  },
  {
    key: 'owner',
    title: 'Owner',
    width: 'minmax(80px, 130px)',
    quiet: true,
    wide: true,
    cell: (bank) => (bank.owner === null ? <span className="faint">nobody</span> : <Owner personId={bank.owner} />),
  },
  { key: 'shared', title: 'Shared with', width: '100px', quiet: true, wide: true, cell: sharingText },
  {
    key: 'made',
    title: 'Made',
    width: '80px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (bank) => <RelativeTime timeMs={bank.createdMs} />,
  },
]

/** How often matches of all of its entries were found right; one question for all banks of the table. */
function BankPrecision({ bank }: { bank: Bank }) {
  const all = useRead(bankPrecision, { query: {} }, { enabled: bank.subscription === null, staleMs: 60_000 })
  const known = all.data?.items.find(({ bankId }) => bankId === bank.bankId)?.precision
  return <PrecisionBar precision={known} label={`Matches of ${bank.name} that were found right`} />
}

/** How many entries match, and how many are held back: the bar says the shares, the words the counts. */
function EntriesBar({ bank }: { bank: Bank }) {
  const { active, pending, quarantined, retired } = bank.entries
  const all = active + pending + quarantined + retired
  const parts = [
    ['active', active],
    ['pending', pending],
    ['quarantined', quarantined],
    ['retired', retired],
  ] as const
  return (
    <span className="bank-cell" title={entriesText(bank)}>
      <span>{entriesText(bank)}</span>
      <span className="entries-bar" aria-hidden="true">
        {parts.map(([status, count]) =>
          count === 0 ? null : <i key={status} data-status={status} style={{ width: `${(count / all) * 100}%` }} />,
        )}
      </span>
    </span>
  )
}

function Owner({ personId }: { personId: string }) {
  return <span className="clip">{useStaffName(personId)}</span>
}

const whose = { own: 'Our own', subscribed: 'Subscribed', offered: 'Offered to us' } as const

const subscribeCell = (bank: Bank) => <Subscribe bankId={bank.bankId} />

function Subscribe({ bankId }: { bankId: string }) {
  const subscribe = useChange(subscribeBank, {
    touches: ['banks'],
    done: 'Subscribed: it is matched against from now on',
  })
  return (
    <Button
      size="compact-xs"
      loading={subscribe.isPending}
      onClick={(event) => {
        event.stopPropagation()
        subscribe.mutate({ params: { bankId }, body: {} })
      }}
    >
      Subscribe
    </Button>
  )
}

/** Banks of known content. */
export function Screen() {
  const url = useUrl()
  const may = useMay('banks:write')
  const shared = (url.search['whose'] ?? 'own') as keyof typeof whose
  const banks = usePages(listBanks, { query: shared === 'own' ? {} : { shared } }, { everyMs: 10_000 })
  const making = url.search['new'] === 'bank'
  const begin = () => url.set({ new: 'bank' })
  useKeys('Banks', may ? [{ keys: 'c', does: 'Create a bank', run: begin }] : [])
  useCommands(may ? [{ id: 'new-bank', title: 'Create a bank', icon: IconPlus, run: begin }] : [])
  return (
    <Page
      title="Banks"
      about="known content, found again in copies and edits"
      acts={
        may ? (
          <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={begin}>
            Create bank <KeyHint keys="c" />
          </Button>
        ) : null
      }
      filters={
        <>
          <BankTabs />
          <SegmentedControl
            aria-label="Whose banks"
            value={shared}
            onChange={(value) => url.set({ whose: value === 'own' ? undefined : value })}
            data={Object.entries(whose).map(([value, label]) => ({ value, label }))}
          />
        </>
      }
    >
      {banks.first ? (
        <SkeletonRows what="banks" />
      ) : banks.error && banks.items.length === 0 ? (
        <ErrorState what="Banks" error={banks.error} onRetry={banks.refetch} />
      ) : (
        <VirtualTable
          rows={banks.items}
          columns={
            shared === 'offered' && may
              ? [
                  ...columns.slice(0, -1),
                  {
                    key: 'subscribe',
                    title: '',
                    width: '104px',
                    narrow: '104px',
                    align: 'right',
                    cell: subscribeCell,
                  },
                ]
              : columns
          }
          rowKey={(bank) => bank.bankId}
          label="Banks"
          rowPx={52}
          onOpen={(bank) => url.go(path`/banks/${bank.bankId}`)}
          onNearEnd={banks.loadMore}
          autoFocus
          empty={
            shared !== 'own' ? (
              <EmptyState
                icon={<IconShare size={20} aria-hidden />}
                title={shared === 'offered' ? 'No bank is offered to us' : 'We subscribe to no bank'}
                why="Other tenants of this installation can share a bank; its entries then match here too, with thresholds and an action of our own. Entries from elsewhere come through exchanges."
              >
                <Button onClick={() => url.go('/banks/exchanges')}>Open exchanges</Button>
              </EmptyState>
            ) : (
              <EmptyState
                icon={<IconPhoto size={20} aria-hidden />}
                title="No bank yet"
                why="A bank holds photos and texts that you know; every new item is compared with them, also when it was resized, recompressed or lightly edited."
              >
                {may ? (
                  <Button variant="filled" onClick={begin}>
                    Create bank
                  </Button>
                ) : null}
                <DemoButton />
              </EmptyState>
            )
          }
        />
      )}
      <MakeBank opened={making} onClose={() => url.set({ new: undefined })} />
    </Page>
  )
}

function MakeBank({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const url = useUrl()
  const [name, setName] = useState('')
  const [purpose, setPurpose] = useState('')
  const [action, setAction] = useState<'observe' | 'label' | 'review' | 'remove'>('review')
  const [negative, setNegative] = useState(false)
  const make = useChange(makeBank, {
    touches: ['banks'],
    done: (bank) => `Bank “${bank.name}” was made`,
    onDone: (bank) => url.go(path`/banks/${bank.bankId}`),
    quiet: true,
  })
  return (
    <Modal opened={opened} onClose={onClose} title={<h2>Create bank</h2>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate({ body: { name: name.trim(), purpose: purpose.trim(), action, negative } })
        }}
      >
        <TextInput
          label="Name"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <Textarea
          label="Purpose"
          description="What belongs in it, and what does not"
          value={purpose}
          onChange={(event) => setPurpose(event.currentTarget.value)}
          autosize
          minRows={2}
        />
        <Select
          label="A match should"
          description="What its owner wants; rules decide"
          data={Object.entries(actionWords).map(([value, label]) => ({ value, label }))}
          value={action}
          onChange={(value) => setAction((value ?? 'review') as typeof action)}
          allowDeselect={false}
        />
        <Switch
          label="Never report what is in it"
          description="Its matches silence those of other banks: for memes, logos and other innocent look-alikes"
          checked={negative}
          onChange={(event) => setNegative(event.currentTarget.checked)}
        />
        <FormError error={make.error} />
        <Button type="submit" variant="filled" loading={make.isPending}>
          Create bank
        </Button>
      </form>
    </Modal>
  )
}
