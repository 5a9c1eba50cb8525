import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import type { BankEntry } from '../../../http/contract/banks.ts'
import { Go } from '../../frame/Go.tsx'
import { useNamed } from '../../frame/people.ts'
import { countOf } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { EntryThumb } from './EntryThumb.tsx'
import { entryActs, type EntryActName } from './EntryAct.tsx'
import { entryTitle, hashOnlyText } from './state.ts'

/** An entry that needs care: what it is, why it is here, and what can be done. */
export function CareRow({
  entry,
  bankName,
  why,
  acts,
  onAct,
}: {
  entry: BankEntry
  bankName: string
  why: ReactNode
  acts: EntryActName[]
  onAct: (act: EntryActName) => void
}) {
  const named = useNamed()
  const types = useSignalTypes()
  return (
    <div className="care-row">
      <EntryThumb entry={entry} sizePx={44} />
      <span className="bank-cell">
        <Go to={path`/banks/${entry.bankId}/${entry.entryId}`} className="clip bank-name">
          {entryTitle(entry)}
        </Go>
        <span className="clip faint small">
          {bankName} · {entry.text ?? hashOnlyText(entry.signals, types)} · {countOf(entry.matches, 'match', 'matches')}
        </span>
      </span>
      <span className="care-why small">{typeof why === 'string' ? named(why) : why}</span>
      <span className="row care-acts">
        {acts.map((name) => (
          <Button
            key={name}
            size="compact-xs"
            onClick={() => onAct(name)}
            aria-label={`${entryActs[name].act}: ${entryTitle(entry)}`}
          >
            {entryActs[name].act.replace(' entry', '')}
          </Button>
        ))}
      </span>
    </div>
  )
}
