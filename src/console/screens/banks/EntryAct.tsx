import { Radio, Select } from '@mantine/core'
import { useState } from 'react'
import {
  confirmBankEntry,
  disputeBankEntry,
  goLiveBankEntry,
  listBanks,
  moveBankEntry,
  previewBankEntry,
  quarantineBankEntry,
  releaseBankEntry,
  retireBankEntry,
  type BankEntry,
} from '../../../http/contract/banks.ts'
import { useChange, useRead } from '../../api.ts'
import { countOf } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { PastMatchesView } from './PastMatchesView.tsx'

/** What can be done with an entry: its words, its key and when it is offered. */
export const entryActs = {
  goLive: {
    act: 'Go live',
    key: 'l',
    says: 'It matches from the next event on.',
    undo: 'It can be quarantined or retired at any time.',
    reason: false,
  },
  quarantine: {
    act: 'Quarantine entry',
    key: 'q',
    says: 'It is held back until somebody has looked at it.',
    undo: 'It can be released again at any time. Decisions that rest on it are offered for the same remedy.',
    reason: true,
  },
  release: {
    act: 'Release entry',
    key: 'r',
    says: 'It matches again from the next event on.',
    undo: 'It can be quarantined again at any time.',
    reason: true,
  },
  retire: {
    act: 'Retire entry',
    key: 'x',
    says: 'It never matches again. Its record stays.',
    undo: 'A retired entry does not come back; add it anew if it was a mistake.',
    reason: true,
  },
  move: {
    act: 'Move entry',
    key: 'm',
    says: 'It matches by the thresholds of the other bank and counts there.',
    undo: 'It can be moved back at any time, with all its record.',
    reason: false,
  },
  confirm: {
    act: 'Confirm entry',
    key: 'y',
    says: 'You say that the entry is right. Where it came by an exchange that takes opinions, its sender hears of it.',
    undo: 'Dispute it later to take this back: your latest opinion counts.',
    reason: false,
  },
  dispute: {
    act: 'Dispute entry',
    key: 'n',
    says: 'You say that the entry is wrong. It goes on matching; the hygiene board lists it. Its sender may hear of it.',
    undo: 'Confirm it later to take this back: your latest opinion counts.',
    reason: true,
  },
} as const
export type EntryActName = keyof typeof entryActs

/** What is offered for an entry as it stands. */
export function actsFor({ status }: Pick<BankEntry, 'status'>): EntryActName[] {
  if (status === 'retired') return []
  return status === 'pending'
    ? ['goLive', 'retire', 'move']
    : [status === 'active' ? 'quarantine' : 'release', 'retire', 'move', 'confirm', 'dispute']
}

/** Asks before an act on an entry, with what follows from it. */
export function EntryAct({ name, entry, onClose }: { name: EntryActName; entry: BankEntry; onClose: () => void }) {
  const { bankId, entryId } = entry
  const params = { bankId, entryId }
  const url = useUrl()
  const { act, says, undo, reason } = entryActs[name]
  const [hold, setHold] = useState<'silent' | 'review'>('silent')
  const [toBankId, setToBankId] = useState<string | null>(null)
  const options = {
    touches: ['banks', 'hygiene', 'decisions', 'queues', 'jobs', 'exchanges'],
    quiet: true,
    onDone: onClose,
  }
  const changes = {
    goLive: useChange(goLiveBankEntry, { ...options, done: 'The entry matches from now on' }),
    quarantine: useChange(quarantineBankEntry, { ...options, done: 'The entry is quarantined' }),
    release: useChange(releaseBankEntry, { ...options, done: 'The entry matches again' }),
    retire: useChange(retireBankEntry, { ...options, done: 'The entry is retired' }),
    confirm: useChange(confirmBankEntry, { ...options, done: 'Your confirmation is noted' }),
    dispute: useChange(disputeBankEntry, { ...options, done: 'Your dispute is noted' }),
  }
  const move = useChange(moveBankEntry, {
    ...options,
    done: 'The entry was moved',
    onDone: (moved) => {
      onClose()
      url.replace(path`/banks/${moved.bankId}/${moved.entryId}`)
    },
  })
  const banks = useRead(listBanks, { query: { limit: 1_000 } }, { enabled: name === 'move', staleMs: 30_000 })
  const change = name === 'move' ? move : changes[name]
  const confirm = (words: string) => {
    const given = words === '' ? {} : { reason: words }
    const headers = { 'if-match': `"${entry.version}"` }
    if (name === 'move') {
      if (toBankId !== null) move.mutate({ params, body: { toBankId, ...given }, headers })
    } else if (name === 'goLive') changes.goLive.mutate({ params, body: given, headers })
    else if (name === 'confirm') changes.confirm.mutate({ params, body: given })
    else if (name === 'dispute') changes.dispute.mutate({ params, body: { reason: words } })
    else if (name === 'quarantine') changes.quarantine.mutate({ params, body: { reason: words, hold }, headers })
    else changes[name].mutate({ params, body: { reason: words }, headers })
  }
  return (
    <ConfirmWithPreview
      opened
      onClose={onClose}
      title={act}
      act={act}
      busy={change.isPending}
      error={change.error}
      undo={undo}
      ready={name !== 'move' || toBankId !== null}
      reason={{ label: 'Reason', required: reason, placeholder: 'Kept in the ledger' }}
      onConfirm={confirm}
    >
      <div className="stack" style={{ gap: 12 }}>
        <p style={{ margin: 0 }}>{says}</p>
        {name === 'goLive' || name === 'release' ? <Past bankId={bankId} entryId={entryId} /> : null}
        {name === 'quarantine' ? (
          <Radio.Group value={hold} onChange={(value) => setHold(value as typeof hold)} label="While it is held">
            <div className="stack" style={{ paddingTop: 8 }}>
              <Radio value="silent" size="xs" label="It does not match at all" />
              <Radio value="review" size="xs" label="It matches, and everything that it matches goes to a person" />
            </div>
          </Radio.Group>
        ) : null}
        {name === 'move' ? (
          <Select
            label="To bank"
            placeholder="Choose a bank"
            searchable
            data={(banks.data?.items ?? [])
              .filter((bank) => bank.bankId !== bankId)
              .map((bank) => ({ value: bank.bankId, label: bank.name }))}
            value={toBankId}
            onChange={setToBankId}
          />
        ) : null}
        {name === 'quarantine' || name === 'retire' ? (
          <p className="muted small" style={{ margin: 0 }}>
            {countOf(entry.matches, 'proposal rests', 'proposals rest')} on it;{' '}
            {countOf(entry.overturned, 'decision was', 'decisions were')} overturned.
          </p>
        ) : null}
      </div>
    </ConfirmWithPreview>
  )
}

/** What an entry would have matched in the past month. */
export function Past({ bankId, entryId }: { bankId: string; entryId: string }) {
  const past = useRead(
    previewBankEntry,
    { params: { bankId, entryId }, query: { days: 30, limit: 6 } },
    { staleMs: 60_000 },
  )
  if (past.error) return <p className="small muted">What it would have matched cannot be told now.</p>
  if (past.data === undefined) return <SkeletonRows rows={2} what="past matches" />
  return <PastMatchesView past={past.data} />
}
