import { Button } from '@mantine/core'
import { IconFileImport } from '@tabler/icons-react'
import { useState } from 'react'
import {
  cancelImport,
  goLiveImport,
  importErrors,
  listImports,
  undoImport,
  type BankImport,
} from '../../../http/contract/bank-imports.ts'
import { client, useChange, usePages } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { ImportErrors } from './ImportErrors.tsx'
import { ProgressBar } from './ProgressBar.tsx'
import { importText, importWords } from './state.ts'

const tones = {
  receiving: 'accent',
  running: 'accent',
  done: 'plain',
  cancelled: 'plain',
  failed: 'attention',
  undone: 'plain',
} as const

/** Imports of a bank, latest first: how far they are, what was refused and why, and one step back. */
export function Imports({ bankId, may, onImport }: { bankId: string; may: boolean; onImport: () => void }) {
  const [fast, setFast] = useState(true)
  const imports = usePages(listImports, { params: { bankId } }, { everyMs: fast ? 700 : 5_000, limit: 50 })
  const busy = imports.items.some(({ status }) => status === 'running' || status === 'receiving')
  if (!imports.first && busy !== fast) setFast(busy)
  const [asking, setAsking] = useState<{ act: 'undo' | 'go-live'; of: BankImport }>()
  const options = { touches: ['banks', 'hygiene'], quiet: true, onDone: () => setAsking(undefined) }
  const cancel = useChange(cancelImport, { touches: ['banks'], done: 'The import stops; what it added stays' })
  const undo = useChange(undoImport, { ...options, done: 'The import was undone; none of its entries matches' })
  const goLive = useChange(goLiveImport, { ...options, done: 'The drafts of the import match from now on' })
  if (imports.first) return <SkeletonRows what="imports" />
  if (imports.error && imports.items.length === 0)
    return <ErrorState what="Imports" error={imports.error} onRetry={imports.refetch} />
  if (imports.items.length === 0)
    return (
      <EmptyState
        icon={<IconFileImport size={20} aria-hidden />}
        title="Nothing was imported yet"
        why="Lists of hashes and texts (CSV, NDJSON) and whole folders of photos are brought in here, worked through in the background, and undone in one step."
      >
        {may ? (
          <Button variant="filled" onClick={onImport}>
            Import many entries
          </Button>
        ) : null}
      </EmptyState>
    )
  return (
    <>
      <ul className="imports" aria-label="Imports, latest first">
        {imports.items.map((one) => {
          const params = { bankId, importId: one.importId }
          const runs = one.status === 'running' || one.status === 'receiving'
          return (
            <li key={one.importId} className="panel">
              <div className="row wrap import-head">
                <strong className="clip">{one.name ?? `${one.format.toUpperCase()} list`}</strong>
                <Badge tone={tones[one.status]}>{importWords[one.status]}</Badge>
                {one.draft ? <Badge>as drafts</Badge> : null}
                <span className="grow muted small">
                  <AuthorName author={one.createdBy} /> · <RelativeTime timeMs={one.createdMs} />
                </span>
                <span className="row wrap">
                  {one.accepted > 0 && one.status !== 'undone' ? (
                    <Go to={path`/banks/${bankId}`} search={{ import: one.importId }} className="small">
                      Show its entries
                    </Go>
                  ) : null}
                  {one.refused > 0 ? (
                    <a
                      className="small"
                      href={client.url(importErrors, { params })}
                      download={`refused-rows-${one.importId}.ndjson`}
                    >
                      Download refused rows
                    </a>
                  ) : null}
                  {may && runs ? (
                    <Button
                      size="compact-xs"
                      loading={cancel.isPending}
                      onClick={() => cancel.mutate({ params, body: {} })}
                    >
                      Cancel import
                    </Button>
                  ) : null}
                  {may && one.draft && one.status === 'done' && one.accepted > 0 ? (
                    <Button size="compact-xs" onClick={() => setAsking({ act: 'go-live', of: one })}>
                      Let drafts match
                    </Button>
                  ) : null}
                  {may && !runs && one.status !== 'undone' && one.accepted > 0 ? (
                    <Button size="compact-xs" onClick={() => setAsking({ act: 'undo', of: one })}>
                      Undo import
                    </Button>
                  ) : null}
                </span>
              </div>
              {runs ? (
                <ProgressBar
                  label={`Import ${one.name ?? ''}`}
                  share={one.rows === 0 ? 0 : one.done / one.rows}
                  text={
                    one.status === 'receiving'
                      ? `${countOf(one.rows, 'row')} arrived so far`
                      : `${one.done.toLocaleString('en')} of ${countOf(one.rows, 'row')}`
                  }
                />
              ) : null}
              <p className="small muted import-text">
                {importText(one)}
                {one.finishedMs === null ? '' : `, in ${((one.finishedMs - one.createdMs) / 1_000).toFixed(1)} s`}
              </p>
              {one.error === null ? null : (
                <p className="small import-text" role="note" style={{ color: 'var(--attention)' }}>
                  {one.error}
                </p>
              )}
              {one.refused > 0 ? <ImportErrors bankId={bankId} importId={one.importId} refused={one.refused} /> : null}
            </li>
          )
        })}
      </ul>
      {imports.more ? <Button onClick={imports.loadMore}>Show older imports</Button> : null}
      {asking === undefined ? null : (
        <ConfirmWithPreview
          opened
          onClose={() => setAsking(undefined)}
          title={asking.act === 'undo' ? 'Undo import' : 'Let drafts match'}
          act={asking.act === 'undo' ? 'Undo import' : 'Let drafts match'}
          busy={undo.isPending || goLive.isPending}
          error={undo.error ?? goLive.error}
          undo={
            asking.act === 'undo'
              ? 'Retired entries do not come back; the same list can be imported again.'
              : 'Undo the import to take all of them out again.'
          }
          reason={{ label: 'Reason', required: false, placeholder: 'Kept in the ledger' }}
          onConfirm={(reason) =>
            (asking.act === 'undo' ? undo : goLive).mutate({
              params: { bankId, importId: asking.of.importId },
              body: reason === '' ? {} : { reason },
            })
          }
        >
          {asking.act === 'undo' ? (
            <>
              {countOf(asking.of.accepted, 'entry', 'entries')} that “{asking.of.name ?? 'this import'}” added will be
              retired and stop matching at once. Decisions that rest on them stay.
            </>
          ) : (
            <>
              {countOf(asking.of.accepted, 'draft')} of “{asking.of.name ?? 'this import'}” will match from the next
              event on.
            </>
          )}
        </ConfirmWithPreview>
      )}
    </>
  )
}
