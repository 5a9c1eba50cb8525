import { Button } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import {
  getBank,
  getBankEntry,
  quarantineBankEntry,
  releaseBankEntry,
  retireBankEntry,
} from '../../../http/contract/banks.ts'
import { useChange, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { path } from '../../frame/url.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { IntervalBar } from '../../parts/IntervalBar.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { EntryMatches } from './EntryMatches.tsx'
import { RetroPanel } from './RetroPanel.tsx'
import { precisionOf, statusTones } from './state.ts'

const acts = {
  quarantine: {
    route: quarantineBankEntry,
    act: 'Quarantine entry',
    key: 'q',
    undo: 'It can be released again at any time. Decisions that rest on it are offered for the same remedy.',
    says: 'It stops matching at once, until somebody has looked at it.',
  },
  release: {
    route: releaseBankEntry,
    act: 'Release entry',
    key: 'r',
    undo: 'It can be quarantined again at any time.',
    says: 'It matches again from the next event on.',
  },
  retire: {
    route: retireBankEntry,
    act: 'Retire entry',
    key: 'x',
    undo: 'A retired entry does not come back; add it anew if it was a mistake.',
    says: 'It never matches again. Its record stays.',
  },
} as const

/** One entry of a bank: what it is, what it matched, what people said about those matches. */
export function Screen() {
  const { bankId, entryId } = useParams({ strict: false }) as { bankId: string; entryId: string }
  const params = { bankId, entryId }
  const read = useRead(getBankEntry, { params }, { everyMs: 10_000 })
  const bank = useRead(getBank, { params: { bankId } })
  const may = useMay('banks:write')
  const [asking, setAsking] = useState<keyof typeof acts>()
  const options = { touches: ['banks', 'decisions', 'queues', 'jobs'], quiet: true, onDone: () => setAsking(undefined) }
  const changes = {
    quarantine: useChange(quarantineBankEntry, { ...options, done: 'The entry is quarantined' }),
    release: useChange(releaseBankEntry, { ...options, done: 'The entry matches again' }),
    retire: useChange(retireBankEntry, { ...options, done: 'The entry is retired' }),
  }
  const status = read.data?.status
  const offered = (
    !may || status === undefined || status === 'retired'
      ? []
      : status === 'active'
        ? ['quarantine', 'retire']
        : ['release', 'retire']
  ) as (keyof typeof acts)[]
  useKeys(
    'Bank entry',
    offered.map((name) => ({ keys: acts[name].key, does: acts[name].act, run: () => setAsking(name) })),
  )
  if (read.error && read.data === undefined)
    return (
      <Page title="Bank entry" crumbs={<Go to="/banks">Banks</Go>}>
        <ErrorState what="Bank entry" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    )
  if (read.data === undefined) return <SkeletonPage what="bank entry" />
  const entry = read.data
  const precision = precisionOf(entry)
  return (
    <Page
      title={entry.labels.join(', ') || 'Entry'}
      crumbs={
        <>
          <Go to="/banks">Banks</Go> / <Go to={path`/banks/${bankId}`}>{bank.data?.name ?? bankId}</Go>
        </>
      }
      about={<CopyId id={entry.entryId} label="entry id" />}
      acts={offered.map((name) => (
        <Button key={name} onClick={() => setAsking(name)}>
          {acts[name].act} <KeyHint keys={acts[name].key} />
        </Button>
      ))}
      scroll
    >
      <div className="columns">
        <div>
          <Panel title="Content">
            {entry.mediaSha256 === null ? (
              entry.text === null ? (
                <p className="muted">Only its hash is kept.</p>
              ) : (
                <p className="item-text" dir="auto">
                  {entry.text}
                </p>
              )
            ) : (
              <MediaTile media={{ id: entry.entryId, kind: 'photo', upload: entry.mediaSha256 }} sizePx={360} />
            )}
          </Panel>
          <RetroPanel bankId={bankId} entryId={entryId} />
          <EntryMatches entryId={entryId} />
        </div>
        <div>
          <Panel title="Record">
            <EvidenceList
              facts={[
                [
                  'Status',
                  <Badge key="s" tone={statusTones[entry.status]}>
                    {entry.status}
                  </Badge>,
                ],
                ['Why', entry.statusReason],
                ['Matches', entry.matches.toLocaleString('en')],
                [
                  'Last match',
                  entry.lastMatchMs === null ? 'never' : <RelativeTime key="l" timeMs={entry.lastMatchMs} />,
                ],
                ['Confirmed', `${entry.confirmed.toLocaleString('en')} by people`],
                ['Overturned', `${entry.overturned.toLocaleString('en')} on appeal`],
                [
                  'Precision',
                  <IntervalBar
                    key="p"
                    label="Share of its matches that people agreed with"
                    estimate={precision?.share}
                    low={precision?.low}
                    high={precision?.high}
                    of={precision?.of}
                  />,
                ],
              ]}
            />
          </Panel>
          <Panel title="Origin">
            <EvidenceList
              facts={[
                ['Added', <RelativeTime key="a" timeMs={entry.addedMs} />],
                ['By', <AuthorName key="b" author={entry.addedBy} />],
                ['Source', entry.source],
                ['Note', entry.note],
                ['Quality', entry.quality === null ? undefined : `${entry.quality} of 100`],
                ...Object.entries(entry.signals).map(
                  ([name, value]) =>
                    [name, <CopyId key={name} id={value} label={name} characters={22} />] as [string, React.ReactNode],
                ),
              ]}
            />
          </Panel>
        </div>
      </div>
      {asking === undefined ? null : (
        <ConfirmWithPreview
          opened
          onClose={() => setAsking(undefined)}
          title={acts[asking].act}
          act={acts[asking].act}
          busy={changes[asking].isPending}
          error={changes[asking].error}
          undo={acts[asking].undo}
          reason={{ label: 'Reason', required: true, placeholder: 'Kept in the ledger' }}
          onConfirm={(reason) => changes[asking].mutate({ params, body: { reason } })}
        >
          <p style={{ margin: 0 }}>{acts[asking].says}</p>
          <p className="muted" style={{ margin: '8px 0 0' }}>
            Proposals that rest on it: {entry.matches.toLocaleString('en')}; overturned:{' '}
            {entry.overturned.toLocaleString('en')}.
          </p>
        </ConfirmWithPreview>
      )}
    </Page>
  )
}
