import { NumberInput, PasswordInput, Select, Switch, TagsInput, TextInput } from '@mantine/core'
import type { Static } from 'typebox'
import type { ExchangeField } from '../../../http/contract/exchanges.ts'

export type Field = Static<typeof ExchangeField>

/** One field of the form of an exchange, with its explanation. Secrets are typed unseen and never shown again. */
export function FieldInput({
  field,
  value,
  onChange,
  secret = false,
  kept = false,
}: {
  field: Field
  value: unknown
  onChange: (value: unknown) => void
  secret?: boolean
  /** A secret that is set already. */
  kept?: boolean
}) {
  const { title, help, kind, required, choices } = field
  const common = { label: title, description: help }
  const text = typeof value === 'string' ? value : ''
  const wrong = problemWith(field, value)
  if (secret)
    return (
      <PasswordInput
        {...common}
        size="xs"
        required={required}
        autoComplete="off"
        placeholder={kept ? 'Set; type to replace it' : ''}
        value={text}
        error={wrong}
        onChange={(event) => onChange(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': `Show ${title}` }}
      />
    )
  if (kind === 'flag')
    return <Switch {...common} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
  if (kind === 'choice')
    return (
      <Select
        {...common}
        required={required}
        clearable={!required}
        searchable={(choices?.length ?? 0) > 6}
        data={choices ?? []}
        value={text === '' ? null : text}
        onChange={(next) => onChange(next ?? undefined)}
      />
    )
  if (kind === 'texts')
    return (
      <TagsInput
        {...common}
        size="xs"
        placeholder="Enter after each"
        value={Array.isArray(value) ? (value as string[]) : []}
        onChange={(next) => onChange(next.length === 0 ? undefined : next)}
      />
    )
  if (kind === 'whole')
    return (
      <NumberInput
        {...common}
        required={required}
        allowDecimal={false}
        min={0}
        value={typeof value === 'number' ? value : ''}
        onChange={(next) => onChange(next === '' ? undefined : Number(next))}
      />
    )
  return (
    <TextInput
      {...common}
      required={required}
      type={kind === 'url' ? 'url' : 'text'}
      value={text}
      error={wrong}
      onChange={(event) => onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
    />
  )
}

/** What is wrong with a text that was typed; the server checks again. */
export function problemWith({ pattern, title }: Field, value: unknown): string | undefined {
  if (pattern === undefined || typeof value !== 'string' || value === '') return undefined
  return new RegExp(pattern).test(value) ? undefined : `${title} does not look like that`
}

/** Whether every field that is needed is filled and fits. */
export function filled(
  fields: readonly Field[],
  values: Record<string, unknown>,
  kept: readonly string[] = [],
): boolean {
  return fields.every((field) => {
    const value = values[field.name]
    if (problemWith(field, value) !== undefined) return false
    return !field.required || kept.includes(field.name) || (value !== undefined && value !== '' && value !== null)
  })
}
