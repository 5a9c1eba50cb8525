import { Button, Select, Switch } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useState } from 'react'
import { listBanks } from '../../../http/contract/banks.ts'
import {
  listExchangeKinds,
  makeExchange,
  type ExchangeKind,
  type ExchangeKindInfo,
} from '../../../http/contract/exchanges.ts'
import { useChange, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useMay } from '../../frame/session.tsx'
import { path, useUrl } from '../../frame/url.ts'
import { FormError } from '../../parts/FormError.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { CredentialFields, EverySelect, givenCredentials, givenSettings, WherePanel } from './ExchangeFields.tsx'
import { filled } from './FieldInput.tsx'
import { sendWords, type Sendable } from './state.ts'
import '../banks/banks.css'
import './exchanges.css'

/** Sets an exchange up: first with whom, then the fields of that kind. It stays paused until its preview was looked at. */
export function Screen() {
  const url = useUrl()
  const may = useMay('exchanges:write')
  const kinds = useRead(listExchangeKinds, {}, { staleMs: 600_000 })
  const chosen = kinds.data?.items.find(({ kind }) => kind === (url.search['kind'] as ExchangeKind | undefined))
  const frame = (children: React.ReactNode) => (
    <Page
      title="Set up exchange"
      crumbs={<Go to="/banks/exchanges">Exchanges</Go>}
      about={chosen === undefined ? 'step 1 of 2: with whom' : `step 2 of 2: ${chosen.title}`}
      scroll
    >
      {children}
    </Page>
  )
  if (kinds.error && kinds.data === undefined)
    return frame(<ErrorState what="Kinds of exchanges" error={kinds.error} onRetry={() => void kinds.refetch()} />)
  if (kinds.data === undefined) return <SkeletonPage what="kinds of exchanges" />
  if (!may) return frame(<p className="muted">Your roles do not let you set up exchanges.</p>)
  if (chosen !== undefined) return frame(<Form key={chosen.kind} info={chosen} />)
  return frame(
    <ul className="exchange-kinds" aria-label="With whom">
      {kinds.data.items.map((info) => (
        <li key={info.kind}>
          <Go to="/banks/exchanges/new" search={{ kind: info.kind }} className="exchange-kind">
            <strong>{info.title}</strong>
            <span className="muted small">{info.about}</span>
            <span className="faint small">
              {info.sendBack.length === 0
                ? 'Nothing is sent back'
                : `Takes back: ${info.sendBack.map((one) => sendWords[one].title.toLowerCase()).join(', ')}`}
              {info.uploads ? ' · files can be uploaded' : ''}
            </span>
          </Go>
        </li>
      ))}
    </ul>,
  )
}

function Form({ info }: { info: ExchangeKindInfo }) {
  const url = useUrl()
  const [name, setName] = useState(info.title)
  const [settings, setSettings] = useState<Record<string, unknown>>({})
  const [credentials, setCredentials] = useState<Record<string, string>>({})
  const [bankId, setBankId] = useState<string | null>(null)
  const [everyMinutes, setEveryMinutes] = useState(60)
  const [sendBack, setSendBack] = useState<Record<Sendable, boolean>>({ seen: false, confirm: false, dispute: false })
  const banks = useRead(listBanks, { query: { limit: 1_000 } }, { staleMs: 30_000 })
  const make = useChange(makeExchange, {
    touches: ['exchanges', 'banks'],
    done: 'The exchange is set up; it is paused until you resume it',
    onDone: ({ exchangeId }) => url.replace(path`/banks/exchanges/${exchangeId}`, { preview: '1' }),
    quiet: true,
  })
  const ready = name.trim() !== '' && filled(info.settings, settings)
  return (
    <form
      className="exchange-form"
      onSubmit={(event) => {
        event.preventDefault()
        const given = givenCredentials(credentials)
        make.mutate({
          body: {
            kind: info.kind,
            name: name.trim(),
            settings: givenSettings(settings),
            ...(Object.keys(given).length === 0 ? {} : { credentials: given }),
            ...(bankId === null ? {} : { bankId }),
            everyMinutes,
            sendBack,
            enabled: false,
          },
        })
      }}
    >
      <p className="muted" style={{ margin: '4px 0 12px' }}>
        {info.about}
      </p>
      <WherePanel info={info} name={name} onName={setName} settings={settings} onSettings={setSettings} />
      {info.credentials.length === 0 ? null : (
        <Panel title="Credentials">
          <div className="stack" style={{ gap: 12 }}>
            <p className="small muted" style={{ margin: 0 }}>
              Sealed when they are saved. Nobody can read them again, here or through the API; they can be replaced.
            </p>
            <CredentialFields info={info} values={credentials} onChange={setCredentials} />
          </div>
        </Panel>
      )}
      <Panel title="What happens here">
        <div className="stack" style={{ gap: 12 }}>
          <Select
            label="Bank that it fills"
            description="A new one of the same name unless you choose one"
            placeholder="A new bank"
            clearable
            searchable
            data={(banks.data?.items ?? []).map((bank) => ({ value: bank.bankId, label: bank.name }))}
            value={bankId}
            onChange={setBankId}
          />
          <EverySelect minutes={everyMinutes} onChange={setEveryMinutes} />
          {info.sendBack.map((one) => (
            <Switch
              key={one}
              label={`Send back: ${sendWords[one].title.toLowerCase()}`}
              description={sendWords[one].says}
              checked={sendBack[one]}
              onChange={(event) => setSendBack({ ...sendBack, [one]: event.currentTarget.checked })}
            />
          ))}
        </div>
      </Panel>
      <FormError error={make.error} />
      <div className="row wrap">
        <Button
          leftSection={<IconArrowLeft size={14} aria-hidden />}
          onClick={() => url.go('/banks/exchanges/new')}
          type="button"
        >
          Another kind
        </Button>
        <Button type="submit" variant="filled" disabled={!ready} loading={make.isPending}>
          Set up and look at what would come
        </Button>
        <span className="small muted">Nothing is fetched for good until you resume it.</span>
      </div>
    </form>
  )
}
