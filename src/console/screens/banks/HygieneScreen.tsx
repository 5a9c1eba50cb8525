import { Button, Select } from '@mantine/core'
import {
  IconBucketDroplet,
  IconCalendarX,
  IconCopyCheck,
  IconFileDescription,
  IconHeartbeat,
  IconLock,
  IconMessageReport,
  IconMoodEmpty,
  IconTargetOff,
  type TablerIcon,
} from '@tabler/icons-react'
import { useState, type ReactNode } from 'react'
import { listBanks, type BankEntry } from '../../../http/contract/banks.ts'
import { hygieneBoard } from '../../../http/contract/hygiene.ts'
import { useRead } from '../../api.ts'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { countOf } from '../../frame/time.ts'
import { useUrl } from '../../frame/url.ts'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { Sparkline } from '../../parts/Sparkline.tsx'
import { BankTabs } from './BankTabs.tsx'
import { Canaries } from './Canaries.tsx'
import { CareRow } from './CareRow.tsx'
import { Group } from './DuplicateGroups.tsx'
import { EntryAct, type EntryActName } from './EntryAct.tsx'
import { EntryPrecision } from './EntryPrecision.tsx'
import { precisionSources } from './state.ts'
import './banks.css'
import './hygiene.css'

type Section = {
  key: string
  title: string
  icon: TablerIcon
  count: number
  /** What it means, and what is done about it. */
  means: string
  /** What is said where there is nothing. */
  none: string
  rows: ReactNode
  shown: number
}

/** What needs care in the banks: each kind with a sentence of what it means and the act that settles it. */
export function Screen() {
  const url = useUrl()
  const may = useMay('banks:write')
  const bankId = url.search['bank']
  const all = url.search['all'] === '1'
  const banks = useRead(listBanks, { query: { limit: 1_000 } }, { staleMs: 30_000 })
  const board = useRead(
    hygieneBoard,
    { query: { limit: all ? 200 : 6, ...(bankId === undefined ? {} : { bankId }) } },
    { everyMs: 15_000, keep: true },
  )
  const [asking, setAsking] = useState<{ act: EntryActName; entry: BankEntry }>()
  useKeys('Hygiene', [
    { keys: 'v', does: 'Show all, or the first of each', run: () => url.set({ all: all ? undefined : '1' }) },
  ])
  if (board.error && board.data === undefined)
    return (
      <Page title="Bank hygiene">
        <ErrorState what="Hygiene" error={board.error} onRetry={() => void board.refetch()} />
      </Page>
    )
  if (board.data === undefined) return <SkeletonPage what="hygiene" />
  const { counts } = board.data
  const nameOf = (id: string) => banks.data?.items.find((bank) => bank.bankId === id)?.name ?? 'Bank'
  const row = (entry: BankEntry, why: ReactNode, acts: EntryActName[]) => (
    <CareRow
      key={entry.entryId}
      entry={entry}
      bankName={nameOf(entry.bankId)}
      why={why}
      acts={may ? acts : []}
      onAct={(act) => setAsking({ act, entry })}
    />
  )
  const opinionsText = ({ disputes, confirmations, precision: { peers } }: BankEntry) =>
    `${countOf(disputes, 'dispute')}, ${countOf(confirmations, 'confirmation')} here` +
    (peers.right + peers.wrong === 0
      ? ''
      : `; ${countOf(peers.wrong, 'follower disputes', 'followers dispute')} it, ${countOf(peers.right, 'confirms', 'confirm')} it`)
  const last = (entry: BankEntry) =>
    entry.lastMatchMs === null ? (
      <>
        added <RelativeTime timeMs={entry.addedMs} />, no match since
      </>
    ) : (
      <>
        last match <RelativeTime timeMs={entry.lastMatchMs} />
      </>
    )
  const sections: Section[] = [
    {
      key: 'quarantined',
      title: 'Quarantined',
      icon: IconLock,
      count: counts.quarantined,
      means: 'Held back until somebody has looked. Release what is right; retire what is not.',
      none: 'No entry is held back.',
      shown: board.data.quarantined.length,
      rows: board.data.quarantined.map((entry) =>
        row(entry, entry.statusReason ?? 'no reason is kept', ['release', 'retire']),
      ),
    },
    {
      key: 'floods',
      title: 'Floods',
      icon: IconBucketDroplet,
      count: counts.floods,
      means:
        'Match far more than their own past would have led one to expect: a wave, or an entry that fits innocent content.',
      none: 'Every entry matches about as much as before.',
      shown: board.data.floods.length,
      rows: board.data.floods.map(({ entry, matches, expected, windowMinutes, perDay }) =>
        row(
          entry,
          <span className="row wrap">
            <span>
              <strong>{countOf(matches, 'match', 'matches')}</strong> in {windowMinutes} min, expected{' '}
              {expected.toLocaleString('en', { maximumFractionDigits: 1 })}
            </span>
            {perDay.length > 1 ? (
              <Sparkline values={perDay.map((day) => day.matches)} label="Matches per day" width={72} height={18} />
            ) : null}
          </span>,
          entry.status === 'quarantined' ? ['release', 'retire'] : ['quarantine', 'retire'],
        ),
      ),
    },
    {
      key: 'lowPrecision',
      title: 'Low precision',
      icon: IconTargetOff,
      count: counts.lowPrecision,
      means:
        'Their matches were found wrong, here, by other teams or by followers, more often than the settings allow.',
      none: 'No entry is wrong more often than the settings allow.',
      shown: board.data.lowPrecision.length,
      rows: board.data.lowPrecision.map((entry) =>
        row(
          entry,
          <span className="row wrap">
            <EntryPrecision entry={entry} />
            {precisionSources(entry.precision).map(([name, words]) => (
              <span key={name}>
                {name}: {words}
              </span>
            ))}
          </span>,
          entry.status === 'quarantined' ? ['release', 'retire'] : ['quarantine', 'retire'],
        ),
      ),
    },
    {
      key: 'disputed',
      title: 'Disputed',
      icon: IconMessageReport,
      count: counts.disputed,
      means: 'Somebody says that they are wrong. Look, then confirm, quarantine or retire them.',
      none: 'Nobody says that an entry is wrong.',
      shown: board.data.disputed.length,
      rows: board.data.disputed.map((entry) =>
        row(entry, opinionsText(entry), [
          'confirm',
          entry.status === 'quarantined' ? 'release' : 'quarantine',
          'retire',
        ]),
      ),
    },
    {
      key: 'duplicates',
      title: 'Near-duplicates',
      icon: IconCopyCheck,
      count: counts.duplicateGroups,
      means: 'Entries of one bank that match each other: their record is split. Merge each group into one entry.',
      none: 'No two entries are nearly the same.',
      shown: board.data.duplicateGroups.length,
      rows: board.data.duplicateGroups.map((group) => (
        <Group key={group.groupId} group={group} may={may} bankName={nameOf(group.bankId)} />
      )),
    },
    {
      key: 'expiring',
      title: 'Ending soon',
      icon: IconCalendarX,
      count: counts.expiring,
      means: 'End within a week and stop matching then. Edit an entry to keep it longer.',
      none: 'No entry ends within a week.',
      shown: board.data.expiring.length,
      rows: board.data.expiring.map((entry) =>
        row(
          entry,
          entry.expiresMs === null ? (
            'ends with its bank'
          ) : (
            <>
              ends <RelativeTime timeMs={entry.expiresMs} />
            </>
          ),
          ['retire'],
        ),
      ),
    },
    {
      key: 'agedOut',
      title: 'Aged out',
      icon: IconMoodEmpty,
      count: counts.agedOut + counts.neverMatched,
      means:
        'Without a match for as long as their bank allows, or for 30 days since they came. Retire what is no longer of use.',
      none: 'Every entry has matched lately, or is new.',
      shown: board.data.agedOut.length + board.data.neverMatched.length,
      rows: [...board.data.agedOut, ...board.data.neverMatched]
        .filter((entry, at, both) => both.findIndex(({ entryId }) => entryId === entry.entryId) === at)
        .map((entry) => row(entry, last(entry), ['retire'])),
    },
  ]
  const busy = sections.filter(({ count }) => count > 0)
  const quiet = sections.filter(({ count }) => count === 0)
  return (
    <Page
      title="Bank hygiene"
      about="what needs care, so that matches stay right"
      filters={
        <>
          <BankTabs />
          <Select
            aria-label="Bank"
            placeholder="All banks"
            clearable
            searchable
            w={200}
            value={bankId ?? null}
            onChange={(value) => url.set({ bank: value ?? undefined })}
            data={(banks.data?.items ?? []).map((bank) => ({ value: bank.bankId, label: bank.name }))}
          />
          {counts.drafts > 0 ? (
            <span className="muted small row">
              <IconFileDescription size={14} aria-hidden /> {countOf(counts.drafts, 'draft waits', 'drafts wait')} to go
              live
            </span>
          ) : null}
        </>
      }
      scroll
    >
      <div className="care-board">
        {busy.length === 0 ? (
          <p className="care-well" role="status">
            <IconHeartbeat size={16} aria-hidden /> Nothing needs care. What does will appear here by itself: held
            entries, floods, wrong matches, duplicates, and entries of no more use.
          </p>
        ) : null}
        {busy.map(({ key, title, icon: Icon, count, means, rows, shown }) => (
          <section key={key} className="panel care" aria-labelledby={`care-${key}`}>
            <div className="care-head">
              <Icon size={16} aria-hidden />
              <h2 id={`care-${key}`}>
                {title} <span className="care-count">{count.toLocaleString('en')}</span>
              </h2>
              <p className="muted small">{means}</p>
            </div>
            <div className={key === 'duplicates' ? 'care-groups' : undefined}>{rows}</div>
            {shown < count && !all ? (
              <Button variant="subtle" size="compact-xs" m={8} onClick={() => url.set({ all: '1' })}>
                Show all {count.toLocaleString('en')}
              </Button>
            ) : null}
          </section>
        ))}
        <Canaries
          canaries={board.data.canaries}
          banks={(banks.data?.items ?? []).filter((bank) => bank.subscription === null)}
          bankId={bankId}
          may={may}
        />
        {quiet.length === 0 ? null : (
          <section className="panel care" aria-labelledby="care-well">
            <div className="care-head">
              <IconHeartbeat size={16} aria-hidden />
              <h2 id="care-well">All well</h2>
              <p className="muted small">Looked at all the time; these appear above when something turns up.</p>
            </div>
            <ul className="care-quiet">
              {quiet.map(({ key, title, icon: Icon, none }) => (
                <li key={key}>
                  <Icon size={14} aria-hidden />
                  <strong>{title}</strong>
                  <span className="muted">{none}</span>
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
      {asking === undefined ? null : (
        <EntryAct name={asking.act} entry={asking.entry} onClose={() => setAsking(undefined)} />
      )}
    </Page>
  )
}
