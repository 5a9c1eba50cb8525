import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApp } from '../../test/app.ts'
import { makeBank, makeBankEntry } from '../http/contract/banks.ts'
import type { MatchIndexStats } from '../http/contract/match-index.ts'
import { main } from './main.ts'

async function custos(env: Record<string, string>, ...args: string[]) {
  const said = { stdout: '', stderr: '' }
  const code = await main(['match', 'index', ...args], {
    stdout: { write: (text) => (said.stdout += text) },
    stderr: { write: (text) => (said.stderr += text) },
    cwd: '.',
    env,
  })
  return { code, ...said }
}

test('the index of a running server is told with its entries, memory and fullest buckets', async () => {
  const { platform, url, key } = await testApp()
  const bank = await platform.call(makeBank, { body: { name: 'known', purpose: 'test', action: 'review' } })
  for (let entry = 0; entry < 3; entry++)
    await platform.call(makeBankEntry, {
      params: { bankId: bank.bankId },
      body: { pdq: `${entry}${'0f'.repeat(31)}a`, quality: 90 },
    })
  const env = { CUSTOS_URL: url, CUSTOS_KEY: key }
  const json = await custos(env, 'stats', '--json')
  assert.equal(json.code, 0, json.stderr)
  const stats = JSON.parse(json.stdout) as MatchIndexStats
  assert.equal(stats.banks, 1)
  assert.equal(stats.entries, 3)
  const pdq = stats.indexes.find(({ signalType }) => signalType === 'pdq')!
  assert.equal(pdq.entries, 3)
  assert.equal(pdq.delta.entries, 3)
  assert.ok(pdq.bytes.total > 3 * 32)
  const text = await custos(env, 'stats')
  assert.match(text.stdout, /3 entries of 1 banks are searched/)
  assert.match(text.stdout, /pdq[\s\S]*chunks +16 of 16 bits/)
})

test('a wrong call, a missing key and a server that is away are told plainly', async () => {
  assert.equal((await custos({}, 'rebuild')).code, 2)
  const away = await custos({ CUSTOS_URL: 'http://127.0.0.1:9' }, 'stats')
  assert.equal(away.code, 1)
  assert.match(away.stderr, /Cannot read the index of http:\/\/127\.0\.0\.1:9/)
})
