import { matchIndexStats, type MatchIndexStats } from '../http/contract/match-index.ts'
import { createClient } from '../http/client.ts'
import { parse, table, UsageError, type Command } from './command.ts'

export const command: Command = {
  name: 'match index',
  summary: 'what the search index of a running server is made of',
  usage: `stats [--url URL] [--key KEY] [--json]

  --url URL   where Custos listens (default $CUSTOS_URL or http://127.0.0.1:7070)
  --key KEY   API key with the scope match:read (default $CUSTOS_KEY)
  --json      as one JSON object`,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      { url: { type: 'string' }, key: { type: 'string' }, json: { type: 'boolean' } },
      { min: 1, max: 1 },
    )
    if (positionals[0] !== 'stats') throw new UsageError(`"${positionals[0]}" is not stats`)
    const key = values.key ?? io.env.CUSTOS_KEY
    const baseUrl = (values.url ?? io.env.CUSTOS_URL ?? 'http://127.0.0.1:7070').replace(/\/+$/, '')
    const client = createClient({ baseUrl, ...(key === undefined ? {} : { key }) })
    const stats = await client.call(matchIndexStats, {}).catch((error: Error) => {
      // A refused connection says nothing but "fetch failed".
      throw new Error(
        `Cannot read the index of ${baseUrl}: ${(error.cause as Error | undefined)?.message ?? error.message}`,
      )
    })
    io.stdout.write(values.json === true ? `${JSON.stringify(stats)}\n` : textOf(stats))
    return 0
  },
}

const count = (value: number) => value.toLocaleString('en')
const size = (bytes: number) =>
  bytes >= 1e9
    ? `${(bytes / 1e9).toFixed(2)} GB`
    : bytes >= 1e6
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${Math.ceil(bytes / 1e3)} KB`

function textOf({ banks, entries, indexes }: MatchIndexStats): string {
  return [
    `${count(entries)} entries of ${count(banks)} banks are searched.\n`,
    ...indexes.map((index) => {
      const { signalType, parts, delta, merging, bytes, buckets, largest } = index
      const memory = Object.entries(bytes).filter(([name, part]) => name !== 'total' && part > 0)
      return `\n${table([
        [signalType, ''],
        ['  entries', `${count(index.entries)}, of these ${count(index.twins)} with a hash that another has`],
        ['  removed, still in memory', count(index.tombstones)],
        ['  chunks', `${index.chunks} of ${256 / index.chunks} bits`],
        ['  parts', parts.length === 0 ? 'none yet' : parts.map((part) => count(part.entries)).join(', ')],
        ['  new entries', `${count(delta.entries)}${delta.waiting === 0 ? '' : `, ${delta.waiting} full lists wait`}`],
        [
          '  merging',
          merging === undefined
            ? 'nothing'
            : `${count(merging.entries)} entries, ${Math.floor(merging.progress * 100)} % done`,
        ],
        ['  memory', `${size(bytes.total)}: ${memory.map(([name, part]) => `${name} ${size(part)}`).join(', ')}`],
        [
          '  entries in a bucket',
          `half have at most ${count(buckets.p50)}, 99 % ${count(buckets.p99)}, 99.9 % ${count(buckets.p999)}; most ${count(buckets.max)}`,
        ],
        [
          '  fullest buckets',
          largest.map(({ chunk, value, entries: held }) => `chunk ${chunk} = ${value}: ${count(held)}`).join('; ') ||
            'none',
        ],
      ])}`
    }),
  ].join('')
}
