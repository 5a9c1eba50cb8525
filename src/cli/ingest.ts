import { createHash } from 'node:crypto'
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { InputError } from '../domain/error.ts'
import { parse, UsageError, type Command, type Io } from './command.ts'
import { mapRow, parseMapping, type Mapping, type SourceRow } from './ingest-mapping.ts'
import { sendBatch, type Batch, type Reject } from './ingest-send.ts'
import { formatOf, formats, openSource, type Format, type ImageFile, type SourceItem } from './ingest-source.ts'
import { createProgress } from './progress.ts'
import { wholeNumber } from './whole-number.ts'

const eventsPerBatch = 500
/** A quarter of what the server takes in one body, so that pictures never make a batch too large. */
const bytesPerBatch = 8 * 1024 * 1024
const imageBytesMax = 5 * 1024 * 1024

const usage = `PATH [options]

Sends a file of events, a table, or a folder of images to a running Custos. It can be interrupted at any time: the same
command goes on where it was, and nothing arrives twice.

  PATH              .ndjson, .json, .csv or .tsv (each may end in .gz), or a folder of images
  --url URL         where Custos listens (default $CUSTOS_URL or http://127.0.0.1:7070)
  --key KEY         API key with the scope events:write (default $CUSTOS_KEY)
  --mapping FILE    YAML that says how rows become events; needed for tables. See docs/guides/ingest.md
  --format FORMAT   ${formats.join(', ')} (default: by the name)
  --actor ID        who posted the images of a folder (default "folder")
  --context NAME    context of the images of a folder (default "feed")
  --concurrency N   batches in flight (1 to 16; default 4)
  --state FILE      where progress is kept (default PATH.ingest-state.json, removed when done)
  --rejects FILE    where refused rows are listed (default PATH.rejects.ndjson)
  --patience S      seconds to keep trying when the server is away (default 120)

Exit code: 0 all rows arrived, 3 done but some rows were refused, 1 stopped, 2 asked wrongly.`

type State = {
  fingerprint: string
  mapping: string
  items: number
  accepted: number
  duplicate: number
  refused: number
  skipped: number
}

export const command: Command = {
  name: 'ingest',
  summary: 'send a file of events, a table or a folder of images',
  usage,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      {
        url: { type: 'string' },
        key: { type: 'string' },
        mapping: { type: 'string' },
        format: { type: 'string' },
        actor: { type: 'string', default: 'folder' },
        context: { type: 'string', default: 'feed' },
        concurrency: { type: 'string', default: '4' },
        state: { type: 'string' },
        rejects: { type: 'string' },
        patience: { type: 'string', default: '120' },
      },
      { min: 1, max: 1 },
    )
    const path = resolve(io.cwd, positionals[0]!)
    const format = await chooseFormat(path, values.format)
    const mappingText =
      values.mapping === undefined ? undefined : await readMappingFile(resolve(io.cwd, values.mapping))
    if (mappingText === undefined && (format === 'csv' || format === 'tsv'))
      throw new UsageError(
        `a ${format.toUpperCase()} file needs --mapping FILE, which says how its columns become events`,
      )
    return ingest(io, {
      path,
      format,
      mapping: mappingText === undefined ? undefined : parseMapping(mappingText),
      mappingSha256: createHash('sha256')
        .update(`${mappingText ?? ''} ${values.actor} ${values.context}`)
        .digest('hex'),
      url: (values.url ?? io.env.CUSTOS_URL ?? 'http://127.0.0.1:7070').replace(/\/+$/, ''),
      key: values.key ?? io.env.CUSTOS_KEY,
      actor: values.actor,
      context: values.context,
      concurrency: wholeNumber('concurrency', values.concurrency, 1, 16),
      patienceMs: wholeNumber('patience', values.patience, 0, 86_400) * 1_000,
      statePath:
        values.state === undefined ? `${path.replace(/\/+$/, '')}.ingest-state.json` : resolve(io.cwd, values.state),
      rejectsPath:
        values.rejects === undefined ? `${path.replace(/\/+$/, '')}.rejects.ndjson` : resolve(io.cwd, values.rejects),
    })
  },
}

async function chooseFormat(path: string, given: string | undefined): Promise<Format> {
  try {
    const found = given === undefined ? await formatOf(path) : given
    if (!formats.includes(found as Format))
      throw new UsageError(`--format "${found}" must be one of ${formats.join(', ')}`)
    return found as Format
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') throw new UsageError(`there is no "${path}"`)
    throw error
  }
}

async function readMappingFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new InputError(`Cannot read the mapping "${path}": ${(error as Error).message}`)
  }
}

type Job = {
  path: string
  format: Format
  mapping: Mapping | undefined
  mappingSha256: string
  url: string
  key: string | undefined
  actor: string
  context: string
  concurrency: number
  patienceMs: number
  statePath: string
  rejectsPath: string
}

/** Reads, maps, batches and sends, a few batches at a time; remembers how far everything before is acknowledged. */
async function ingest(io: Io, job: Job): Promise<number> {
  const source = await openSource(job.path, job.format)
  const state = await readState(job, source.fingerprint)
  const resumedAt = state.items
  if (resumedAt === 0) await rm(job.rejectsPath, { force: true })
  else io.stderr.write(`Going on after row ${resumedAt.toLocaleString('en')} of an earlier run\n`)
  const progress = createProgress(io, Date.now, 'Sending')
  const beganMs = Date.now()
  const inFlight = new Set<Promise<void>>()
  const finished = new Map<number, number>()
  let nextToFinish = 0
  let failure: Error | undefined
  let sentNow = 0
  let savedMs = Date.now()

  const report = async (rejects: readonly Reject[]): Promise<void> => {
    if (rejects.length > 0)
      await appendFile(job.rejectsPath, rejects.map((reject) => `${JSON.stringify(reject)}\n`).join(''))
  }
  const send = async (batch: Batch): Promise<void> => {
    try {
      const answer =
        batch.lines.length === 0
          ? { accepted: 0, duplicate: 0, refused: 0, rejects: [] }
          : await sendBatch(batch, {
              url: job.url,
              key: job.key,
              fetch,
              wait: async (ms) => void (await wait(ms)),
              patienceMs: job.patienceMs,
              onRetry: (why, waitMs) =>
                void io.stderr.write(`\n${why}; trying again in ${(waitMs / 1_000).toFixed(1)} s\n`),
            })
      await report(answer.rejects)
      state.accepted += answer.accepted
      state.duplicate += answer.duplicate
      state.refused += answer.refused
      sentNow += batch.lines.length
      finished.set(batch.number, batch.lastItem)
      for (let item = finished.get(nextToFinish); item !== undefined; item = finished.get(nextToFinish)) {
        finished.delete(nextToFinish++)
        state.items = item
      }
      if (Date.now() - savedMs > 500) {
        savedMs = Date.now()
        await saveState(job, state)
      }
    } catch (error) {
      failure ??= error as Error
    }
  }

  let number = 0
  let bytes = 0
  let batch: Batch = { number: 0, lines: [], rows: [], lastItem: 0 }
  const flush = async (): Promise<void> => {
    const full = batch
    batch = { number: ++number, lines: [], rows: [], lastItem: full.lastItem }
    bytes = 0
    const sending = send(full).finally(() => inFlight.delete(sending))
    inFlight.add(sending)
    // Back-pressure: no more is read while enough is on the way.
    while (inFlight.size >= job.concurrency) await Promise.race(inFlight)
    const rate = Math.round(sentNow / Math.max(0.001, (Date.now() - beganMs) / 1_000))
    progress.show(
      source.readSoFar(),
      source.total,
      `${sentNow.toLocaleString('en')} events, ${rate.toLocaleString('en')}/s`,
    )
  }

  let items = 0
  for await (const item of source.items) {
    items++
    if (items <= resumedAt) continue
    batch.lastItem = items
    const made = toEvent(item, job)
    if ('reject' in made) {
      state.refused++
      await report([made.reject])
    } else if (made.line === undefined) state.skipped++
    else {
      batch.lines.push(made.line)
      batch.rows.push({ line: item.line })
      bytes += made.line.length
    }
    if (batch.lines.length >= eventsPerBatch || bytes >= bytesPerBatch) await flush()
    if (failure !== undefined) break
  }
  if (failure === undefined) await flush()
  await Promise.all(inFlight)
  if (failure !== undefined) {
    await saveState(job, state)
    throw failure
  }
  await rm(job.statePath, { force: true })
  const seconds = Math.max(0.001, (Date.now() - beganMs) / 1_000)
  progress.end(
    `${state.accepted.toLocaleString('en')} accepted, ${state.duplicate.toLocaleString('en')} already there, ${state.refused.toLocaleString('en')} refused, ${state.skipped.toLocaleString('en')} skipped by the mapping; ${Math.round(sentNow / seconds).toLocaleString('en')} events/s`,
  )
  if (state.refused > 0) io.stderr.write(`Refused rows are listed with their reasons in ${job.rejectsPath}\n`)
  return state.refused > 0 ? 3 : 0
}

/** What a row becomes: a line to send, nothing (skipped by the mapping), or a reject with its reason. */
export function toEvent(
  item: SourceItem,
  job: Pick<Job, 'format' | 'mapping' | 'actor' | 'context'>,
): { line: string | undefined } | { reject: Reject } {
  if ('broken' in item) return { reject: { line: item.line, id: null, reason: item.broken, row: item.raw } }
  if (job.format === 'images') return imageEvent(item.line, item.value as ImageFile, job)
  if (job.mapping === undefined) return { line: JSON.stringify(item.value) }
  if (typeof item.value !== 'object' || item.value === null)
    return {
      reject: { line: item.line, id: null, reason: 'is not an object', row: JSON.stringify(item.value).slice(0, 500) },
    }
  try {
    const event = mapRow(job.mapping, { ...(item.value as SourceRow), $line: item.line })
    return { line: event === undefined ? undefined : JSON.stringify(event) }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const errors = error.problems.length > 0 ? { errors: error.problems } : {}
    return {
      reject: {
        line: item.line,
        id: null,
        reason: error.message,
        ...errors,
        row: JSON.stringify(item.value).slice(0, 500),
      },
    }
  }
}

function imageEvent(
  line: number,
  file: ImageFile,
  job: Pick<Job, 'actor' | 'context'>,
): { line: string } | { reject: Reject } {
  if (file.bytes.length > imageBytesMax)
    return {
      reject: {
        line,
        id: null,
        reason: `"${file.path}" has ${file.bytes.length} bytes; at most ${imageBytesMax} are sent`,
      },
    }
  if (file.bytes.length === 0) return { reject: { line, id: null, reason: `"${file.path}" is empty` } }
  // The same file in the same place is the same event, however often the folder is sent.
  const id = createHash('sha256').update(`${job.actor}\n${file.path}\n${file.sha256}`).digest('hex').slice(0, 32)
  return {
    line: JSON.stringify({
      id: `file-${id}`,
      type: 'item.created',
      time: new Date(file.modifiedMs).toISOString(),
      context: job.context,
      actor: { id: job.actor },
      item: {
        id: `file-${id}`,
        kind: 'photo',
        media: [{ id: `${id}-1`, kind: 'photo', bytes: file.bytes.toString('base64') }],
        attributes: { path: file.path.slice(0, 4_000) },
      },
    }),
  }
}

async function readState(job: Job, fingerprint: string): Promise<State> {
  const fresh: State = {
    fingerprint,
    mapping: job.mappingSha256,
    items: 0,
    accepted: 0,
    duplicate: 0,
    refused: 0,
    skipped: 0,
  }
  let text: string
  try {
    text = await readFile(job.statePath, 'utf8')
  } catch {
    return fresh
  }
  let held: State
  try {
    held = JSON.parse(text) as State
  } catch {
    throw new InputError(
      `The state file "${job.statePath}" is damaged; remove it to begin anew (nothing arrives twice)`,
    )
  }
  if (held.fingerprint !== fingerprint || held.mapping !== job.mappingSha256)
    throw new InputError(
      `The state file "${job.statePath}" belongs to another version of the file or mapping; remove it to begin anew (nothing arrives twice)`,
    )
  return held
}

async function saveState(job: Job, state: State): Promise<void> {
  await writeFile(`${job.statePath}.new`, JSON.stringify(state))
  await rename(`${job.statePath}.new`, job.statePath)
}
