import type { Clock } from '../domain/ids.ts'
import type { Io } from './command.ts'

export type Progress = {
  /** `done` of `total` in the unit of the bar; words stand behind it. */
  show: (done: number, total: number | undefined, words: string) => void
  end: (words: string) => void
}

/**
 * A line on stderr that shows how far a command is, its rate and the time left. Redrawn in place on a terminal, and
 * written every few seconds where there is none, so that logs stay readable.
 */
export function createProgress(io: Io, clock: Clock, title: string): Progress {
  const startMs = clock()
  const everyMs = io.stderr.isTTY ? 100 : 5_000
  let shownMs = startMs
  return {
    show(done, total, words) {
      const nowMs = clock()
      if (nowMs - shownMs < everyMs) return
      shownMs = nowMs
      const share = total === undefined || total === 0 ? undefined : Math.min(1, done / total)
      const left =
        share === undefined || share === 0 ? '' : `, ${spanWords(((nowMs - startMs) * (1 - share)) / share)} left`
      const bar = share === undefined ? '' : `${barOf(share)} ${String(Math.floor(share * 100)).padStart(3)} %  `
      const line = `${title}  ${bar}${words}${left}`
      io.stderr.write(io.stderr.isTTY ? `\r\u001b[2K${line}` : `${line}\n`)
    },
    end: (words) => void io.stderr.write(`${io.stderr.isTTY ? '\r\u001b[2K' : ''}${title}  ${words}\n`),
  }
}

function barOf(share: number): string {
  const width = 24
  const full = Math.round(share * width)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`
}

/** `45 s`, `3 min`, `2.5 h`. */
export function spanWords(spanMs: number): string {
  const seconds = spanMs / 1_000
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3_600).toFixed(1)} h`
}
