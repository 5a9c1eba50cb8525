// The core model end to end on two million made-up ratings, tables to tables: processor time and peak memory of a run.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { claim, say } from './load.ts'
import { writeNotesData } from './notes-data.ts'

const nowMs = 1_782_864_000_000
const folder = join(tmpdir(), 'custos-notes-2m')
const rounds = 2
try {
  rmSync(folder, { recursive: true, force: true })
  const ratings = writeNotesData({ folder, notes: 66_666, raters: 36_363, ratings: 1_927_068, seed: 7, nowMs })
  say(`${ratings} ratings`)
  let best = { cpuS: Infinity, peakGb: Infinity }
  for (let round = 0; round < rounds; round++) {
    const used = await runOnce()
    say(`round ${round + 1}: ${used.cpuS.toFixed(1)} CPU-s, ${used.peakGb.toFixed(2)} GB`)
    if (used.cpuS < best.cpuS) best = used
  }
  claim('notes.2m.cpu', best.cpuS, 'CPU-s')
  claim('notes.2m.memory', best.peakGb, 'GB')
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** One `custos notes score` in a process of its own, which says at its end what it used. */
async function runOnce(): Promise<{ cpuS: number; peakGb: number }> {
  const path = (name: string) => join(folder, `${name}-00000.tsv`)
  const out = join(folder, 'out')
  const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
  const args = ['notes', 'score', '--notes', path('notes'), '--ratings', path('ratings'), '--out', out]
  const more = ['--status', path('noteStatusHistory'), '--enrollment', path('userEnrollment'), '--now', String(nowMs)]
  const report = `process.on('exit', () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage(); console.error('used ' + JSON.stringify({ userCPUTime, systemCPUTime, maxRSS })) }); const { main } = await import(${JSON.stringify(main)}); process.exitCode = await main(${JSON.stringify([...args, ...more])}, { stdout: process.stderr, stderr: process.stderr, cwd: process.cwd(), env: process.env })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', report], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  const used = /used (\{.*\})/.exec(text)
  if (code !== 0 || used === null || !existsSync(join(out, 'scored_notes.tsv')))
    throw new Error(`The run failed: ${text}`)
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(used[1]!) as Record<string, number>
  return { cpuS: (userCPUTime! + systemCPUTime!) / 1e6, peakGb: maxRSS! / 1e6 }
}
