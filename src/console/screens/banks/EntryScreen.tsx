import { Button, Menu } from '@mantine/core'
import { IconDots, IconPencil } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { getBank, getBankEntry, type BankEntry } from '../../../http/contract/banks.ts'
import { useRead } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { countOf } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EvidenceList, factsOf } from '../../parts/EvidenceList.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { kindOfSignals } from '../../parts/media-kind.ts'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { EntryAct, Past, actsFor, entryActs, type EntryActName } from './EntryAct.tsx'
import { EntryEdit } from './EntryEdit.tsx'
import { EntryMatches } from './EntryMatches.tsx'
import { RetroPanel } from './RetroPanel.tsx'
import { EntryExchange, EntryHistory, EntryOpinions } from './EntryOrigin.tsx'
import { EntryPrecision } from './EntryPrecision.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { entryTitle, precisionSources, statusText, statusTones } from './state.ts'
import './banks.css'

/** One entry of a bank: what it is, what it matched, who vouches for it, and what can be done with it. */
export function Screen() {
  const { bankId, entryId } = useParams({ strict: false }) as { bankId: string; entryId: string }
  const params = { bankId, entryId }
  const url = useUrl()
  const read = useRead(getBankEntry, { params }, { everyMs: 10_000 })
  const bank = useRead(getBank, { params: { bankId } })
  const may = useMay('banks:write')
  const [asking, setAsking] = useState<EntryActName>()
  const offered = may && read.data !== undefined ? actsFor(read.data) : []
  const mayEdit = offered.length > 0
  const edit = () => url.set({ edit: 'entry' })
  const stopEditing = () => url.set({ edit: undefined })
  useKeys('Bank entry', [
    ...offered.map((name) => ({ keys: entryActs[name].key, does: entryActs[name].act, run: () => setAsking(name) })),
    ...(mayEdit ? [{ keys: 'e', does: 'Edit labels, note and metadata', run: edit }] : []),
    { keys: 'u', does: 'Back to the bank', run: () => url.go(path`/banks/${bankId}`) },
  ])
  useCommands([
    ...offered.map((name) => ({ id: `entry-${name}`, title: entryActs[name].act, run: () => setAsking(name) })),
    ...(mayEdit ? [{ id: 'entry-edit', title: 'Edit entry', icon: IconPencil, run: edit }] : []),
  ])
  if (read.error && read.data === undefined)
    return (
      <Page title="Bank entry" crumbs={<Go to="/banks">Banks</Go>}>
        <ErrorState what="Bank entry" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    )
  if (read.data === undefined) return <SkeletonPage what="bank entry" />
  const entry = read.data
  const [first, second, ...rest] = offered
  return (
    <Page
      title={entryTitle(entry)}
      crumbs={
        <>
          <Go to="/banks">Banks</Go> / <Go to={path`/banks/${bankId}`}>{bank.data?.name ?? 'Bank'}</Go>
        </>
      }
      about={
        <>
          <Badge tone={statusTones[entry.status]}>{statusText(entry)}</Badge>{' '}
          <CopyId id={entry.entryId} label="entry id" />
        </>
      }
      acts={
        <>
          {mayEdit ? (
            <Button leftSection={<IconPencil size={14} aria-hidden />} onClick={edit}>
              Edit <KeyHint keys="e" />
            </Button>
          ) : null}
          {[first, second].map((name) =>
            name === undefined ? null : (
              <Button
                key={name}
                variant={name === 'goLive' || name === 'release' ? 'filled' : 'default'}
                onClick={() => setAsking(name)}
              >
                {entryActs[name].act} <KeyHint keys={entryActs[name].key} />
              </Button>
            ),
          )}
          {rest.length === 0 ? null : (
            <Menu position="bottom-end">
              <Menu.Target>
                <Button aria-label="More acts" px={8}>
                  <IconDots size={14} aria-hidden />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {rest.map((name) => (
                  <Menu.Item
                    key={name}
                    onClick={() => setAsking(name)}
                    rightSection={<KeyHint keys={entryActs[name].key} />}
                  >
                    {entryActs[name].act}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
          )}
        </>
      }
      scroll
    >
      {entry.statusReason === null || entry.status === 'active' ? null : (
        <p className="entry-why" data-tone={entry.status === 'quarantined' ? 'attention' : undefined}>
          <strong>{capitalised(statusText(entry))}</strong>
          {entry.statusMs === null ? null : (
            <>
              {' '}
              <RelativeTime timeMs={entry.statusMs} />
            </>
          )}
          : {entry.statusReason}
          {entry.mergedInto === null ? null : (
            <>
              {' '}
              <Go to={path`/banks/${bankId}/${entry.mergedInto}`}>The entry that was kept</Go>
            </>
          )}
        </p>
      )}
      <div className="columns">
        <div>
          <Panel title="Content">
            <Content entry={entry} />
          </Panel>
          {entry.status === 'pending' ? (
            <Panel title="Before it goes live">
              <Past bankId={bankId} entryId={entryId} />
            </Panel>
          ) : (
            <RetroPanel bankId={bankId} entryId={entryId} active={entry.status === 'active'} />
          )}
          <EntryMatches entryId={entryId} />
          <EntryHistory bankId={bankId} entryId={entryId} />
        </div>
        <div>
          <Panel title="Record">
            <EvidenceList
              facts={[
                ['Right', <EntryPrecision key="p" entry={entry} />],
                ...precisionSources(entry.precision),
                ['Matches', entry.matches.toLocaleString('en')],
                [
                  'Last match',
                  entry.lastMatchMs === null ? 'never' : <RelativeTime key="l" timeMs={entry.lastMatchMs} />,
                ],
                ['Confirmed', `${entry.confirmed.toLocaleString('en')} of its matches, by people`],
                ['Dismissed', `${entry.dismissed.toLocaleString('en')} of its matches, by people`],
                ['Overturned', `${countOf(entry.overturned, 'decision')} on appeal`],
                ['Opinions', `${countOf(entry.confirmations, 'confirmation')}, ${countOf(entry.disputes, 'dispute')}`],
              ]}
            />
          </Panel>
          <EntryOpinions bankId={bankId} entryId={entryId} may={mayEdit} onGive={setAsking} />
          <EntryExchange bankId={bankId} entryId={entryId} />
          <Panel title="Origin">
            <EvidenceList
              facts={[
                ['Added', <RelativeTime key="a" timeMs={entry.addedMs} />],
                ['By', <AuthorName key="b" author={entry.addedBy} />],
                [
                  'Import',
                  entry.importId === null ? undefined : (
                    <Go key="i" to={path`/banks/${bankId}`} search={{ import: entry.importId }}>
                      its whole import
                    </Go>
                  ),
                ],
                ['Source', entry.source],
                ['Note', entry.note],
                ['Ends', entry.expiresMs === null ? undefined : <RelativeTime key="e" timeMs={entry.expiresMs} />],
                ...factsOf(entry.metadata),
              ]}
            />
          </Panel>
        </div>
      </div>
      {asking === undefined ? null : <EntryAct name={asking} entry={entry} onClose={() => setAsking(undefined)} />}
      {url.search['edit'] === 'entry' && mayEdit ? <EntryEdit entry={entry} onClose={stopEditing} /> : null}
    </Page>
  )
}

const capitalised = (text: string) => text.replace(/^./, (letter) => letter.toUpperCase())

function Content({ entry }: { entry: BankEntry }) {
  const types = useSignalTypes()
  const signals = Object.entries(entry.signals)
  return (
    <>
      {entry.mediaSha256 !== null ? (
        <MediaTile
          media={{ id: entry.entryId, kind: kindOfSignals(entry.signals), upload: entry.mediaSha256 }}
          sizePx={360}
        />
      ) : entry.text !== null ? (
        <p className="item-text" dir="auto">
          {entry.text}
        </p>
      ) : (
        <p className="muted" style={{ margin: 0 }}>
          Only hashes are kept: nobody can look at the content here.
        </p>
      )}
      {entry.labels.length === 0 ? null : (
        <div className="row wrap" style={{ marginTop: 8 }}>
          {entry.labels.map((label) => (
            <Go key={label} to={path`/banks/${entry.bankId}`} search={{ label }}>
              <Badge>{label}</Badge>
            </Go>
          ))}
        </div>
      )}
      <details className="small" style={{ marginTop: 8 }} open={entry.mediaSha256 === null && entry.text === null}>
        <summary>
          {countOf(signals.length, 'signal')}
          {entry.quality === null ? '' : ` · quality ${entry.quality} of 100`}
        </summary>
        <EvidenceList
          facts={signals.map(([name, value]) => [
            types.title(name),
            <CopyId key={name} id={value} label={types.title(name)} characters={46} />,
          ])}
        />
      </details>
    </>
  )
}
