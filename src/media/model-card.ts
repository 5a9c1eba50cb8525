import { InputError, quote } from '../domain/error.ts'

/** How a model is used, as the file NAME.json beside NAME.onnx says. */
export type ModelCard =
  | {
      kind: 'photo'
      /** The file's name unless said: so that two versions can lie side by side. */
      name?: string
      version: string
      threshold?: number
      input: {
        /** The model's first input unless said. */
        name?: string
        width: number
        height: number
        layout: 'nchw' | 'nhwc'
        /** Subtracted from, and dividing, each of red, green and blue in 0 to 1. */
        mean: number[]
        std: number[]
      }
      output: ModelOutput
    }
  | {
      kind: 'text'
      name?: string
      version: string
      threshold?: number
      /** The file of pieces, one a line, in the same folder. */
      vocabulary: string
      lowercase: boolean
      /** Pieces that the model reads at most. */
      lengthMax: number
      output: ModelOutput
    }
/** `pool`: the answer is one vector already, or rows of which the mean or the first is taken. */
type ModelOutput = { name?: string; pool: 'none' | 'mean' | 'first' }

/** Reads a card. Throws an InputError that names the field and what it may hold. */
export function readModelCard(text: string): ModelCard {
  const card = objectOf('card', parse(text))
  const kind = oneOf('kind', card.kind, ['photo', 'text'])
  const version = textOf('version', card.version, /^[a-z0-9][a-z0-9._-]{0,31}$/)
  const own = {
    ...(card.name === undefined ? {} : { name: textOf('name', card.name, /^[a-z0-9][a-z0-9._-]{0,63}$/) }),
    version,
    ...(card.threshold === undefined ? {} : { threshold: thresholdOf(card.threshold) }),
  }
  const given = objectOf('output', card.output ?? {})
  const output: ModelOutput = {
    pool: oneOf('output.pool', given.pool ?? (kind === 'photo' ? 'none' : 'mean'), ['none', 'mean', 'first']),
    ...(given.name === undefined ? {} : { name: textOf('output.name', given.name, /^.{1,200}$/) }),
  }
  if (kind === 'text')
    return {
      kind,
      ...own,
      vocabulary: textOf('vocabulary', card.vocabulary ?? 'vocab.txt', /^[\w.-]{1,100}$/),
      lowercase: card.lowercase !== false,
      lengthMax: wholeOf('lengthMax', card.lengthMax ?? 256, 4, 8_192),
      output,
    }
  const input = objectOf('input', card.input)
  return {
    kind,
    ...own,
    input: {
      ...(input.name === undefined ? {} : { name: textOf('input.name', input.name, /^.{1,200}$/) }),
      width: wholeOf('input.width', input.width, 1, 2_048),
      height: wholeOf('input.height', input.height, 1, 2_048),
      layout: oneOf('input.layout', input.layout ?? 'nchw', ['nchw', 'nhwc']),
      mean: threeOf('input.mean', input.mean ?? [0, 0, 0], () => true),
      std: threeOf('input.std', input.std ?? [1, 1, 1], (value) => value !== 0),
    },
    output,
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refuse('card', `is not JSON: ${(error as Error).message}`, text.slice(0, 50))
  }
}

function refuse(field: string, problem: string, value: unknown): InputError {
  return new InputError(`${field} ${problem}`, [{ field, problem, value: quote(value) }])
}

function objectOf(field: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(field, 'must be an object', value)
  return value as Record<string, unknown>
}

function oneOf<const Allowed extends string>(field: string, value: unknown, allowed: readonly Allowed[]): Allowed {
  if (!(allowed as readonly unknown[]).includes(value))
    throw refuse(field, `must be one of ${allowed.join(', ')}`, value)
  return value as Allowed
}

function textOf(field: string, value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw refuse(field, `must be text that fits ${pattern}`, value)
  return value
}

function wholeOf(field: string, value: unknown, low: number, high: number): number {
  if (!Number.isInteger(value) || (value as number) < low || (value as number) > high)
    throw refuse(field, `must be a whole number from ${low} to ${high}`, value)
  return value as number
}

/** Above half a cosine nothing is the same any more. */
function thresholdOf(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 0.5))
    throw refuse('threshold', 'must be a cosine distance from 0 to 0.5', value)
  return value
}

function threeOf(field: string, value: unknown, fits: (one: number) => boolean): number[] {
  if (!Array.isArray(value) || value.length !== 3 || !value.every((one) => Number.isFinite(one) && fits(one as number)))
    throw refuse(field, 'must be three numbers, for red, green and blue', value)
  return value as number[]
}
