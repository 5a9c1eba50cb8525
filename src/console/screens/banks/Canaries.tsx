import { Button, Modal, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core'
import { IconFeather } from '@tabler/icons-react'
import { useState } from 'react'
import type { Bank } from '../../../http/contract/banks.ts'
import { checkCanaries, makeCanary, removeCanary, type Canary } from '../../../http/contract/hygiene.ts'
import { useChange } from '../../api.ts'
import { countOf } from '../../frame/time.ts'
import { FormError } from '../../parts/FormError.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { EntryThumb } from './EntryThumb.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { hashIn } from './state.ts'

const tones = { waiting: 'plain', ok: 'resolved', failing: 'attention' } as const
const words = { waiting: 'not looked up yet', ok: 'well', failing: 'failing' } as const

/** Probes that must keep matching, or must never begin to, with how the last look went. */
export function Canaries({
  canaries,
  banks,
  bankId,
  may,
}: {
  canaries: Canary[]
  banks: Bank[]
  bankId: string | undefined
  may: boolean
}) {
  const [making, setMaking] = useState(false)
  const [removing, setRemoving] = useState<Canary>()
  const check = useChange(checkCanaries, {
    touches: ['hygiene', 'canaries'],
    done: ({ items }) => `${countOf(items.length, 'canary', 'canaries')} looked up`,
  })
  const remove = useChange(removeCanary, {
    touches: ['hygiene', 'canaries'],
    done: 'The canary was taken away',
    onDone: () => setRemoving(undefined),
    quiet: true,
  })
  const failing = canaries.filter(({ state }) => state === 'failing').length
  const theirs = [...new Set(canaries.map((canary) => canary.bankId))]
  return (
    <section className="panel care" aria-labelledby="care-canaries">
      <div className="care-head">
        <IconFeather size={16} aria-hidden />
        <h2 id="care-canaries">
          Canaries{' '}
          {canaries.length === 0 ? null : (
            <span className="care-count">
              {failing > 0 ? `${failing} failing of ${canaries.length}` : `${canaries.length}, all well`}
            </span>
          )}
        </h2>
        <p className="muted small">
          Probes that are looked up all the time: known copies that must match, innocent look-alikes that must not.
        </p>
        {may && banks.length > 0 ? (
          <span className="row">
            {theirs.length > 0 ? (
              <Button
                size="compact-xs"
                loading={check.isPending}
                onClick={() => {
                  for (const id of theirs) check.mutate({ params: { bankId: id }, body: {} })
                }}
              >
                Look them up now
              </Button>
            ) : null}
            <Button size="compact-xs" onClick={() => setMaking(true)}>
              Set canary
            </Button>
          </span>
        ) : null}
      </div>
      {canaries.length === 0 ? (
        <p className="small muted care-empty">
          No canary is set. One for each important bank tells within minutes when it stops matching what it must, or
          begins to match what it must not.
        </p>
      ) : (
        canaries.map((canary) => (
          <div key={canary.canaryId} className="care-row">
            <EntryThumb entry={canary} sizePx={44} />
            <span className="bank-cell">
              <span className="clip bank-name">{canary.note || canary.text || 'Probe'}</span>
              <span className="clip faint small">
                {canary.expects === 'match' ? 'must match' : 'must not match'}
                {canary.entryId === null ? '' : ' one entry'} ·{' '}
                {banks.find((bank) => bank.bankId === canary.bankId)?.name ?? 'bank'}
              </span>
            </span>
            <span className="care-why small">
              <Badge tone={tones[canary.state]}>{words[canary.state]}</Badge>{' '}
              {canary.state === 'failing' ? canary.because : null}{' '}
              {canary.checkedMs === null ? null : (
                <span className="faint">
                  looked up <RelativeTime timeMs={canary.checkedMs} />
                </span>
              )}
            </span>
            <span className="row care-acts">
              {may ? (
                <Button size="compact-xs" onClick={() => setRemoving(canary)}>
                  Remove
                </Button>
              ) : null}
            </span>
          </div>
        ))
      )}
      {making ? <MakeCanary banks={banks} bankId={bankId} onClose={() => setMaking(false)} /> : null}
      {removing === undefined ? null : (
        <ConfirmWithPreview
          opened
          onClose={() => setRemoving(undefined)}
          title="Remove canary"
          act="Remove canary"
          busy={remove.isPending}
          error={remove.error}
          undo="Set it again at any time."
          onConfirm={() => remove.mutate({ params: { bankId: removing.bankId, canaryId: removing.canaryId } })}
        >
          “{removing.note || 'This probe'}” is no longer looked up, and nobody is told when it fails.
        </ConfirmWithPreview>
      )}
    </section>
  )
}

function MakeCanary({ banks, bankId, onClose }: { banks: Bank[]; bankId: string | undefined; onClose: () => void }) {
  const [to, setTo] = useState(bankId ?? banks[0]?.bankId ?? null)
  const [expects, setExpects] = useState<'match' | 'no-match'>('match')
  const [probe, setProbe] = useState('')
  const [type, setType] = useState('text')
  const types = useSignalTypes()
  const [note, setNote] = useState('')
  const make = useChange(makeCanary, {
    touches: ['hygiene', 'canaries'],
    done: 'The canary is set and looked up from now on',
    onDone: onClose,
    quiet: true,
  })
  return (
    <Modal opened onClose={onClose} title={<h2>Set canary</h2>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (to === null) return
          const value = probe.trim()
          make.mutate({
            params: { bankId: to },
            body: {
              expects,
              ...(type === 'text' ? { text: value } : { signals: { [type]: value } }),
              ...(note.trim() === '' ? {} : { note: note.trim() }),
            },
          })
        }}
      >
        <Select
          label="Bank"
          searchable
          allowDeselect={false}
          data={banks.map((bank) => ({ value: bank.bankId, label: bank.name }))}
          value={to}
          onChange={setTo}
        />
        <SegmentedControl
          aria-label="What must happen"
          value={expects}
          onChange={(value) => setExpects(value as typeof expects)}
          data={[
            { value: 'match', label: 'It must match' },
            { value: 'no-match', label: 'It must not match' },
          ]}
        />
        <Textarea
          label="Probe"
          description="A text, or a hash of a copy that is known (or innocent)"
          required
          value={probe}
          onChange={(event) => {
            const known = hashIn(event.currentTarget.value, types)
            setProbe(known?.value ?? event.currentTarget.value)
            if (known !== undefined) setType(known.type)
          }}
          autosize
          minRows={2}
          maxRows={6}
        />
        <Select
          label="Looked up as"
          data={types.all.map(({ name, title }) => ({ value: name, label: title }))}
          value={type}
          onChange={(value) => setType(value ?? 'text')}
          allowDeselect={false}
        />
        <TextInput
          label="What it is"
          placeholder="A screenshot of the first scam photo"
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <FormError error={make.error} />
        <Button type="submit" variant="filled" disabled={to === null || probe.trim() === ''} loading={make.isPending}>
          Set canary
        </Button>
      </form>
    </Modal>
  )
}
