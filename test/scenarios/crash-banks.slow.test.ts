import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '../../src/http/client.ts'
import { getImport, type BankImport } from '../../src/http/contract/bank-imports.ts'
import { makeBank } from '../../src/http/contract/banks.ts'
import {
  listExchangeRuns,
  makeExchange,
  runExchange,
  setExchangeCredentials,
} from '../../src/http/contract/exchanges.ts'
import { openRunning } from '../crash.ts'
import { custos, makeDataDir, makeKey, startProduct } from '../product.ts'

const importRows = 16_000
const pages = 12
const pageRows = 250

/** Another installation whose changes come in pages, slowly. */
async function otherSide() {
  const asked: number[] = []
  const server = createServer(async (request, response) => {
    const after = Number(new URL(request.url!, 'http://x').searchParams.get('after') ?? 0)
    asked.push(after)
    await wait(300)
    const items = Array.from({ length: pageRows }, (_, at) => ({
      entryId: `their-${after}-${at}`,
      status: 'active',
      signals: { sha256: createHash('sha256').update(`${after}-${at}`).digest('hex') },
      labels: [],
    }))
    response.setHeader('content-type', 'application/json')
    response.setHeader('connection', 'close')
    response.end(
      JSON.stringify({
        items: after < pages ? items : [],
        next: String(Math.min(after + 1, pages)),
        more: after + 1 < pages,
      }),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  server.unref()
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.closeAllConnections(),
  }
}

test(
  'killed in the middle of an import and of a fetch, both go on where their last batch was kept; nothing is lost or doubled',
  { timeout: 600_000 },
  async (t) => {
    const dataDir = makeDataDir('crash-banks')
    const theirs = await otherSide()
    let product = await startProduct({ dataDir })
    try {
      const key = await makeKey(dataDir)
      let client = createClient({ baseUrl: product.url, key })
      const again = async () => {
        product.kill('SIGKILL')
        await product.exited
        product = await startProduct({ dataDir })
        client = createClient({ baseUrl: product.url, key })
      }
      const { bankId } = await client.call(makeBank, { body: { name: 'imported' } })
      const fetched = await client.call(makeBank, { body: { name: 'fetched' } })
      const exchange = await client.call(makeExchange, {
        body: {
          kind: 'custos',
          name: 'theirs',
          bankId: fetched.bankId,
          settings: { baseUrl: theirs.url, bankId: 'b' },
          enabled: true,
        },
      })
      const { exchangeId } = exchange
      await client.call(setExchangeCredentials, { params: { exchangeId }, body: { key: 'k' } })
      const rows = Array.from({ length: importRows }, () => `pdq,${randomBytes(32).toString('hex')}`)
      const answer = await fetch(`${product.url}/v1/banks/${bankId}/imports`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
        body: `type,value\n${rows.join('\n')}`,
      })
      const { importId } = (await answer.json()) as BankImport
      await client.call(runExchange, { params: { exchangeId }, body: {} }).catch(() => {})
      const job = () => client.call(getImport, { params: { bankId, importId } })
      const seen: number[] = []
      for (const least of [2_000, 6_000]) {
        while ((await job()).done < least || theirs.asked.at(-1)! < 2) await wait(20)
        seen.push((await job()).done)
        await again()
      }
      t.diagnostic(
        `killed with ${seen.join(' and ')} of ${importRows} rows worked through, pages asked for: ${theirs.asked.join(' ')}`,
      )
      for (;;) {
        const { status } = await job()
        if (status !== 'running') break
        await wait(100)
      }
      const runs = async () =>
        (await client.call(listExchangeRuns, { params: { exchangeId }, query: {} })).items.map(({ state }) => state)
      while (!(await runs()).includes('done')) await wait(100)
      const done = await job()
      assert.deepEqual([done.status, done.done, done.accepted, done.duplicate], ['done', importRows, importRows, 0])
      assert.ok(
        (await runs()).every((state) => state === 'done' || state === 'stopped'),
        'no run is left running',
      )
      const firstAgain = theirs.asked.indexOf(0, 1)
      assert.equal(firstAgain, -1, `the fetch began anew: ${theirs.asked.join(' ')}`)
      const db = await openRunning(dataDir)
      try {
        for (const [id, expected] of [
          [bankId, importRows],
          [fetched.bankId, pages * pageRows],
        ] as const) {
          const [held] = await db.query<{ entries: number; distinct: number; counted: number; told: number }>(
            `SELECT count(*) AS entries, count(DISTINCT signals) AS distinct,
               (SELECT active FROM banks WHERE bank_id = $1) AS counted,
               (SELECT sum(jsonb_array_length(body -> 'entries')) FROM ledger_entries
                WHERE kind = 'bank.entries_added' AND body ->> 'bankId' = $1)::int AS told
             FROM bank_entries WHERE bank_id = $1 AND status = 'active'`,
            [id],
          )
          assert.deepEqual(held, { entries: expected, distinct: expected, counted: expected, told: expected })
        }
      } finally {
        await db.close()
      }
      const verified = JSON.parse(await custos(['ledger', 'verify', '--data', dataDir, '--json'])) as { ok: boolean }
      assert.ok(verified.ok, JSON.stringify(verified))
    } finally {
      await product.stop()
      theirs.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  },
)
