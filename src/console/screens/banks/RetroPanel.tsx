import { Button, SegmentedControl, Select } from '@mantine/core'
import { IconArrowBackUp, IconHistoryToggle } from '@tabler/icons-react'
import { useState } from 'react'
import { getPolicy } from '../../../http/contract/policies.ts'
import type { ResponseOf } from '../../../http/contract/route.ts'
import { applyRetro, getRetro, listRetro, previewRetro, undoRetro } from '../../../http/contract/retro.ts'
import { useChange, useRead } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import { countOf, countText } from '../../frame/time.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { Sparkline } from '../../parts/Sparkline.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'

type Preview = ResponseOf<typeof previewRetro>
type Batch = ResponseOf<typeof listRetro>['items'][number]
const stateWords: Record<keyof Preview['byState'], string> = {
  untouched: 'untouched',
  waiting: 'wait for a person',
  decided: 'decided, kept up',
  removed: 'removed already',
}
const outcomeWords: Record<string, string> = {
  waiting: 'in work',
  review: 'sent to review',
  decided: 'decided',
  already: 'had been dealt with',
  gone: 'gone meanwhile',
  skipped: 'left out',
  reversed: 'decisions reversed',
  withdrawn: 'taken back from review',
  nothing: 'nothing to undo',
  kept: 'kept: a person decided',
}
const samplesShown = 5
const daysShown = 30
const dayMs = 86_400_000

/** What an entry would have matched of everything that passed; applying it to that, and taking this back in one step. */
export function RetroPanel({
  bankId,
  entryId,
  active = true,
}: {
  bankId: string
  entryId: string
  /** Whether the entry matches now; only then can it be applied to the past. */
  active?: boolean
}) {
  const may = useMay('banks:write')
  const [looking, setLooking] = useState(false)
  const [asking, setAsking] = useState<'apply' | Batch>()
  const preview = useRead(previewRetro, { body: { bankId, entryId } }, { enabled: looking, staleMs: 30_000 })
  const batches = useRead(listRetro, { query: { bankId, entryId, limit: 20 } }, { everyMs: 10_000 })
  const done = batches.data?.items ?? []
  return (
    <Panel
      title="Back in time"
      acts={
        looking && may && (preview.data?.items ?? 0) > 0 ? (
          <Button onClick={() => setAsking('apply')} disabled={!active || preview.data?.complete === false}>
            Apply to past items…
          </Button>
        ) : null
      }
    >
      {!looking ? (
        <div className="row wrap">
          <Button leftSection={<IconHistoryToggle size={14} aria-hidden />} onClick={() => setLooking(true)}>
            Preview past matches
          </Button>
          <span className="faint small">
            What it would have matched of everything that passed. Changes nothing.
            {active ? '' : ' It can be applied once the entry matches again.'}
          </span>
        </div>
      ) : preview.error ? (
        <ErrorState what="Preview" error={preview.error} onRetry={() => void preview.refetch()} />
      ) : preview.data === undefined ? (
        <SkeletonRows rows={3} what="past matches" />
      ) : (
        <PreviewView preview={preview.data} />
      )}
      {done.length === 0 ? null : (
        <section style={{ marginTop: 12 }}>
          <h3>Applied before</h3>
          <ul className="row-list">
            {done.map((batch) => (
              <BatchLine key={batch.batchId} batch={batch} onUndo={may ? () => setAsking(batch) : undefined} />
            ))}
          </ul>
        </section>
      )}
      {asking === 'apply' && preview.data !== undefined ? (
        <Apply bankId={bankId} entryId={entryId} preview={preview.data} onClose={() => setAsking(undefined)} />
      ) : asking !== undefined && asking !== 'apply' ? (
        <Undo batch={asking} onClose={() => setAsking(undefined)} />
      ) : null}
    </Panel>
  )
}

/** The days with and without matches, up to the last with one: at least the month before it. */
function everyDay(byDay: Preview['byDay']): Preview['byDay'] {
  const counts = new Map(byDay.map(({ day, items }) => [day, items]))
  const last = Date.parse(byDay.at(-1)!.day)
  const count = Math.max(daysShown, Math.round((last - Date.parse(byDay[0]!.day)) / dayMs) + 1)
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(last - (count - 1 - index) * dayMs).toISOString().slice(0, 10)
    return { day, items: counts.get(day) ?? 0 }
  })
}

function PreviewView({ preview }: { preview: Preview }) {
  const { items, complete, limit, byDay, byState, sample } = preview
  if (items === 0)
    return (
      <p className="muted small" style={{ margin: 0 }}>
        Nothing of what passed and is still kept as hashes is like it.
      </p>
    )
  const days = everyDay(byDay)
  const states = Object.entries(byState).filter(([, count]) => count > 0) as [keyof Preview['byState'], number][]
  return (
    <div className="stack">
      <div className="row wrap" style={{ gap: 16 }}>
        <strong>
          {complete ? '' : 'more than '}
          {countOf(items, 'past item')}
        </strong>
        <Sparkline
          values={days.map(({ items: count }) => count)}
          label={`Past items that it matches, a day, ${days[0]!.day} to ${days.at(-1)!.day}`}
          width={160}
        />
        <span className="faint small">
          a day, {days[0]!.day} to {days.at(-1)!.day}
        </span>
      </div>
      <div className="row wrap" style={{ gap: 4 }}>
        {states.map(([state, count]) => (
          <Badge key={state}>
            {countText(count)} {stateWords[state]}
          </Badge>
        ))}
      </div>
      {complete ? null : (
        <p className="small" style={{ margin: 0 }}>
          At most {countText(limit)} may be applied at once, by the settings. An entry that matches this much is rarely
          right: look at the samples, or narrow its threshold.
        </p>
      )}
      <ul className="row-list small">
        {sample.slice(0, samplesShown).map((one) => (
          <li key={`${one.itemId}/${one.part}/${one.type}`} className="row">
            <span className="grow clip">
              <SubjectChip subject={{ kind: 'item', id: one.itemId }} />
            </span>
            <span className="muted">
              {one.distance === 0 ? 'the same' : `${one.distance} of at most ${one.threshold}`}
            </span>
            <span className="faint">{stateWords[one.state]}</span>
            <span className="faint">
              <RelativeTime timeMs={one.occurredAtMs} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Apply({
  bankId,
  entryId,
  preview,
  onClose,
}: {
  bankId: string
  entryId: string
  preview: Preview
  onClose: () => void
}) {
  const mayDecide = useMay('decisions:write')
  const policy = useRead(getPolicy, { params: { version: 'newest' } }, { staleMs: 60_000 })
  const [violation, setViolation] = useState<string | null>(null)
  const [route, setRoute] = useState<'review' | 'auto'>('review')
  const apply = useChange(applyRetro, {
    touches: ['match', 'decisions', 'jobs', 'queues', 'banks'],
    done: (batch) => `The entry is being applied to ${countOf(batch.items, 'past item')}`,
    onDone: onClose,
    quiet: true,
  })
  const auto = route === 'auto' && violation !== null
  return (
    <ConfirmWithPreview
      opened
      onClose={onClose}
      title="Apply to past items"
      act={auto ? 'Decide past items' : 'Send to review'}
      harm={auto}
      busy={apply.isPending}
      error={apply.error}
      undo="The whole batch can be taken back in one step, from this entry. What a person decided meanwhile stays."
      onConfirm={() =>
        apply.mutate({
          body: { bankId, entryId, ...(violation === null ? {} : { violation, route }) },
        })
      }
    >
      <div className="stack">
        <p style={{ margin: 0 }}>
          {countOf(preview.items, 'past item')}
          {preview.byState.removed > 0
            ? `, of which ${countText(preview.byState.removed)} are removed already`
            : ''}.{' '}
          {violation === null
            ? 'Each becomes a job for a person, who decides what it is.'
            : auto
              ? 'Each is decided at once as the policy says, with notice and appeal.'
              : 'Each becomes a proposal that a person confirms or dismisses.'}
        </p>
        <Select
          label="Violation"
          description="Leave it empty to ask a person what it is"
          clearable
          data={(policy.data?.summary.violations ?? []).map((each) => ({ value: each.violation, label: each.title }))}
          value={violation}
          onChange={setViolation}
        />
        {violation !== null && mayDecide ? (
          <SegmentedControl
            aria-label="Who decides"
            value={route}
            onChange={(value) => setRoute(value as typeof route)}
            data={[
              { value: 'review', label: 'A person decides' },
              { value: 'auto', label: 'Decide at once' },
            ]}
          />
        ) : null}
      </div>
    </ConfirmWithPreview>
  )
}

function BatchLine({ batch, onUndo }: { batch: Batch; onUndo: (() => void) | undefined }) {
  const working = batch.state === 'applying' || batch.state === 'undoing'
  const read = useRead(
    getRetro,
    { params: { batchId: batch.batchId } },
    { ...(working ? { everyMs: 1_500 } : {}), staleMs: working ? 0 : 30_000 },
  )
  const now = read.data ?? batch
  const counts = Object.entries(
    now.state === 'undone' || now.state === 'undoing' ? (read.data?.undone ?? {}) : (read.data?.outcomes ?? {}),
  ).filter(([, count]) => count > 0)
  const waiting = read.data?.outcomes['waiting'] ?? 0
  const share = now.items === 0 ? 1 : 1 - waiting / now.items
  return (
    <li>
      <div className="row wrap">
        <Badge tone={now.state === 'applied' ? 'accent' : 'plain'}>{now.state}</Badge>
        <span className="grow">
          {countOf(now.items, 'item')}
          {now.violation === null
            ? ', to review'
            : `, ${now.violation}${now.route === 'auto' ? ', decided at once' : ''}`}
        </span>
        <span className="faint small">
          <AuthorName author={now.author} /> <RelativeTime timeMs={now.createdMs} />
        </span>
        {now.state === 'applied' && onUndo !== undefined ? (
          <Button leftSection={<IconArrowBackUp size={14} aria-hidden />} onClick={onUndo}>
            Undo batch
          </Button>
        ) : null}
      </div>
      {now.state === 'applying' ? (
        <progress value={share} max={1} aria-label="How far it is" style={{ width: '100%' }} />
      ) : null}
      {counts.length === 0 ? null : (
        <span className="small muted">
          {counts.map(([name, count]) => `${countText(count)} ${outcomeWords[name] ?? name}`).join(', ')}
        </span>
      )}
    </li>
  )
}

function Undo({ batch, onClose }: { batch: Batch; onClose: () => void }) {
  const undo = useChange(undoRetro, {
    touches: ['match', 'decisions', 'jobs', 'queues', 'banks'],
    done: 'The batch is being taken back',
    onDone: onClose,
    quiet: true,
  })
  return (
    <ConfirmWithPreview
      opened
      onClose={onClose}
      title="Undo batch"
      act="Undo batch"
      busy={undo.isPending}
      error={undo.error}
      undo="It can be applied again; people are told of every reversal."
      reason={{ label: 'Reason', required: true, placeholder: 'Kept in the ledger' }}
      onConfirm={(reason) => undo.mutate({ params: { batchId: batch.batchId }, body: { reason } })}
    >
      <p style={{ margin: 0 }}>
        Takes back what applying the entry to {countOf(batch.items, 'past item')} did: its open proposals and jobs are
        withdrawn, its automatic decisions reversed. What a person decided stays.
      </p>
    </ConfirmWithPreview>
  )
}
