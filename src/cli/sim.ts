import { createHash } from 'node:crypto'
import { createWriteStream, type WriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { resolve } from 'node:path'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { encodeJpeg } from '../media/encode.ts'
import { createPhotographer, withPhotos } from '../sim/photos.ts'
import { simulate, simulateLimits } from '../sim/simulate.ts'
import { dayMs } from '../sim/world.ts'
import { parse, UsageError, type Command, type Io } from './command.ts'
import { createProgress } from './progress.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `--out FILE [options]

Writes the events of a simulated platform as NDJSON, in order of time. The same options give the same bytes.

  --seed N        which platform (0 to 4294967295; default 7)
  --actors N      ordinary people on it (${simulateLimits.actorsMin} to ${simulateLimits.actorsMax}; default 2000)
  --days N        how long (${simulateLimits.daysMin} to ${simulateLimits.daysMax}; default 14)
  --start TIME    first moment, ISO 8601 with a zone (default 2026-11-01T00:00:00Z)
  --out FILE      where the events go; "-" is standard output
  --truth FILE    where the truth goes: what is violating, and who is who. No detector may read it
  --no-photos     leave out the bytes of photos (their ids stay; much faster)`

export const command: Command = {
  name: 'sim',
  summary: 'write the events of a simulated platform',
  usage,
  async run(args, io) {
    const { values } = parse(args, {
      seed: { type: 'string', default: '7' },
      actors: { type: 'string', default: '2000' },
      days: { type: 'string', default: '14' },
      start: { type: 'string', default: '2026-11-01T00:00:00Z' },
      out: { type: 'string' },
      truth: { type: 'string' },
      'no-photos': { type: 'boolean', default: false },
    })
    if (values.out === undefined)
      throw new UsageError('say where the events go: --out FILE, or --out - for standard output')
    const seed = wholeNumber('seed', values.seed, 0, 0xffff_ffff)
    const actors = wholeNumber('actors', values.actors, simulateLimits.actorsMin, simulateLimits.actorsMax)
    const days = wholeNumber('days', values.days, simulateLimits.daysMin, simulateLimits.daysMax)
    const startMs = startOf(values.start)

    const beganMs = Date.now()
    const progress = createProgress(io, Date.now, 'Simulating')
    const out = openOutput(values.out, io)
    const truthOut = values.truth === undefined ? undefined : openOutput(values.truth, io)
    const hash = createHash('sha256')
    let events = 0
    let violating = 0
    const simulated = simulate({ seed, actors, days, startMs })
    const source = values['no-photos']
      ? withoutPhotos(simulated)
      : withPhotos(simulated, createPhotographer(encodeJpeg))
    for await (const { event, truth } of source) {
      const line = `${JSON.stringify(event)}\n`
      hash.update(line)
      await out.write(line)
      await truthOut?.write(`${JSON.stringify(truth)}\n`)
      events++
      if (truth.violating) violating++
      if (events % 200 === 0)
        progress.show(Date.parse(event.time) - startMs, days * dayMs, `${events.toLocaleString('en')} events`)
    }
    await out.close()
    await truthOut?.close()
    const seconds = ((Date.now() - beganMs) / 1_000).toFixed(1)
    progress.end(
      `${events.toLocaleString('en')} events of ${days} days in ${seconds} s, ${violating.toLocaleString('en')} of them violating; sha256 ${hash.digest('hex').slice(0, 16)}…`,
    )
    return 0
  },
}

function startOf(text: string): number {
  const startMs = Date.parse(text)
  if (Number.isNaN(startMs) || !/(Z|[+-]\d{2}:\d{2})$/.test(text))
    throw new UsageError(`--start "${text}" must be an ISO 8601 time with a zone, such as 2026-11-01T00:00:00Z`)
  return startMs
}

/** Photos without content still have a source: a hash is all that some platforms may send. */
async function* withoutPhotos(simulated: ReturnType<typeof simulate>) {
  for (const { event, truth } of simulated) {
    const media = event.item?.media?.map((one) => ({ ...one, hashes: {} }))
    yield { event: media === undefined ? event : { ...event, item: { ...event.item!, media } }, truth }
  }
}

type Output = { write: (text: string) => Promise<void>; close: () => Promise<void> }

/** Writes to a file beside the target and renames it when whole, so that half a simulation is never mistaken for one. */
function openOutput(path: string, io: Io): Output {
  if (path === '-') return { write: async (text) => void io.stdout.write(text), close: async () => {} }
  const target = resolve(io.cwd, path)
  const stream: WriteStream = createWriteStream(`${target}.part`, { highWaterMark: 1 << 20 })
  let failed: Error | undefined
  stream.on('error', (error) => (failed = error))
  return {
    async write(text) {
      if (failed !== undefined) throw new Error(`Cannot write "${target}": ${failed.message}`)
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), once(stream, 'close')])
    },
    async close() {
      stream.end()
      try {
        await finished(stream)
      } catch (error) {
        throw new Error(`Cannot write "${target}": ${(error as Error).message}`, { cause: error })
      }
      await rename(`${target}.part`, target)
    },
  }
}
