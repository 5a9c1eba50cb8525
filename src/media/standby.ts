import { startTool, type RunTool, type StartedTool } from './ffmpeg.ts'

export type Standby = {
  /** As `runTool`, of tools that are fed. */
  run: RunTool
  /** Ends what waits. */
  end: () => void
}

/**
 * Runs fed tools without the wait for their start, which takes Debian's ffmpeg a tenth of a second: with each run the
 * process of the next one is started, and waits for its input. Every process takes one input and is gone after it, as
 * without. Nothing is started before the first run; what waits in vain for `idleMs` is ended, as is what waits with
 * other arguments than those asked for.
 */
export function createStandby(idleMs: number): Standby {
  let waiting: { key: string; started: StartedTool } | undefined
  let idle: NodeJS.Timeout | undefined
  const end = () => {
    clearTimeout(idle)
    waiting?.started.stop()
    waiting = undefined
  }
  return {
    run(tool, args, limits, io) {
      const key = JSON.stringify([tool, args, limits.timeoutMs, limits.memoryBytes])
      const start = () => startTool(tool, args, limits, true)
      const ready = waiting?.key === key && !waiting.started.ended() ? waiting.started : undefined
      if (ready === undefined) end()
      const taken = ready ?? start()
      waiting = { key, started: start() }
      clearTimeout(idle)
      idle = setTimeout(end, idleMs)
      idle.unref()
      return taken.run(io)
    },
    end,
  }
}
