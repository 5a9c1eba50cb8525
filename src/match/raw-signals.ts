import { InputError, quote } from '../domain/error.ts'
import { signalTypes } from './signal-types/all.ts'
import type { LookupContent, SignalType } from './signal-types/signal-type.ts'

const byName = new Map(signalTypes.map((type) => [type.name, type]))

/** The signal type of this name. Throws an InputError that names the field and the types that there are. */
export function signalTypeNamed(field: string, name: string): SignalType {
  const type = byName.get(name)
  if (type !== undefined) return type
  throw new InputError(`${field} is not a signal type`, [
    {
      field,
      problem: `is not a signal type; there are ${signalTypes.map((each) => each.name).join(', ')}`,
      value: quote(name),
    },
  ])
}

/** Content that has these signals and nothing else, each as a part of its own. Throws an InputError for a bad one. */
export function contentOfSignals(field: string, signals: Readonly<Record<string, string>>): LookupContent {
  let content: LookupContent = {}
  for (const name in signals) {
    const type = signalTypeNamed(`${field}.${quote(name)}`, name)
    content = joined(content, type.contentOf(type.parse(`${field}.${name}`, signals[name]!)), `${field}.${name}`)
  }
  return content
}

/** Two pieces of content as one. Throws an InputError naming the field when both have a text. */
export function joined(one: LookupContent, other: LookupContent, field: string): LookupContent {
  if (one.text !== undefined && other.text !== undefined)
    throw new InputError(`${field} is a second text`, [
      { field, problem: 'is a second text; look texts up one by one', limit: 1 },
    ])
  const both = <K extends 'photos' | 'videos' | 'audios' | 'links'>(key: K): Pick<LookupContent, K> =>
    one[key] === undefined && other[key] === undefined
      ? ({} as Pick<LookupContent, K>)
      : ({ [key]: [...(one[key] ?? []), ...(other[key] ?? [])] } as unknown as Pick<LookupContent, K>)
  const text = one.text ?? other.text
  return {
    ...both('photos'),
    ...both('videos'),
    ...both('audios'),
    ...both('links'),
    ...(text === undefined ? {} : { text }),
    ...(one.textSignals === undefined && other.textSignals === undefined
      ? {}
      : { textSignals: { ...one.textSignals, ...other.textSignals } }),
  }
}
