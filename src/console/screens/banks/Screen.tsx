import { Button, Modal, Select, Switch, Textarea, TextInput } from '@mantine/core'
import { IconPhoto, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { listBanks, makeBank, type Bank } from '../../../http/contract/banks.ts'
import { problemOf, problemText, useChange, usePages } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { actionWords, entriesText } from './state.ts'

const columns: Column<Bank>[] = [
  {
    key: 'name',
    title: 'Bank',
    width: 'minmax(140px, 1fr)',
    cell: (bank) => (
      <span className="row">
        <span className="clip" style={{ fontWeight: 500 }}>
          {bank.name}
        </span>
        {bank.negative ? <Badge>never report</Badge> : null}
      </span>
    ),
  },
  {
    key: 'purpose',
    title: 'Purpose',
    width: 'minmax(120px, 1.5fr)',
    quiet: true,
    wide: true,
    cell: (bank) => bank.purpose,
  },
  { key: 'action', title: 'A match should', width: '130px', cell: (bank) => actionWords[bank.action] ?? bank.action },
  { key: 'entries', title: 'Entries', width: 'minmax(90px, 200px)', align: 'right', cell: (bank) => entriesText(bank) },
  {
    key: 'made',
    title: 'Made',
    width: '88px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (bank) => <RelativeTime timeMs={bank.createdMs} />,
  },
]

/** Banks of known content. */
export function Screen() {
  const url = useUrl()
  const may = useMay('banks:write')
  const banks = usePages(listBanks, { query: {} }, { everyMs: 10_000 })
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
    >
      {banks.first ? (
        <SkeletonRows what="banks" />
      ) : banks.error && banks.items.length === 0 ? (
        <ErrorState what="Banks" error={banks.error} onRetry={banks.refetch} />
      ) : (
        <VirtualTable
          rows={banks.items}
          columns={columns}
          rowKey={(bank) => bank.bankId}
          label="Banks"
          rowPx={40}
          onOpen={(bank) => url.go(path`/banks/${bank.bankId}`)}
          onNearEnd={banks.loadMore}
          autoFocus
          empty={
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
        {make.error ? (
          <p role="alert" className="small" style={{ color: 'var(--harm)', margin: 0 }}>
            {problemOf(make.error).title}. {problemText(make.error)}
          </p>
        ) : null}
        <Button type="submit" variant="filled" loading={make.isPending}>
          Create bank
        </Button>
      </form>
    </Modal>
  )
}
