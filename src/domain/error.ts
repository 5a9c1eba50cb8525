/** One thing wrong with one field of an input: which field, what it held, what is wrong with it. */
export type FieldProblem = {
  /** Path of the field, dotted, array indices in brackets: `item.media[0].url`. Empty for the whole input. */
  field: string
  problem: string
  /** The value as given, cut to 200 characters when it is long. */
  value?: string
  limit?: number | string
  /** Line and column (1-based) for text files such as rules and policies. */
  line?: number
  column?: number
}

/** Input from outside that cannot be accepted. Carries every problem found, not only the first. */
export class InputError extends Error {
  override name = 'InputError'
  readonly problems: FieldProblem[]
  constructor(message: string, problems: FieldProblem[] = []) {
    super(message)
    this.problems = problems
  }
}

/** An expected refusal by the domain, as a value: callers must look at `ok`. */
export type Refusal<Reason extends string = string> = { ok: false; reason: Reason; detail: string }
export type Outcome<T, Reason extends string = string> = ({ ok: true } & T) | Refusal<Reason>

/** Whatever walks or writes a value by recursion can do so to this depth; nobody needs more. */
export const nestingMax = 64

/** Whether arrays and objects lie more than `levels` deep in each other. */
export function nestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const key in value) if (nestedDeeper((value as Record<string, unknown>)[key], levels - 1)) return true
  return false
}

/** A value as it may be shown in an error: JSON, cut to 200 characters. */
export function quote(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : nestedDeeper(value, nestingMax)
        ? `(nested more than ${nestingMax} levels deep)`
        : (JSON.stringify(value) ?? String(value))
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text
}

/** Throws on a bug in Custos itself; never used for input from outside. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`)
}
