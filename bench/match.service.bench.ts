/**
 * Claims match.update, match.http and match.retro: the whole product on its own PostgreSQL, a bank of a million hashes,
 * and ten million past items. The hashes are SHA-256 of numbers, so that every answer can be checked.
 *
 * ENTRIES and ITEMS in the environment make both smaller for a quick look, IMPORTED the import that lookups go on beside.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { makeDataDir, makeKey, startProduct } from '../test/product.ts'
import { openDatabase } from '../src/storage/database.ts'
import { startEmbedded } from '../src/storage/embedded.ts'
import { claim, openConnection, quantile, say, type Connection } from './load.ts'
import type { LoopReport } from './loop-probe.ts'
import { fillService } from './match-service-fill.ts'

const entries = Number(process.env.ENTRIES ?? 1_000_000)
const items = Number(process.env.ITEMS ?? 10_000_000)
const imported = Number(process.env.IMPORTED ?? 100_000)
const bankId = 'bench'
const batchSize = 50
/**
 * By so much adding may lengthen what a lookup waits for in the server, in milliseconds of processor time: five, which
 * is promised, and as much again for collecting garbage, which falls into one run or the other.
 */
const addingMsMax = 10

const hashOf = (what: 'entry' | 'item' | 'none' | 'new', n: number) =>
  createHash('sha256').update(`${what}${n}`).digest('hex')
/** The hash with so many bits flipped, spread over all words. */
const near = (hash: string, bits: number) => {
  const bytes = Buffer.from(hash, 'hex')
  for (let bit = 0; bit < bits; bit++) bytes[(bit * 7) % 32]! ^= 1 << (bit >> 5)
  return bytes.toString('hex')
}
const seconds = (fromMs: number) => ((performance.now() - fromMs) / 1_000).toFixed(1)
const sleep = (ms: number) => new Promise<void>((done) => void setTimeout(done, ms))

type Answer = { results: { matches: { entryId: string; distance: number }[] }[] }

/** A batch of which every second lookup is near an entry, and what its answer must be. */
function makeBatch(size: number): { body: string; check: (answer: Answer) => void } {
  const lookups: { signals: { pdq: string } }[] = []
  const distances: (number | undefined)[] = []
  for (let one = 0; one < size; one++) {
    const n = randomBytes(4).readUInt32LE() % entries
    const bits = n % 32
    lookups.push({ signals: { pdq: one % 2 === 0 ? near(hashOf('entry', n), bits) : hashOf('none', n) } })
    distances.push(one % 2 === 0 ? bits : undefined)
  }
  return {
    body: JSON.stringify({ lookups }),
    check({ results }) {
      for (const [one, distance] of distances.entries()) {
        const found = results[one]!.matches.map((match) => match.distance)
        if (distance === undefined ? found.length > 0 : !found.includes(distance))
          throw new Error(`lookup ${one} at ${distance} bits found ${JSON.stringify(found)}`)
      }
    },
  }
}

/** Seconds that the product has spent on a processor; undefined where /proc does not say. */
const cpuOf = (pid: number): number => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

const ask = async (connection: Connection, path: string, body: string, headers: Record<string, string> = {}) => {
  const answer = await connection.post(path, body, headers)
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.body.toString().slice(0, 300)}`)
  return answer
}
const parsed = <T>(answer: { body: Buffer }) => JSON.parse(answer.body.toString()) as T
const told = (latencies: readonly number[]) =>
  `p50 ${quantile(latencies, 0.5).toFixed(2)}, p99 ${quantile(latencies, 0.99).toFixed(2)}, longest ${quantile(latencies, 1).toFixed(2)} ms`

const dataDir = makeDataDir('bench')
const embedded = await startEmbedded({ dataDir, log: () => {}, durable: false })
const filling = openDatabase({ ...embedded, database: 'postgres' })
try {
  await fillService(filling, { bankId, entries, items, nowMs: Date.now() })
} finally {
  await filling.close()
  await embedded.stop()
}
const loopFile = `${dataDir}.loop.json`
const starting = performance.now()
const product = await startProduct({
  dataDir,
  env: { NODE_OPTIONS: `--import ${new URL('loop-probe.ts', import.meta.url).href}`, LOOP_PROBE: loopFile },
})

/** What the main thread of the product did since the last time this was asked. */
const busySince = async (): Promise<LoopReport> => {
  rmSync(loopFile, { force: true })
  product.kill('SIGUSR2')
  while (!existsSync(loopFile)) await sleep(5)
  for (;;) {
    try {
      return JSON.parse(readFileSync(loopFile, 'utf8')) as LoopReport
    } catch {
      await sleep(5)
    }
  }
}
const busyText = ({ p99, p999, longest }: LoopReport) =>
  `server busy without a pause p99 ${p99.toFixed(2)}, p99.9 ${p999.toFixed(2)}, longest ${longest.toFixed(2)} ms`

try {
  const key = await makeKey(dataDir)
  while (!(await fetch(`${product.url}/readyz`)).ok) await sleep(50)
  say(
    `ready, with the bank in memory, ${seconds(starting)} s after the start; it serves after ${(product.startedMs / 1_000).toFixed(1)} s`,
  )
  say(busyText(await busySince()))
  const open = () => openConnection(product.url, key)
  const first = await open()

  // match.http: the best of some rounds, every answer checked afterwards.
  let [qps, p99, firstQps] = [0, Infinity, 0]
  for (let round = 0; round < 6; round++) {
    const batches = Array.from({ length: 200 }, () => makeBatch(batchSize))
    const latencies: number[] = []
    const answers: Buffer[] = []
    const began = performance.now()
    const cpu = cpuOf(product.pid)
    for (const { body } of batches) {
      const answer = await ask(first, '/v1/match/lookups', body)
      latencies.push(answer.latencyMs)
      answers.push(answer.body)
    }
    const rate = (batches.length * batchSize) / ((performance.now() - began) / 1_000)
    const perCpu = (batches.length * batchSize) / (cpuOf(product.pid) - cpu)
    for (const [at, { check }] of batches.entries()) check(JSON.parse(answers[at]!.toString()) as Answer)
    say(
      `round ${round}: ${Math.round(rate)} lookups/s (${Math.round(perCpu)} a second of processor time), p99 ${quantile(latencies, 0.99).toFixed(2)} ms a batch of ${batchSize}`,
    )
    if (round === 0) firstQps = rate
    qps = Math.max(qps, rate)
    p99 = Math.min(p99, quantile(latencies, 0.99))
  }
  say(`the first round after the start reached ${Math.round((100 * firstQps) / qps)} % of the best`)
  claim('match.http.qps', qps, 'lookups/s')
  claim('match.http.p99', p99, 'ms')

  // Not before: a connection without a request is cut off after a minute.
  const [second, third] = [await open(), await open()] as const
  // match.update: entries come in while lookups go on; single lookups are timed with and without.
  let going = true
  const singles = async () => {
    const latencies: number[] = []
    while (going) {
      latencies.push((await ask(second, '/v1/match/lookups', makeBatch(1).body)).latencyMs)
      await sleep(2)
    }
    return latencies
  }
  /** Single lookups beside some work: their latencies, and what the server was busy with. */
  const beside = async (what: string, work: () => Promise<string>) => {
    await busySince()
    going = true
    const running = singles()
    const done = await work().finally(() => (going = false))
    const latencies = await running
    const busy = await busySince()
    say(`${what}: ${done}; ${latencies.length} single lookups ${told(latencies)}; ${busyText(busy)}`)
    return busy
  }
  const alone = await beside('nothing added', async () => {
    await sleep(5_000)
    return '5 s'
  })
  const found: number[] = []
  let made = 0
  const adding = await beside('one entry after the other', async () => {
    for (const endMs = performance.now() + 6_000; performance.now() < endMs; made++) {
      const hash = hashOf('new', made)
      const began = performance.now()
      await ask(first, `/v1/banks/${bankId}/entries`, JSON.stringify({ pdq: hash }))
      const lookup = JSON.stringify({ lookups: [{ signals: { pdq: near(hash, 5) } }] })
      while (parsed<Answer>(await ask(third, '/v1/match/lookups', lookup)).results[0]!.matches.length === 0);
      found.push((performance.now() - began) / 1_000)
    }
    return `${found.length} added, each found after ${quantile(found, 0.5).toFixed(3)} s, ${quantile(found, 1).toFixed(3)} s at most`
  })
  claim('match.update', quantile(found, 1), 's')
  const many = await Promise.all(Array.from({ length: 8 }, open))
  const writers = await beside('eight writers to one bank', async () => {
    const before = made
    const endMs = performance.now() + 5_000
    await Promise.all(
      many.map(async (connection) => {
        while (performance.now() < endMs)
          await ask(connection, `/v1/banks/${bankId}/entries`, JSON.stringify({ pdq: hashOf('new', made++) }))
      }),
    )
    return `${Math.round((made - before) / 5)} entries/s`
  })
  for (const connection of many) connection.close()
  const importing = await beside(`an import of ${imported}`, async () => {
    const began = performance.now()
    const rows = Array.from({ length: imported }, (_, n) => `{"pdq":"${hashOf('new', 1e9 + n)}"}\n`).join('')
    const type = { 'content-type': 'application/x-ndjson' }
    // The one before may have been cut off meanwhile.
    const third = await open()
    const { importId } = parsed<{ importId: string }>(await ask(first, `/v1/banks/${bankId}/imports`, rows, type))
    const last = JSON.stringify({ lookups: [{ signals: { pdq: hashOf('new', 1e9 + imported - 1) } }] })
    for (;;) {
      const answer = await fetch(`${product.url}/v1/banks/${bankId}/imports/${importId}`, {
        headers: { authorization: `Bearer ${key}` },
      })
      const { status } = (await answer.json()) as { status: string }
      if (status !== 'running' && status !== 'receiving') break
      await sleep(200)
    }
    while (parsed<Answer>(await ask(third, '/v1/match/lookups', last)).results[0]!.matches.length === 0) await sleep(20)
    return `in ${seconds(began)} s`
  })
  // An import makes so much garbage that one long collection falls into it: what a thousandth of the turns exceed counts.
  const extras = {
    adding: adding.longest - alone.longest,
    writers: writers.longest - alone.longest,
    importing: importing.p999 - alone.p999,
  }
  for (const [what, extra] of Object.entries(extras)) {
    say(`a lookup may wait ${Math.max(0, extra).toFixed(2)} ms longer in the server because of ${what}`)
    if (extra > addingMsMax)
      throw new Error(`${what} kept the server busy for ${extra.toFixed(1)} ms more than lookups do`)
  }

  // match.retro: one new entry against everything that passed.
  const loadingItems = performance.now()
  const preview = async (hash: string) => {
    const answer = await ask(first, '/v1/match/retro/preview', JSON.stringify({ signals: { pdq: hash } }))
    return {
      ms: answer.latencyMs,
      ...parsed<{ items: number; sample: { itemId: string; distance: number }[] }>(answer),
    }
  }
  await preview(hashOf('none', 1))
  say(`past items were in memory after ${seconds(loadingItems)} s of waiting`)
  const took: number[] = []
  const scanning = await beside(`new entries against ${items} past items`, async () => {
    for (let round = 0; round < 15; round++) {
      const n = (round * 1_234_567) % items
      const { ms, items: matched, sample } = await preview(near(hashOf('item', n), 9))
      if (matched !== 1 || sample[0]!.itemId !== `i${n}` || sample[0]!.distance !== 9)
        throw new Error(`past item ${n} was not found: ${JSON.stringify(sample)}`)
      took.push(ms / 1_000)
    }
    return `all eight turns, median ${quantile(took, 0.5).toFixed(3)} s, longest ${quantile(took, 1).toFixed(3)} s`
  })
  if (scanning.longest - alone.longest > addingMsMax)
    throw new Error(`looking through past items kept the server busy for ${scanning.longest.toFixed(1)} ms`)
  claim('match.retro', quantile(took, 0.5), 's')
  for (const connection of [first, second, third]) connection.close()
} finally {
  await product.stop()
  await rm(dataDir, { recursive: true, force: true })
  rmSync(loopFile, { force: true })
}
