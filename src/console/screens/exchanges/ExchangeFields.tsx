import { Select, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ExchangeKindInfo } from '../../../http/contract/exchanges.ts'
import { Panel } from '../../parts/Page.tsx'
import { FieldInput } from './FieldInput.tsx'
import { everyChoices, everyText } from './state.ts'

/** What it is called here, and where it is asked. */
export function WherePanel({
  info,
  name,
  onName,
  settings,
  onSettings,
  children,
}: {
  info: ExchangeKindInfo
  name: string
  onName: (name: string) => void
  settings: Record<string, unknown>
  onSettings: (settings: Record<string, unknown>) => void
  children?: ReactNode
}) {
  return (
    <Panel title="Where it is">
      <div className="stack" style={{ gap: 12 }}>
        <TextInput label="Name" required value={name} onChange={(event) => onName(event.currentTarget.value)} />
        {info.settings.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            value={settings[field.name]}
            onChange={(value) => onSettings({ ...settings, [field.name]: value })}
          />
        ))}
        {children}
      </div>
    </Panel>
  )
}

/** How often it is asked; also a pace that is none of the usual ones. */
export function EverySelect({ minutes, onChange }: { minutes: number; onChange: (minutes: number) => void }) {
  const value = String(minutes)
  const usual = everyChoices.some((choice) => choice.value === value)
  return (
    <Select
      label="Fetched"
      data={usual ? everyChoices : [...everyChoices, { value, label: everyText(minutes) }]}
      value={value}
      onChange={(next) => onChange(Number(next ?? minutes))}
      allowDeselect={false}
    />
  )
}

/** Secrets of an exchange, typed unseen; `kept` are set already. */
export function CredentialFields({
  info,
  values,
  onChange,
  kept = [],
}: {
  info: ExchangeKindInfo
  values: Record<string, string>
  onChange: (values: Record<string, string>) => void
  kept?: readonly string[]
}) {
  return info.credentials.map((field) => (
    <FieldInput
      key={field.name}
      field={field}
      secret
      kept={kept.includes(field.name)}
      value={values[field.name]}
      onChange={(value) => onChange({ ...values, [field.name]: String(value ?? '') })}
    />
  ))
}

/** The secrets that were typed, without empty ones. */
export function givenCredentials(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))
}

/** Settings without those that are not set. */
export function givenSettings(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined && value !== null))
}
