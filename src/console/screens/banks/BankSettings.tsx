import { Button, NumberInput, Select, Slider, Switch, TagsInput, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { listPeople } from '../../../http/contract/access.ts'
import {
  changeBank,
  countBankEntries,
  getBank,
  listSubscriptions,
  subscribeBank,
  unsubscribeBank,
  type Bank,
} from '../../../http/contract/banks.ts'
import { ApiError } from '../../../http/client.ts'
import { forget, problemOf, problemText, useChange, useRead } from '../../api.ts'
import { useSession } from '../../frame/session.tsx'
import { useUrl } from '../../frame/url.ts'
import { countOf } from '../../frame/time.ts'
import { Badge } from '../../parts/Badge.tsx'
import { Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { dateOf, dateText } from './dates.ts'
import { foundAt, useSignalTypes } from '../../parts/signal-types.ts'
import { actionWords } from './state.ts'

type Draft = Pick<
  Bank,
  | 'name'
  | 'purpose'
  | 'owner'
  | 'action'
  | 'thresholds'
  | 'enabled'
  | 'sharing'
  | 'sampling'
  | 'expiresMs'
  | 'ageOutDays'
>
const draftOf = ({
  name,
  purpose,
  owner,
  action,
  thresholds,
  enabled,
  sharing,
  sampling,
  expiresMs,
  ageOutDays,
}: Bank): Draft => ({
  name,
  purpose,
  owner,
  action,
  thresholds,
  enabled,
  sharing,
  sampling,
  expiresMs,
  ageOutDays,
})

/** How a bank matches, who answers for it and who shares it. Somebody else's change meanwhile is shown, not overwritten. */
export function BankSettings({ bank, may }: { bank: Bank; may: boolean }) {
  if (bank.subscription !== null) return <OurSubscription bank={bank} may={may} />
  return <OwnSettings bank={bank} may={may} />
}

function OwnSettings({ bank, may }: { bank: Bank; may: boolean }) {
  const [base, setBase] = useState(bank)
  const [draft, setDraft] = useState<Draft>(() => draftOf(bank))
  const edit = (patch: Partial<Draft>) => setDraft((now) => ({ ...now, ...patch }))
  const changed = Object.fromEntries(
    Object.entries(draft).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(base[name as keyof Draft]),
    ),
  ) as Partial<Draft>
  const dirty = Object.keys(changed).length > 0
  const begin = (from: Bank) => {
    setBase(from)
    setDraft(draftOf(from))
  }
  const save = useChange(changeBank, {
    touches: ['banks', 'hygiene'],
    done: 'The settings of the bank are saved',
    quiet: true,
    onDone: begin,
  })
  // Nobody is typing: what others changed is simply shown.
  if (!dirty && bank.version !== base.version && !save.isPending) begin(bank)
  const conflict = save.error instanceof ApiError && [409, 412].includes(save.error.status)
  const overtaken = dirty && bank.version !== base.version
  return (
    <form
      className="bank-settings"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate({
          params: { bankId: bank.bankId },
          body: changed as never,
          headers: { 'if-match': `"${base.version}"` },
        })
      }}
    >
      <fieldset disabled={!may} className="plain-fieldset">
        <div className="columns even">
          <div>
            <Panel title="What it is for">
              <div className="stack">
                <TextInput
                  label="Name"
                  required
                  value={draft.name}
                  onChange={(e) => edit({ name: e.currentTarget.value })}
                />
                <Textarea
                  label="Purpose"
                  description="What belongs in it, and what does not"
                  value={draft.purpose}
                  onChange={(e) => edit({ purpose: e.currentTarget.value })}
                  autosize
                  minRows={2}
                />
                <OwnerInput owner={draft.owner} onChange={(owner) => edit({ owner })} />
              </div>
            </Panel>
            <Panel title="What a match does">
              <div className="stack">
                <Switch
                  label="Match against this bank"
                  description={draft.enabled ? 'Its active entries match' : 'Nothing of it matches'}
                  checked={draft.enabled}
                  onChange={(e) => edit({ enabled: e.currentTarget.checked })}
                />
                <Select
                  label="A match should"
                  description="What its owner wants; rules decide"
                  data={Object.entries(actionWords).map(([value, label]) => ({ value, label }))}
                  value={draft.action}
                  onChange={(action) => edit({ action: action ?? draft.action })}
                  allowDeselect={false}
                />
                {bank.negative ? (
                  <p className="small muted" style={{ margin: 0 }}>
                    <Badge>never report</Badge> Its matches silence those of other banks. This is set when a bank is
                    made.
                  </p>
                ) : null}
                <NumberInput
                  label="Share of matches that a person looks at anyway, per cent"
                  description="Even where a rule would decide at once: a sample keeps the precision known"
                  min={0}
                  max={100}
                  decimalScale={1}
                  value={round(draft.sampling.reviewShare * 100)}
                  onChange={(value) => edit({ sampling: { ...draft.sampling, reviewShare: Number(value) / 100 } })}
                />
                <NumberInput
                  label="Share of events for which it is asked, per cent"
                  description="Less than 100 to try a bank out; the same content always falls on one side"
                  min={0}
                  max={100}
                  decimalScale={1}
                  value={round(draft.sampling.trafficShare * 100)}
                  onChange={(value) => edit({ sampling: { ...draft.sampling, trafficShare: Number(value) / 100 } })}
                />
              </div>
            </Panel>
          </div>
          <div>
            <Thresholds
              bankId={bank.bankId}
              thresholds={draft.thresholds}
              onChange={(thresholds) => edit({ thresholds })}
              may={may}
            />
            <Panel title="How long it lasts">
              <div className="stack">
                <TextInput
                  type="date"
                  label="All of it ends on"
                  description="Empty: never"
                  value={dateText(draft.expiresMs)}
                  onChange={(e) => edit({ expiresMs: dateOf(e.currentTarget.value) })}
                />
                <NumberInput
                  label="Propose to retire entries without a match for, days"
                  description="Empty: never. They are listed on the hygiene board, not retired by themselves"
                  min={1}
                  max={3_650}
                  value={draft.ageOutDays ?? ''}
                  onChange={(value) => edit({ ageOutDays: value === '' ? null : Number(value) })}
                />
              </div>
            </Panel>
            <SharingPanel bankId={bank.bankId} sharing={draft.sharing} onChange={(sharing) => edit({ sharing })} />
          </div>
        </div>
      </fieldset>
      {dirty ? (
        <div className="save-bar">
          {overtaken || conflict ? (
            <Conflict
              base={base}
              bankId={bank.bankId}
              onTake={(now) => {
                save.reset()
                begin(now)
              }}
              onKeep={(now) => {
                save.reset()
                setBase(now)
              }}
              draft={draft}
            />
          ) : save.error ? (
            <p role="alert" className="small save-error">
              {problemOf(save.error).title}. {problemText(save.error)}
            </p>
          ) : null}
          <span className="grow small muted">
            Changed:{' '}
            {Object.keys(changed)
              .map((name) => fieldWords[name as keyof Draft])
              .join(', ')}
          </span>
          <Button onClick={() => begin(bank)}>Discard changes</Button>
          <Button type="submit" variant="filled" loading={save.isPending} disabled={overtaken || conflict}>
            Save settings
          </Button>
        </div>
      ) : null}
    </form>
  )
}

const round = (value: number) => Math.round(value * 10) / 10
const fieldWords: Record<keyof Draft, string> = {
  name: 'name',
  purpose: 'purpose',
  owner: 'owner',
  action: 'what a match does',
  thresholds: 'thresholds',
  enabled: 'on or off',
  sharing: 'sharing',
  sampling: 'sampling',
  expiresMs: 'end',
  ageOutDays: 'age-out',
}

/** Somebody else saved meanwhile: says what, and lets the person choose. Nothing is overwritten unseen. */
function Conflict({
  base,
  bankId,
  draft,
  onTake,
  onKeep,
}: {
  base: Bank
  bankId: string
  draft: Draft
  onTake: (now: Bank) => void
  onKeep: (now: Bank) => void
}) {
  const now = useRead(getBank, { params: { bankId } }, { staleMs: 0 })
  if (now.data === undefined || now.data.version === base.version) return null
  const theirs = (Object.keys(draft) as (keyof Draft)[]).filter(
    (name) => JSON.stringify(now.data[name]) !== JSON.stringify(base[name]),
  )
  return (
    <div role="alert" className="conflict">
      <p style={{ margin: 0 }}>
        <strong>Somebody else saved this bank while you were editing.</strong> They changed:{' '}
        {theirs.map((name) => fieldWords[name]).join(', ') || 'nothing that you see here'}. Nothing of yours is lost.
      </p>
      <div className="row wrap">
        <Button onClick={() => onKeep(now.data)}>Keep my changes on top of theirs</Button>
        <Button onClick={() => onTake(now.data)}>Take theirs, drop mine</Button>
      </div>
    </div>
  )
}

function OwnerInput({ owner, onChange }: { owner: string | null; onChange: (owner: string | null) => void }) {
  const { scopes, person } = useSession()
  const mayPeople = scopes.includes('people:read')
  const people = useRead(listPeople, { query: { limit: 1_000 } }, { enabled: mayPeople, staleMs: 300_000 })
  const known = people.data?.items.map(({ id, name }) => ({ value: id, label: name })) ?? [
    { value: person.id, label: `${person.name} (you)` },
  ]
  const data =
    owner === null || known.some(({ value }) => value === owner) ? known : [...known, { value: owner, label: owner }]
  return (
    <Select
      label="Owner"
      description="Who answers for what is in it"
      placeholder="Nobody yet"
      clearable
      searchable
      data={data}
      value={owner}
      onChange={onChange}
    />
  )
}

/** Largest distance that matches, for each signal type, with a sentence of what it finds. */
function Thresholds({
  bankId,
  thresholds,
  onChange,
  may,
}: {
  bankId: string
  thresholds: Record<string, number>
  onChange: (thresholds: Record<string, number>) => void
  may: boolean
}) {
  const counts = useRead(countBankEntries, { params: { bankId }, query: {} }, { staleMs: 60_000 })
  const present = new Map(counts.data?.bySignalType.map(({ name, entries }) => [name, entries]))
  const [all, setAll] = useState(false)
  const words = useSignalTypes()
  const types = words.all.filter(
    ({ name, thresholdMax }) => thresholdMax > 0 && (all || name === 'pdq' || present.has(name) || name in thresholds),
  )
  return (
    <Panel
      title="How near is a match"
      acts={
        <Button size="compact-xs" variant="subtle" onClick={() => setAll(!all)} aria-pressed={all}>
          {all ? 'Those in use' : 'All signal types'}
        </Button>
      }
    >
      <div className="stack" style={{ gap: 16 }}>
        {types.map((type) => {
          const { name, title, threshold, thresholdMax, thresholdStep } = type
          const value = thresholds[name] ?? threshold
          const own = name in thresholds
          return (
            <div key={name} className="threshold">
              <div className="row">
                <strong className="small grow">{title}</strong>
                <span className="faint small">
                  {present.has(name) ? `${countOf(present.get(name)!, 'entry', 'entries')} · ` : ''}
                  {own ? `default: ${words.threshold(name, threshold)}` : 'default'}
                </span>
                {own && may ? (
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    onClick={() => {
                      const { [name]: _gone, ...rest } = thresholds
                      onChange(rest)
                    }}
                  >
                    Use default
                  </Button>
                ) : null}
              </div>
              <Slider
                size="sm"
                min={0}
                max={thresholdMax}
                step={thresholdStep}
                value={value}
                disabled={!may}
                label={null}
                thumbLabel={`Largest distance of ${title}`}
                thumbProps={{ 'aria-valuetext': words.threshold(name, value) }}
                onChange={(next) => onChange({ ...thresholds, [name]: Math.round(next * 100) / 100 })}
              />
              <p className="small" style={{ margin: 0 }}>
                <span className="threshold-value">{words.threshold(name, value)}</span>
                {type.scale === null ? null : <span className="muted">: {foundAt(type, value)}</span>}
              </p>
              <p className="small faint" style={{ margin: 0 }}>
                {type.about}
              </p>
            </div>
          )
        })}
      </div>
    </Panel>
  )
}

function SharingPanel({
  bankId,
  sharing,
  onChange,
}: {
  bankId: string
  sharing: Bank['sharing']
  onChange: (sharing: Bank['sharing']) => void
}) {
  const others = useRead(listSubscriptions, { params: { bankId } }, { staleMs: 30_000 })
  return (
    <Panel title="Shared with">
      <div className="stack">
        <Select
          label="Other tenants of this installation"
          description="They match against it with their own thresholds; they never see its media, notes or texts"
          data={[
            { value: 'nobody', label: 'Nobody' },
            { value: 'listed', label: 'Those listed here' },
            { value: 'everyone', label: 'Everyone' },
          ]}
          value={sharing.with}
          onChange={(value) => onChange({ ...sharing, with: (value ?? 'nobody') as Bank['sharing']['with'] })}
          allowDeselect={false}
        />
        {sharing.with === 'listed' ? (
          <TagsInput
            size="xs"
            label="Tenants"
            placeholder="Enter after each"
            value={sharing.tenants}
            onChange={(tenants) => onChange({ ...sharing, tenants })}
          />
        ) : null}
        <div className="small">
          {others.data === undefined || others.data.items.length === 0 ? (
            <span className="faint">Nobody subscribes yet.</span>
          ) : (
            <ul className="row-list">
              {others.data.items.map((one) => (
                <li key={one.tenantId}>
                  <strong>{one.tenantId}</strong>{' '}
                  <span className="muted">
                    {one.enabled ? '' : 'paused, '}
                    {one.action === null ? 'does what we want' : (actionWords[one.action] ?? one.action)}, since{' '}
                    <RelativeTime timeMs={one.createdMs} />
                  </span>
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
    </Panel>
  )
}

/** The bank of another tenant: what a match does here. */
function OurSubscription({ bank, may }: { bank: Bank; may: boolean }) {
  const url = useUrl()
  const subscription = bank.subscription!
  const [thresholds, setThresholds] = useState(subscription.thresholds)
  const [action, setAction] = useState(subscription.action)
  const [enabled, setEnabled] = useState(subscription.enabled)
  const save = useChange(subscribeBank, { touches: ['banks'], done: 'The subscription is saved' })
  const end = useChange(unsubscribeBank, {
    touches: ['banks'],
    done: 'The bank is no longer matched against',
    onDone: () => {
      void forget(getBank)
      url.go('/banks', { whose: 'subscribed' })
    },
  })
  const params = { bankId: bank.bankId }
  return (
    <form
      className="columns even"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate({ params, body: { thresholds, action: action as never, enabled } })
      }}
    >
      <Panel title={`Shared by ${bank.ownerTenantId}`}>
        <div className="stack">
          <p className="muted" style={{ margin: 0 }}>
            {bank.purpose}
          </p>
          <Switch
            label="Match against it here"
            checked={enabled}
            disabled={!may}
            onChange={(event) => setEnabled(event.currentTarget.checked)}
          />
          <Select
            label="A match should, here"
            clearable
            placeholder={`What its owner wants: ${actionWords[bank.action] ?? bank.action}`}
            data={Object.entries(actionWords).map(([value, label]) => ({ value, label }))}
            value={action}
            disabled={!may}
            onChange={setAction}
          />
          {may ? (
            <div className="row wrap">
              <Button type="submit" variant="filled" loading={save.isPending}>
                Save subscription
              </Button>
              <Button loading={end.isPending} onClick={() => end.mutate({ params })}>
                End subscription
              </Button>
            </div>
          ) : null}
        </div>
      </Panel>
      <Thresholds bankId={bank.bankId} thresholds={thresholds} onChange={setThresholds} may={may} />
    </form>
  )
}
