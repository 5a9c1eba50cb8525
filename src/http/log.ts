export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]
export type LogLine = { level?: string; msg?: string } & Record<string, unknown>
export type Log = (line: LogLine) => void

/**
 * Structured log: one JSON object a line, with the time first. Lines below the level are dropped. Errors become text.
 * Callers put no personal data in: ids, counts and durations only.
 */
export function createLog(options: { level: LogLevel; write: (line: string) => void; clock: () => number }): Log {
  const limit = logLevels.indexOf(options.level)
  return (line) => {
    const level = line.level ?? 'info'
    const rank = logLevels.indexOf(level as LogLevel)
    if (rank <= 0 || rank > limit) return
    const { level: _level, ...rest } = line
    options.write(
      `${JSON.stringify({ time: new Date(options.clock()).toISOString(), level, ...rest }, (_key, value: unknown) =>
        value instanceof Error ? (value.stack ?? value.message) : typeof value === 'bigint' ? String(value) : value,
      )}\n`,
    )
  }
}
