import { Button, Menu, Tabs } from '@mantine/core'
import { IconDownload, IconFileImport, IconPhotoPlus } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { exportBank } from '../../../http/contract/bank-imports.ts'
import { getBank } from '../../../http/contract/banks.ts'
import { client, useRead } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { AddEntry } from './AddEntry.tsx'
import { BankEntries } from './BankEntries.tsx'
import { BankHistory } from './BankHistory.tsx'
import { BankSettings } from './BankSettings.tsx'
import { DuplicateGroups } from './DuplicateGroups.tsx'
import { ImportDialog } from './ImportDialog.tsx'
import { Imports } from './Imports.tsx'
import { actionWords, entriesText } from './state.ts'
import './banks.css'

const tabs = ['entries', 'imports', 'duplicates', 'settings', 'history'] as const

/** One bank: its entries, how they came, which are nearly the same, and how it matches. */
export function Screen() {
  const { bankId } = useParams({ strict: false }) as { bankId: string }
  const url = useUrl()
  const mayWrite = useMay('banks:write')
  const mayAudit = useMay('audit:read')
  const bank = useRead(getBank, { params: { bankId } }, { everyMs: 10_000 })
  const own = bank.data !== undefined && bank.data.subscription === null
  const may = mayWrite && own
  const tab = (tabs as readonly string[]).includes(url.search['tab'] ?? '') ? url.search['tab']! : 'entries'
  const making = url.search['new']
  const add = () => url.set({ new: 'entry' })
  const bring = () => url.set({ new: 'import' })
  const show = (to: string) => url.set({ tab: to === 'entries' ? undefined : to })
  const save = (format: 'ndjson' | 'csv') => {
    window.location.assign(client.url(exportBank, { params: { bankId }, query: { format } }))
  }
  useKeys('Bank', [
    ...(may
      ? [
          { keys: 'a', does: 'Add an entry', run: add },
          { keys: 'i', does: 'Import many entries', run: bring },
        ]
      : []),
    { keys: ',', does: 'Settings of the bank', run: () => show('settings') },
    { keys: 'd', does: 'Near-duplicates', run: () => show('duplicates') },
  ])
  useCommands([
    ...(may
      ? [
          { id: 'bank-add', title: 'Add an entry to this bank', icon: IconPhotoPlus, run: add },
          { id: 'bank-import', title: 'Import many entries into this bank', icon: IconFileImport, run: bring },
        ]
      : []),
    { id: 'bank-export', title: 'Export this bank as NDJSON', icon: IconDownload, run: () => save('ndjson') },
    { id: 'bank-export-csv', title: 'Export this bank as CSV', icon: IconDownload, run: () => save('csv') },
  ])
  if (bank.error && bank.data === undefined)
    return (
      <Page title="Bank" crumbs={<Go to="/banks">Banks</Go>}>
        <ErrorState what="Bank" error={bank.error} onRetry={() => void bank.refetch()} />
      </Page>
    )
  if (bank.data === undefined) return <SkeletonPage what="bank" />
  const held = bank.data
  return (
    <Page
      title={held.name}
      crumbs={<Go to="/banks">Banks</Go>}
      about={
        <>
          {entriesText(held)} · a match should {actionWords[held.action] ?? held.action}{' '}
          {held.negative ? <Badge>never report</Badge> : null}{' '}
          {held.enabled ? null : <Badge tone="attention">switched off: nothing of it matches</Badge>}{' '}
          {own ? null : <Badge tone="accent">shared by {held.ownerTenantId}</Badge>}
        </>
      }
      acts={
        <>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button leftSection={<IconDownload size={14} aria-hidden />}>Export</Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => save('ndjson')}>NDJSON: everything, one entry a line</Menu.Item>
              <Menu.Item onClick={() => save('csv')}>CSV: hashes, labels and sources</Menu.Item>
            </Menu.Dropdown>
          </Menu>
          {may ? (
            <>
              <Button leftSection={<IconFileImport size={14} aria-hidden />} onClick={bring}>
                Import <KeyHint keys="i" />
              </Button>
              <Button variant="filled" leftSection={<IconPhotoPlus size={14} aria-hidden />} onClick={add}>
                Add entry <KeyHint keys="a" />
              </Button>
            </>
          ) : null}
        </>
      }
      filters={
        <Tabs value={tab} onChange={(value) => show(value ?? 'entries')} className="bank-views">
          <Tabs.List>
            <Tabs.Tab value="entries">Entries</Tabs.Tab>
            <Tabs.Tab value="imports">Imports</Tabs.Tab>
            <Tabs.Tab value="duplicates">Near-duplicates</Tabs.Tab>
            <Tabs.Tab value="settings">Settings</Tabs.Tab>
            {mayAudit ? <Tabs.Tab value="history">History</Tabs.Tab> : null}
          </Tabs.List>
        </Tabs>
      }
    >
      {tab === 'entries' ? (
        <BankEntries bank={held} may={may} onAdd={add} onImport={bring} />
      ) : (
        <div className="page-scroll bank-tab" tabIndex={0} role="region" aria-label={tab}>
          {tab === 'imports' ? (
            <Imports bankId={bankId} may={may} onImport={bring} />
          ) : tab === 'duplicates' ? (
            <DuplicateGroups bankId={bankId} may={may} />
          ) : tab === 'settings' ? (
            <BankSettings key={held.bankId} bank={held} may={mayWrite} />
          ) : mayAudit ? (
            <BankHistory bankId={bankId} />
          ) : null}
        </div>
      )}
      <AddEntry bankId={bankId} opened={making === 'entry' && may} onClose={() => url.set({ new: undefined })} />
      <ImportDialog
        bankId={bankId}
        opened={making === 'import' && may}
        onClose={() => url.set({ new: undefined })}
        onSent={() => url.set({ new: undefined, tab: 'imports' })}
      />
    </Page>
  )
}
