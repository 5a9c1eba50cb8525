import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { InputError } from '../domain/error.ts'

export type Terminal = { write: (text: string) => unknown; isTTY?: boolean }
export type Io = {
  stdout: Terminal
  stderr: Terminal
  /** The folder that relative paths of arguments start from. */
  cwd: string
  env: Record<string, string | undefined>
}

export type Command = {
  name: string
  /** One line for the table of commands. */
  summary: string
  /** Arguments and flags, after the name; further lines explain them. */
  usage: string
  /** Answers the exit code: 0 done, 1 did not work, 2 called wrongly. */
  run: (args: string[], io: Io) => Promise<number>
}

/** Called wrongly: the message and the command's usage are shown, and the exit code is 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Flags and positional arguments of a command; unknown flags and a wrong number of arguments are usage errors. */
export function parse<Options extends ParseArgsOptionsConfig>(
  args: string[],
  options: Options,
  positionals: { min: number; max: number } = { min: 0, max: 0 },
) {
  let parsed
  try {
    parsed = parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0])
  }
  if (parsed.positionals.length < positionals.min)
    throw new UsageError(`${positionals.min - parsed.positionals.length} more argument(s) needed`)
  if (parsed.positionals.length > positionals.max)
    throw new UsageError(`unexpected argument "${parsed.positionals[positionals.max]}"`)
  return parsed
}

/** Rows as aligned columns, with two spaces between them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)))
  return rows
    .map((row) => row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at]!))).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

/** An error as lines for a person: its message, every problem of an input error, and no stack unless asked for. */
export function errorLines(error: unknown, debug = false): string {
  if (!(error instanceof Error)) return `custos: ${String(error)}\n`
  const lines = [`custos: ${error.message}`]
  if (error instanceof InputError)
    for (const { field, problem, value, line, column } of error.problems) {
      const at = line === undefined ? '' : ` (line ${line}${column === undefined ? '' : `, column ${column}`})`
      lines.push(`  ${field === '' ? 'input' : field}${value === undefined ? '' : ` "${value}"`} ${problem}${at}`)
    }
  const code = (error as { code?: unknown }).code
  if (error.message === '' && typeof code === 'string') lines[0] = `custos: ${code}`
  if (debug && error.stack !== undefined) lines.push(error.stack)
  return `${lines.join('\n')}\n`
}
