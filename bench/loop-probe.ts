// Loaded into the product before it starts (NODE_OPTIONS=--import …): writes how long its main thread was busy between
// two looks, a millisecond apart where it is idle. Counted in time on a processor, so that other programs on the same
// cores and the load generator do not count; on SIGUSR2 it writes what it saw to the file LOOP_PROBE names, and begins
// anew.
import { writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

export type LoopReport = { turns: number; p50: number; p99: number; p999: number; longest: number }

const file = process.env.LOOP_PROBE
if (file !== undefined && isMainThread) {
  let busyMs: number[] = []
  let before = process.threadCpuUsage()
  const timer = setInterval(() => {
    const now = process.threadCpuUsage()
    busyMs.push((now.user + now.system - before.user - before.system) / 1_000)
    before = now
  }, 1)
  timer.unref()
  process.on('SIGUSR2', () => {
    const sorted = busyMs.sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    const report: LoopReport = {
      turns: sorted.length,
      p50: at(0.5),
      p99: at(0.99),
      p999: at(0.999),
      longest: sorted.at(-1) ?? 0,
    }
    writeFileSync(file, JSON.stringify(report))
    busyMs = []
    before = process.threadCpuUsage()
  })
}
