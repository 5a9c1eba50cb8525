import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { getImport, makeImport, type BankImport } from '../http/contract/bank-imports.ts'
import { listBanks, makeBank, makeBankEntry, type Bank } from '../http/contract/banks.ts'
import type { Upload } from '../http/contract/match.ts'
import { createClient } from '../http/client.ts'
import { parse, table, UsageError, type Command, type Io } from './command.ts'
import { findFiles, inOrder } from './match-files.ts'
import { createProgress } from './progress.ts'

const usage = `list
  add BANK HASH|TEXT|PHOTO [--type TYPE] [--labels A,B] [--note TEXT] [--draft]
  import BANK PATH [--labels A,B] [--source NAME] [--draft] [--create]
  export BANK [--format ndjson|csv] [--out FILE]

Keeps banks of a running Custos. BANK is the name or the id of a bank.

  list      every bank with its entries
  add       one entry: a photo (a file), a hash (with --type, or 64 hexadecimal digits as PDQ), or else a text
  import    many: .ndjson or .csv of hashes and texts, or a folder of photos, which are uploaded and hashed there.
            Interrupted, the same command goes on: the server works on, and what is there already is not taken twice
  export    all entries of a bank, in a form that can be imported again

  --url URL   where Custos listens (default $CUSTOS_URL or http://127.0.0.1:7070)
  --key KEY   API key with the scopes banks:read, banks:write and uploads:write (default $CUSTOS_KEY)

Exit code: 0 all taken, 3 done but some rows were refused, 1 did not work, 2 asked wrongly.`

type Client = ReturnType<typeof createClient>
type Here = { io: Io; client: Client; url: string; key: string | undefined; now: () => number }
const photos = /\.(jpe?g|png|webp|avif|gif|tiff?|heic)$/i
const uploadsAtOnce = 4

export const command: Command = {
  name: 'bank',
  summary: 'list banks, add to them, import and export',
  usage,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      {
        url: { type: 'string' },
        key: { type: 'string' },
        type: { type: 'string' },
        labels: { type: 'string' },
        note: { type: 'string' },
        source: { type: 'string' },
        draft: { type: 'boolean', default: false },
        create: { type: 'boolean', default: false },
        format: { type: 'string', default: 'ndjson' },
        out: { type: 'string' },
      },
      { min: 1, max: 3 },
    )
    const url = (values.url ?? io.env.CUSTOS_URL ?? 'http://127.0.0.1:7070').replace(/\/+$/, '')
    const key = values.key ?? io.env.CUSTOS_KEY
    const client = createClient({ baseUrl: url, ...(key === undefined ? {} : { key }) })
    const here: Here = { io, client, url, key, now: () => Date.now() }
    const [what, name, content] = positionals
    const needs = (count: number) => {
      if (positionals.length !== count) throw new UsageError(`"${what}" takes ${count - 1} argument(s)`)
    }
    const labels = (values.labels ?? '').split(',').filter((label) => label.trim() !== '')
    switch (what) {
      case 'list':
        needs(1)
        return list(here)
      case 'add':
        needs(3)
        return add(here, name!, content!, {
          ...(values.type === undefined ? {} : { type: values.type }),
          ...(values.note === undefined ? {} : { note: values.note }),
          labels,
          draft: values.draft,
        })
      case 'import':
        needs(3)
        return importPath(here, name!, content!, {
          labels,
          draft: values.draft,
          create: values.create,
          ...(values.source === undefined ? {} : { source: values.source }),
        })
      case 'export':
        needs(2)
        if (values.format !== 'ndjson' && values.format !== 'csv')
          throw new UsageError(`--format "${values.format}" must be ndjson or csv`)
        return exportBank(here, name!, values.format, values.out)
      default:
        throw new UsageError(`there is no "custos match bank ${what}"; there are list, add, import and export`)
    }
  },
}

async function allBanks({ client }: Here): Promise<Bank[]> {
  const banks: Bank[] = []
  for (let after: string | undefined; ;) {
    const page = await client.call(listBanks, { query: { limit: 1_000, ...(after === undefined ? {} : { after }) } })
    banks.push(...page.items)
    if (page.next === null) return banks
    after = page.next
  }
}

async function bankNamed(here: Here, name: string, create = false): Promise<Bank> {
  const found = (await allBanks(here)).find((bank) => bank.bankId === name || bank.name === name)
  if (found !== undefined) return found
  if (create) return here.client.call(makeBank, { body: { name } })
  throw new UsageError(`there is no bank "${name}"; "custos match bank list" shows those that are, --create makes it`)
}

async function list(here: Here): Promise<number> {
  const banks = await allBanks(here)
  if (banks.length === 0) here.io.stdout.write('There are no banks yet.\n')
  else
    here.io.stdout.write(
      table([
        ['ID', 'ACTIVE', 'HELD', 'DRAFTS', 'ACTION', 'NAME'],
        ...banks.map(({ bankId, entries, action, enabled, name }) => [
          bankId,
          String(entries.active),
          String(entries.quarantined),
          String(entries.pending),
          enabled ? action : 'off',
          name,
        ]),
      ]),
    )
  return 0
}

async function upload({ url, key }: Here, path: string): Promise<Upload> {
  const response = await fetch(`${url}/v1/uploads`, {
    method: 'POST',
    headers: {
      'content-type': 'application/octet-stream',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: new Uint8Array(await readFile(path)),
  })
  if (!response.ok) throw new Error(await problemOf(response))
  return (await response.json()) as Upload
}

async function problemOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { title, detail } = JSON.parse(text) as { title: string; detail?: string }
    return detail === undefined ? title : `${title}: ${detail}`
  } catch {
    return `the server answered ${response.status}: ${text.slice(0, 200)}`
  }
}

type AddOptions = { type?: string; note?: string; labels: string[]; draft: boolean }

async function add(here: Here, name: string, content: string, options: AddOptions): Promise<number> {
  const { bankId } = await bankNamed(here, name)
  const { type, note, labels, draft } = options
  const path = resolve(here.io.cwd, content)
  const isFile = type === undefined && (await stat(path).catch(() => undefined))?.isFile() === true
  const body = isFile
    ? { upload: (await upload(here, path)).upload }
    : type !== undefined && type !== 'text'
      ? { signals: { [type]: content } }
      : type === undefined && /^[0-9a-f]{64}$/i.test(content)
        ? { pdq: content }
        : { text: content }
  const made = await here.client.call(makeBankEntry, {
    params: { bankId },
    body: { ...body, labels, draft, source: 'command line', ...(note === undefined ? {} : { note }) },
  })
  here.io.stdout.write(`${made.entryId} ${made.status}\n`)
  for (const near of made.near ?? [])
    here.io.stderr.write(`It is near to entry ${near.entryId}: ${near.described} (${near.signalType}).\n`)
  return 0
}

type ImportOptions = { labels: string[]; source?: string; draft: boolean; create: boolean }

async function importPath(here: Here, name: string, given: string, options: ImportOptions): Promise<number> {
  const { io } = here
  const path = resolve(io.cwd, given)
  const info = await stat(path).catch(() => undefined)
  if (info === undefined) throw new UsageError(`there is no "${given}"`)
  const bank = await bankNamed(here, name, options.create)
  const statePath = `${path.replace(/\/+$/, '')}.import-state.json`
  // A run that was interrupted after all was sent: the server has been at work meanwhile.
  const fingerprint = `${bank.bankId} ${info.size} ${Math.floor(info.mtimeMs)}`
  const before = await readFile(statePath, 'utf8').then(
    (text) => JSON.parse(text) as { fingerprint: string; importId: string },
    () => undefined,
  )
  const importId =
    before?.fingerprint === fingerprint ? before.importId : await sendAll(here, bank, path, info.isDirectory(), options)
  if (importId === undefined) throw new Error(`There is nothing to import in "${given}"`)
  await writeFile(statePath, JSON.stringify({ fingerprint, importId }))
  const job = await follow(here, bank, importId)
  await rm(statePath, { force: true })
  return job.refused > 0 ? 3 : job.status === 'done' ? 0 : 1
}

async function sendAll(
  here: Here,
  bank: Bank,
  path: string,
  folder: boolean,
  options: ImportOptions,
): Promise<string | undefined> {
  const csv = !folder && extname(path).toLowerCase() === '.csv'
  const body = folder ? await uploadAll(here, path) : Readable.toWeb(createReadStream(path))
  if (body === undefined) return undefined
  const query = new URLSearchParams({
    name: path.split('/').at(-1)!.slice(0, 200),
    ...(options.labels.length === 0 ? {} : { labels: options.labels.join(',') }),
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.draft ? { draft: 'true' } : {}),
  })
  const response = await fetch(`${here.url}${makeImport.path.replace(':bankId', bank.bankId)}?${query}`, {
    method: 'POST',
    headers: {
      'content-type': csv ? 'text/csv' : 'application/x-ndjson',
      ...(here.key === undefined ? {} : { authorization: `Bearer ${here.key}` }),
    },
    body,
    duplex: 'half',
  } as RequestInit)
  if (!response.ok) throw new Error(await problemOf(response))
  return ((await response.json()) as BankImport).importId
}

/** Uploads every photo of a folder; the server knows those that it has already. Answers the rows of the import. */
async function uploadAll(here: Here, path: string): Promise<string | undefined> {
  const progress = createProgress(here.io, here.now, 'uploading')
  const rows: string[] = []
  let refused = 0
  const sent = inOrder(
    findFiles(
      [path],
      (one) => one,
      (name) => photos.test(name),
    ),
    uploadsAtOnce,
    async (file) => {
      try {
        return { file, upload: await upload(here, file.path) }
      } catch (error) {
        return { file, problem: (error as Error).message }
      }
    },
  )
  for await (const one of sent) {
    if ('problem' in one) {
      refused++
      here.io.stderr.write(`${one.file.path}: ${one.problem}\n`)
    } else rows.push(JSON.stringify({ upload: one.upload.upload, note: one.file.path.slice(-2_000) }))
    progress.show(rows.length, undefined, `${rows.length} photos`)
  }
  progress.end(`${rows.length} photos${refused === 0 ? '' : `, ${refused} could not be read`}`)
  return rows.length === 0 ? undefined : rows.join('\n')
}

async function follow(here: Here, bank: Bank, importId: string): Promise<BankImport> {
  const progress = createProgress(here.io, here.now, `importing into "${bank.name}"`)
  for (;;) {
    const job = await here.client.call(getImport, { params: { bankId: bank.bankId, importId } })
    const words = `${job.accepted} taken, ${job.duplicate} there already, ${job.refused} refused`
    if (job.status !== 'running') {
      progress.end(`${job.status}: ${words}`)
      if (job.error !== null) here.io.stderr.write(`${job.error}\n`)
      if (job.refused > 0)
        here.io.stderr.write(`What was refused, and why: GET /v1/banks/${bank.bankId}/imports/${importId}/errors\n`)
      return job
    }
    progress.show(job.done, job.rows, words)
    await wait(200)
  }
}

async function exportBank(
  here: Here,
  name: string,
  format: 'ndjson' | 'csv',
  out: string | undefined,
): Promise<number> {
  const { bankId } = await bankNamed(here, name)
  const response = await fetch(`${here.url}/v1/banks/${bankId}/export?format=${format}`, {
    headers: here.key === undefined ? {} : { authorization: `Bearer ${here.key}` },
  })
  if (!response.ok) throw new Error(await problemOf(response))
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])
  if (out !== undefined) await pipeline(body, createWriteStream(resolve(here.io.cwd, out)))
  else for await (const text of body.setEncoding('utf8') as AsyncIterable<string>) here.io.stdout.write(text)
  return 0
}
