import { IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import { Go } from '../frame/Go.tsx'
import { useNamed } from '../frame/people.ts'
import { path } from '../frame/url.ts'
import { AuthorName, automationText } from './AuthorName.tsx'
import { Badge } from './Badge.tsx'
import { CopyId } from './CopyId.tsx'
import { entryText, entryTone } from './entry-words.ts'
import { RelativeTime } from './RelativeTime.tsx'
import { SignalList } from './SignalRow.tsx'
import './entry.css'

export type EntryLike = {
  id: string
  kind: string
  occurredAtMs: number
  author: unknown
  automation: string
  because: { name: string; value: unknown; because: string }[]
  body: unknown
}

/** One ledger entry in a line that unfolds to its reasons and its body. */
export function EntryLine({ entry }: { entry: EntryLike }) {
  const [open, setOpen] = useState(false)
  const named = useNamed()
  const decisionId = (entry.body as { decisionId?: string } | null)?.decisionId
  return (
    <div className="entry-line">
      <button type="button" className="entry-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <IconChevronRight size={14} aria-hidden />
        <span className="grow">{named(entryText(entry))}</span>
        <RelativeTime timeMs={entry.occurredAtMs} className="faint small" />
      </button>
      {open ? (
        <div className="entry-body">
          <div className="row wrap small">
            <Badge tone={entryTone(entry.kind) ?? 'plain'}>{entry.kind}</Badge>
            <AuthorName author={entry.author} />
            <span className="muted">{automationText(entry.automation)}</span>
            {decisionId === undefined ? null : <Go to={path`/decisions/${decisionId}`}>Open decision</Go>}
            <CopyId id={entry.id} label="entry id" />
          </div>
          {entry.because.length > 0 ? <SignalList signals={entry.because} label="Because" /> : null}
          <pre tabIndex={0} aria-label="Body of the entry">
            {JSON.stringify(entry.body, null, 2)}
          </pre>
        </div>
      ) : null}
    </div>
  )
}
