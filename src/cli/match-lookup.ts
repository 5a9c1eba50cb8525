import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { createClient } from '../http/client.ts'
import { lookupMatches, type FullMatch, type LookupBody } from '../http/contract/match.ts'
import type { ResponseOf } from '../http/contract/route.ts'
import { parse, table, UsageError, type Command } from './command.ts'
import { findFiles } from './match-files.ts'

const usage = `FILE|FOLDER|HASH|TEXT… [options]

Looks each argument up in the banks of a running Custos: files by everything that they hash to, 64, 40 or 32 hexadecimal
digits as hashes (64: PDQ and SHA-256), addresses as links, and everything else as text. Files are hashed there and not
kept.

  --url URL         where Custos listens (default $CUSTOS_URL or http://127.0.0.1:7070)
  --key KEY         API key with the scope match:read (default $CUSTOS_KEY)
  --bank ID         only this bank; may be given more than once
  --min-confidence  matches below this share (0 to 1) are left out
  --turned          look for hashes turned and mirrored too; files always are
  --text            take every argument as text
  --format F        table (default) or jsonl: one line for each argument, with the whole answer

Exit code: 0 nothing matches, 10 something does, 3 something could not be looked up, 2 asked wrongly.`

type Asked = { given: string; body?: LookupBody; file?: string }
type Answer = ResponseOf<typeof lookupMatches>

export const command: Command = {
  name: 'lookup',
  summary: 'look files, hashes and texts up in the banks of a running Custos',
  usage,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      {
        url: { type: 'string' },
        key: { type: 'string' },
        bank: { type: 'string', multiple: true },
        'min-confidence': { type: 'string' },
        turned: { type: 'boolean' },
        text: { type: 'boolean', default: false },
        format: { type: 'string', default: 'table' },
      },
      { min: 1, max: Infinity },
    )
    if (values.format !== 'table' && values.format !== 'jsonl')
      throw new UsageError(`--format "${values.format}" must be table or jsonl`)
    const minConfidence = values['min-confidence'] === undefined ? undefined : Number(values['min-confidence'])
    if (minConfidence !== undefined && !(minConfidence >= 0 && minConfidence <= 1))
      throw new UsageError(`--min-confidence "${values['min-confidence']}" must be a number from 0 to 1`)
    const baseUrl = (values.url ?? io.env.CUSTOS_URL ?? 'http://127.0.0.1:7070').replace(/\/+$/, '')
    const key = values.key ?? io.env.CUSTOS_KEY
    if (key === undefined) throw new UsageError('an API key is needed: --key or CUSTOS_KEY')
    const client = createClient({ baseUrl, key })
    const filter: LookupBody = {
      ...(values.bank === undefined ? {} : { banks: values.bank }),
      ...(minConfidence === undefined ? {} : { minConfidence }),
      ...(values.turned === undefined ? {} : { turned: values.turned }),
    }
    const from = (path: string) => (isAbsolute(path) ? path : resolve(io.cwd, path))

    let [matched, failed] = [0, 0]
    const rows: string[][] = [['WHAT', 'BANK', 'ENTRY', 'BY', 'DISTANCE', 'CONFIDENCE', 'TURNED', 'LABELS']]
    for await (const asked of askedFor(positionals, values.text, from)) {
      try {
        const answer =
          asked.file === undefined
            ? await client.call(lookupMatches, { body: { ...filter, ...asked.body } })
            : await lookUpFile(baseUrl, key, from(asked.file), filter)
        matched += answer.matches.length
        if (values.format === 'jsonl') io.stdout.write(`${JSON.stringify({ given: asked.given, ...answer })}\n`)
        else rows.push(...rowsOf(asked.given, answer.matches))
      } catch (error) {
        failed++
        const problem = (error as Error).message
        if (values.format === 'jsonl') io.stdout.write(`${JSON.stringify({ given: asked.given, error: problem })}\n`)
        else io.stderr.write(`custos: ${asked.given}: ${problem}\n`)
      }
    }
    if (values.format === 'table') io.stdout.write(table(rows))
    return failed > 0 ? 3 : matched > 0 ? 10 : 0
  },
}

async function* askedFor(
  given: readonly string[],
  asText: boolean,
  from: (path: string) => string,
): AsyncGenerator<Asked> {
  for (const one of given) {
    if (!asText && existsSync(from(one))) {
      for await (const { path } of findFiles([one], from)) yield { given: path, file: path }
      continue
    }
    const hex = !asText && /^[0-9a-f]+$/i.test(one) ? one.toLowerCase() : ''
    if (hex.length === 64) yield { given: one, body: { signals: { pdq: hex, sha256: hex } } }
    else if (hex.length === 40) yield { given: one, body: { signals: { sha1: hex } } }
    else if (hex.length === 32) yield { given: one, body: { signals: { md5: hex } } }
    else if (!asText && /^https?:\/\//i.test(one)) yield { given: one, body: { links: [one] } }
    else yield { given: one, body: { text: one } }
  }
}

async function lookUpFile(baseUrl: string, key: string, path: string, filter: LookupBody): Promise<Answer> {
  const form = new FormData()
  form.set('lookup', JSON.stringify(filter))
  form.append('file', new Blob([new Uint8Array(await readFile(path))]))
  const response = await fetch(`${baseUrl}${lookupMatches.path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: form,
  })
  const body = (await response.json()) as Answer & { title?: string; detail?: string }
  if (!response.ok) throw new Error(`${body.title}: ${body.detail}`)
  return body
}

function rowsOf(given: string, matches: readonly FullMatch[]): string[][] {
  const what = given.length > 40 ? `${given.slice(0, 39)}…` : given.replaceAll(/\p{C}+/gu, ' ')
  if (matches.length === 0) return [[what, 'nothing', '', '', '', '', '', '']]
  return matches.map((match) => [
    what,
    match.bank.name,
    match.entryId,
    match.signalType,
    match.described,
    match.confidence.toFixed(2),
    match.transformation ?? '',
    match.labels.join(', '),
  ])
}
