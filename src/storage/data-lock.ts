import { readFileSync } from 'node:fs'
import { link, mkdir, readFile, rename, unlink, utimes, writeFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../domain/ids.ts'

/** Who holds a data folder. */
export type DataHolder = {
  pid: number
  /** What it does with the folder: `start`, `backup`, `restore`. */
  purpose: string
  sinceMs: number
  host: string
  /** Where it serves, once it does. */
  url?: string
  /** When the kernel started that process, so that a recycled process id is not taken for it. Linux only. */
  processStart?: string
}

export type DataLock = {
  /** Lets other commands know where this process serves. */
  serving: (url: string) => Promise<void>
  release: () => Promise<void>
}

const lockName = 'custos.lock'
/** How often the holder touches the file, and when a lock of another machine counts as abandoned. */
const heartbeatMs = 5_000
const abandonedMs = 30_000

/** Thrown when a live process holds the folder; its message names the folder and the process. */
export class DataInUseError extends Error {
  override name = 'DataInUseError'
  readonly holder: DataHolder
  constructor(dataDir: string, holder: DataHolder, verb: string) {
    const since = new Date(holder.sinceMs).toISOString()
    const where = holder.host === hostname() ? '' : ` on ${holder.host}`
    super(
      `Cannot ${verb}: ${dataDir} is in use by custos process ${holder.pid} (${holder.purpose})${where} since ${since}`,
    )
    this.holder = holder
  }
}

/**
 * Takes a data folder for this process, or throws a DataInUseError. A lock whose process was killed is taken over.
 * The folder is made when missing.
 */
export async function lockData(dataDir: string, purpose: string, clock: Clock): Promise<DataLock> {
  await mkdir(dataDir, { recursive: true })
  const path = join(dataDir, lockName)
  const me: DataHolder = {
    pid: process.pid,
    purpose,
    sinceMs: clock(),
    host: hostname(),
    processStart: processStart(process.pid),
  }
  let text = JSON.stringify(me)
  const draft = `${path}.${process.pid}-${purpose}`
  await writeFile(draft, text)
  try {
    for (let tries = 0; ; tries++) {
      try {
        // A link appears with its content or not at all, and never over another one.
        await link(draft, path)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = await dataHolder(dataDir, clock)
      if (holder !== undefined) throw new DataInUseError(dataDir, holder, purpose)
      if (tries > 20) throw new Error(`Cannot ${purpose}: ${path} cannot be taken over; remove it by hand`)
      await removeDead(dataDir, path, clock)
    }
  } finally {
    await unlink(draft)
  }
  const beat = setInterval(() => {
    const seconds = clock() / 1_000
    utimes(path, seconds, seconds).catch(() => {})
  }, heartbeatMs)
  beat.unref()
  return {
    async serving(url) {
      text = JSON.stringify({ ...me, url } satisfies DataHolder)
      await writeFile(draft, text)
      await rename(draft, path)
    },
    async release() {
      clearInterval(beat)
      if ((await readFile(path, 'utf8').catch(() => '')) === text) await unlink(path).catch(() => {})
    },
  }
}

/** The live process that holds a data folder, or undefined when it is free or its holder is gone. */
export async function dataHolder(dataDir: string, clock: Clock): Promise<DataHolder | undefined> {
  const path = join(dataDir, lockName)
  const holder = parseHolder(await readFile(path, 'utf8').catch(() => ''))
  if (holder === undefined) return undefined
  if (holder.host !== hostname()) {
    const touched = await stat(path).catch(() => undefined)
    return touched !== undefined && clock() - touched.mtimeMs < abandonedMs ? holder : undefined
  }
  return isRunning(holder) ? holder : undefined
}

/**
 * Removes a lock whose process is gone. Only one process at a time may, and it looks again first: whoever removed by an
 * older look would remove the lock of the one that has just taken the folder.
 */
async function removeDead(dataDir: string, path: string, clock: Clock): Promise<void> {
  const guard = `${path}.takeover`
  try {
    await writeFile(guard, '', { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    // Somebody else is at it, or was killed in the middle of it.
    const made = await stat(guard).catch(() => undefined)
    if (made !== undefined && clock() - made.mtimeMs > abandonedMs) await unlink(guard).catch(() => {})
    else await pause(25)
    return
  }
  try {
    if ((await dataHolder(dataDir, clock)) === undefined) await unlink(path).catch(() => {})
  } finally {
    await unlink(guard).catch(() => {})
  }
}

function parseHolder(text: string): DataHolder | undefined {
  try {
    const holder = JSON.parse(text) as DataHolder | null
    return typeof holder?.pid === 'number' ? holder : undefined
  } catch {
    return undefined
  }
}

function isRunning(holder: DataHolder): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const start = processStart(holder.pid)
  if (start === 'ended') return false
  return start === undefined || holder.processStart === undefined || start === holder.processStart
}

/** Start time of a process in clock ticks since boot (proc(5), field 22), "ended" for a zombie, undefined without /proc. */
function processStart(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold spaces and brackets of its own.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19]
  } catch {
    return undefined
  }
}
