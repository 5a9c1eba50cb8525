import { Button, NumberInput, TagsInput } from '@mantine/core'
import { useState } from 'react'
import {
  changeExchange,
  setExchangeCredentials,
  type Exchange,
  type ExchangeKindInfo,
} from '../../../http/contract/exchanges.ts'
import { ApiError } from '../../../http/client.ts'
import { useChange } from '../../api.ts'
import { FormError } from '../../parts/FormError.tsx'
import { Panel } from '../../parts/Page.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { CredentialFields, EverySelect, givenCredentials, givenSettings, WherePanel } from './ExchangeFields.tsx'
import { filled } from './FieldInput.tsx'

/** Where it is asked, what comes in, how tags are named here; and its credentials, which can only be replaced. */
export function ExchangeSettings({
  exchange,
  info,
  may,
}: {
  exchange: Exchange
  info: ExchangeKindInfo
  may: boolean
}) {
  const types = useSignalTypes()
  const [version, setVersion] = useState(exchange.version)
  const [name, setName] = useState(exchange.name)
  const [settings, setSettings] = useState<Record<string, unknown>>(exchange.settings)
  const [everyMinutes, setEveryMinutes] = useState(exchange.everyMinutes)
  const [filter, setFilter] = useState(exchange.filter)
  const [labels, setLabels] = useState(Object.entries(exchange.labels).map(([from, to]) => `${from} → ${to}`))
  const save = useChange(changeExchange, {
    touches: ['exchanges'],
    done: 'Saved; it holds for records that come from now on',
    onDone: (changed) => setVersion(changed.version),
    quiet: true,
  })
  const conflict = save.error instanceof ApiError && [409, 412].includes(save.error.status)
  const submit = (from: number) =>
    save.mutate({
      params: { exchangeId: exchange.exchangeId },
      headers: { 'if-match': `"${from}"` },
      body: {
        name: name.trim(),
        settings: givenSettings(settings),
        everyMinutes,
        filter,
        labels: Object.fromEntries(
          labels.map((one) => {
            const [from = '', to = ''] = one.split(/\s*(?:→|=>|=)\s*/)
            return [from.trim(), to.trim()]
          }),
        ),
      },
    })
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          submit(version)
        }}
      >
        <fieldset disabled={!may} className="plain-fieldset">
          <WherePanel info={info} name={name} onName={setName} settings={settings} onSettings={setSettings}>
            <EverySelect minutes={everyMinutes} onChange={setEveryMinutes} />
          </WherePanel>
          <Panel title="What comes in">
            <div className="stack" style={{ gap: 12 }}>
              <TagsInput
                size="xs"
                label="Signal types"
                description="Empty: all that can be matched here"
                data={types.all.map(({ name, title }) => ({ value: name, label: title }))}
                value={filter.types ?? []}
                onChange={(types) => setFilter(withList(filter, 'types', types))}
              />
              <TagsInput
                size="xs"
                label="With one of these tags"
                description="Empty: any"
                value={filter.labels ?? []}
                onChange={(wanted) => setFilter(withList(filter, 'labels', wanted))}
              />
              <TagsInput
                size="xs"
                label="With none of these tags"
                value={filter.withoutLabels ?? []}
                onChange={(refused) => setFilter(withList(filter, 'withoutLabels', refused))}
              />
              <TagsInput
                size="xs"
                label="From these owners alone"
                description="Their ids there. Empty: from all"
                value={filter.owners ?? []}
                onChange={(owners) => setFilter(withList(filter, 'owners', owners))}
              />
              <TagsInput
                size="xs"
                label="Not from these owners"
                value={filter.withoutOwners ?? []}
                onChange={(owners) => setFilter(withList(filter, 'withoutOwners', owners))}
              />
              <NumberInput
                label="Severity of at least"
                description="1 to 4; records that state none pass"
                min={1}
                max={4}
                value={filter.severityMin ?? ''}
                onChange={(value) => {
                  const { severityMin: _before, ...rest } = filter
                  setFilter(value === '' ? rest : { ...rest, severityMin: Number(value) })
                }}
              />
              <TagsInput
                size="xs"
                label="Tags as labels here"
                description="“their tag → our label”; nothing after the arrow drops the tag; others keep their name"
                placeholder="their tag → our label"
                value={labels}
                onChange={setLabels}
              />
            </div>
          </Panel>
        </fieldset>
        {conflict ? (
          <div role="alert" className="conflict">
            <p style={{ margin: 0 }}>
              <strong>The exchange changed while you were editing.</strong> Nothing of yours is lost.
            </p>
            <div className="row">
              <Button onClick={() => submit(exchange.version)}>Save mine on top of it</Button>
            </div>
          </div>
        ) : (
          <FormError error={save.error} />
        )}
        {may ? (
          <Button
            type="submit"
            variant="filled"
            mb="md"
            loading={save.isPending}
            disabled={!filled(info.settings, settings)}
          >
            Save settings
          </Button>
        ) : null}
      </form>
      {may && info.credentials.length > 0 ? <Credentials exchange={exchange} info={info} /> : null}
    </>
  )
}

type Filter = Exchange['filter']
/** The filter with another list; an empty one is left out. */
function withList(filter: Filter, name: Exclude<keyof Filter, 'severityMin'>, list: string[]): Filter {
  const { [name]: _before, ...rest } = filter
  return list.length === 0 ? rest : { ...rest, [name]: list }
}

function Credentials({ exchange, info }: { exchange: Exchange; info: ExchangeKindInfo }) {
  const [values, setValues] = useState<Record<string, string>>({})
  const save = useChange(setExchangeCredentials, {
    touches: ['exchanges'],
    done: 'The credentials are sealed',
    onDone: () => setValues({}),
    quiet: true,
  })
  const given = givenCredentials(values)
  return (
    <Panel title="Credentials">
      <form
        className="stack"
        style={{ gap: 12 }}
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate({ params: { exchangeId: exchange.exchangeId }, body: given })
        }}
      >
        <p className="small muted" style={{ margin: 0 }}>
          They are sealed and never shown again. Saving replaces all of them.
        </p>
        <CredentialFields info={info} values={values} onChange={setValues} kept={exchange.credentials.set} />
        <FormError error={save.error} />
        <Button type="submit" loading={save.isPending} disabled={!filled(info.credentials, given)}>
          Replace credentials
        </Button>
      </form>
    </Panel>
  )
}
