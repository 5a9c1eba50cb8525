import { ApiError, createClient, type Client } from '../http/client.ts'
import * as contract from '../http/contract/exchanges.ts'
import { parse, table, UsageError, type Command } from './command.ts'

const actions = ['list', 'kinds', 'add', 'run', 'status'] as const
const pollMs = 500

export const command: Command = {
  name: 'exchange',
  summary: 'list, set up, run and watch exchanges on a server',
  usage: `${actions.join('|')} [NAME]   [--url URL] [--key KEY] [--json]
  list              exchanges with how they do
  kinds             kinds, and the settings and credentials that each needs
  add NAME          --kind KIND [--set NAME=VALUE]... [--bank ID] [--every MINUTES] [--send-back LIST] [--off]
                    --credentials  read from the standard input: a line NAME=VALUE for each
  run NAME          fetches now and waits; exit code 1 when the run fails
                    --from-start  everything again
  status NAME       the exchange and its last runs

  --url URL         where Custos listens (default $CUSTOS_URL or http://127.0.0.1:7070)
  --key KEY         API key with the scopes exchanges:read and exchanges:write (default $CUSTOS_KEY)`,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      {
        url: { type: 'string' },
        key: { type: 'string' },
        json: { type: 'boolean' },
        kind: { type: 'string' },
        set: { type: 'string', multiple: true },
        bank: { type: 'string' },
        every: { type: 'string' },
        'send-back': { type: 'string' },
        off: { type: 'boolean' },
        'from-start': { type: 'boolean' },
      },
      { min: 1, max: 2 },
    )
    const [given, name] = positionals
    const action = actions.find((each) => each === given)
    if (action === undefined) throw new UsageError(`"${given}" is none of ${actions.join(', ')}`)
    if ((action === 'list' || action === 'kinds') !== (name === undefined))
      throw new UsageError(
        name === undefined ? `${action} needs the name of an exchange` : `unexpected argument "${name}"`,
      )
    const key = values.key ?? io.env.CUSTOS_KEY
    const baseUrl = (values.url ?? io.env.CUSTOS_URL ?? 'http://127.0.0.1:7070').replace(/\/+$/, '')
    const client = createClient({ baseUrl, ...(key === undefined ? {} : { key }) })
    const print = (value: unknown, text: () => string) =>
      void io.stdout.write(values.json === true ? `${JSON.stringify(value)}\n` : text())
    try {
      switch (action) {
        case 'list': {
          const { items } = await client.call(contract.listExchanges, { query: { limit: 1_000 } })
          print(items, () => (items.length === 0 ? 'There are no exchanges yet; "add" makes one.\n' : listOf(items)))
          return 0
        }
        case 'kinds': {
          const { items } = await client.call(contract.listExchangeKinds, {})
          print(items, () => items.map(kindText).join('\n'))
          return 0
        }
        case 'add': {
          const made = await client.call(contract.makeExchange, { body: await bodyOf(name!, values, client) })
          print(made, () => `${made.name} is set up; it fills bank ${made.bankId}.\n${made.statusText}\n`)
          return 0
        }
        case 'status': {
          const exchange = await named(client, name!)
          const params = { exchangeId: exchange.exchangeId }
          const { items } = await client.call(contract.listExchangeRuns, { params, query: { limit: 10 } })
          print({ ...exchange, runs: items }, () => `${listOf([exchange])}\n${exchange.statusText}\n\n${runsOf(items)}`)
          return exchange.status === 'failing' ? 1 : 0
        }
        case 'run': {
          const { exchangeId } = await named(client, name!)
          const body = values['from-start'] === true ? { fromStart: true } : {}
          const { runId } = await client.call(contract.runExchange, { params: { exchangeId }, body })
          for (;;) {
            const { items } = await client.call(contract.listExchangeRuns, {
              params: { exchangeId },
              query: { limit: 20 },
            })
            const run = items.find((one) => one.runId === runId)
            if (run !== undefined && run.state !== 'running') {
              print(run, () => runsOf([run]))
              return run.state === 'done' ? 0 : 1
            }
            await new Promise((done) => setTimeout(done, pollMs))
          }
        }
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      throw new Error(`${baseUrl} answers ${error.status}: ${error.message}`, { cause: error })
    }
  },
}

async function named(client: Client, name: string): Promise<contract.Exchange> {
  const { items } = await client.call(contract.listExchanges, { query: { limit: 1_000 } })
  const found = items.find((exchange) => exchange.name === name || exchange.exchangeId === name)
  if (found === undefined)
    throw new Error(`There is no exchange "${name}"; there are ${items.map((one) => one.name).join(', ') || 'none'}`)
  return found
}

type Given = {
  kind?: string
  set?: string[]
  bank?: string
  every?: string
  'send-back'?: string
  off?: boolean
  credentials?: boolean
}

async function bodyOf(name: string, given: Given, client: Client) {
  const { items } = await client.call(contract.listExchangeKinds, {})
  const kind = items.find((one) => one.kind === given.kind)
  if (kind === undefined) throw new UsageError(`--kind must be one of ${items.map((one) => one.kind).join(', ')}`)
  if (given.every !== undefined && !/^[1-9]\d{0,4}$/.test(given.every))
    throw new UsageError(`--every "${given.every}" is not a whole number of minutes`)
  const wanted = given['send-back']?.split(',').map((one) => one.trim()) ?? []
  const settings = pairsOf(given.set ?? [], '--set')
  const typed = Object.fromEntries(
    Object.entries(settings).map(([field, value]) => {
      const how = kind.settings.find((one) => one.name === field)?.kind
      if (how === 'flag') return [field, value === 'true']
      if (how === 'whole') return [field, Number(value)]
      return [field, how === 'texts' ? value.split(',') : value]
    }),
  )
  const credentials = given.credentials === true ? pairsOf(await linesOfInput(), 'a line of the standard input') : {}
  return {
    kind: kind.kind,
    name,
    settings: typed,
    ...(Object.keys(credentials).length === 0 ? {} : { credentials }),
    ...(given.bank === undefined ? {} : { bankId: given.bank }),
    ...(given.every === undefined ? {} : { everyMinutes: Number(given.every) }),
    enabled: given.off !== true,
    sendBack: {
      seen: wanted.includes('seen'),
      confirm: wanted.includes('confirm'),
      dispute: wanted.includes('dispute'),
    },
  }
}

function pairsOf(lines: readonly string[], where: string): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=')
      // The value may be a secret: it is not repeated.
      if (at < 1) throw new UsageError(`${where} must look like NAME=VALUE`)
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}

/** Secrets come through a pipe: on the command line every process of the machine could read them. */
async function linesOfInput(): Promise<string[]> {
  let text = ''
  for await (const chunk of process.stdin) text += String(chunk)
  return text.split('\n').filter((line) => line.trim() !== '')
}

function kindText(kind: contract.ExchangeKindInfo): string {
  const rows = [
    ...kind.settings.map((field) => ['  --set', field] as const),
    ...kind.credentials.map((field) => ['  credential', field] as const),
  ]
  return `${kind.kind}: ${kind.about}\n${table(
    rows.map(([how, { name, required, title, choices }]) => [
      how,
      name,
      required ? 'required' : '',
      choices === undefined ? title : `${title}: ${choices.join(', ')}`,
    ]),
  )}`
}

const listOf = (exchanges: readonly contract.Exchange[]) =>
  table([
    ['NAME', 'KIND', 'STATUS', 'LIVE', 'LEFT OUT', 'READ UNTIL', 'SENT'],
    ...exchanges.map((one) => [
      one.name,
      one.kind,
      one.status,
      String(one.records.live),
      String(one.records.filtered + one.records.unsupported + one.records.malformed),
      one.readUntil ?? 'never',
      String(one.feedback.sent),
    ]),
  ])
const runsOf = (runs: readonly contract.ExchangeRun[]) =>
  table([
    ['STARTED', 'STATE', 'RECEIVED', 'ADDED', 'CHANGED', 'WITHDRAWN', 'ERROR'],
    ...runs.map(({ startedMs, state, counts, error }) => [
      new Date(startedMs).toISOString().slice(0, 19).replace('T', ' '),
      state,
      String(counts.received),
      String(counts.added),
      String(counts.changed),
      String(counts.withdrawn),
      error ?? '',
    ]),
  ])
