import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { testApp, type TestApp } from '../../test/app.ts'
import { outside } from '../../test/outside.ts'
import { main } from './main.ts'

let app: TestApp
let party: Awaited<ReturnType<typeof outside>>
before(async () => {
  app = await testApp()
  party = await outside()
})

async function custos(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const io = {
    stdout: { write: (text: string) => void (out += text) },
    stderr: { write: (text: string) => void (err += text) },
    cwd: '/',
    env: { CUSTOS_URL: app.url, CUSTOS_KEY: app.key },
  }
  const code = await main(['match', 'exchange', ...args], io)
  return { code, out, err }
}

test('an exchange is set up, run and watched from the command line', async () => {
  assert.match((await custos('list')).out, /There are no exchanges yet/)
  assert.match((await custos('kinds')).out, /stopncii: Hashes of intimate images/)
  party.answer(() => ({ body: `md5 ${'a'.repeat(32)}\n` }))
  const added = await custos('add', 'our list', '--kind', 'file', '--set', `url=${party.url}/list`, '--off')
  assert.equal(added.code, 0, added.err)
  assert.match(added.out, /our list is set up; it fills bank/)
  const run = await custos('run', 'our list', '--json')
  assert.equal(run.code, 0, run.err)
  assert.equal((JSON.parse(run.out) as { counts: { added: number } }).counts.added, 1)
  party.answer(() => ({ status: 500 }))
  const failed = await custos('run', 'our list')
  assert.equal(failed.code, 1)
  assert.match(failed.out, /is in trouble \(500\)/)
  assert.match((await custos('status', 'our list')).out, /our list .*file .*off .*1 /)
})

test('what is called wrongly says how to call it', async () => {
  assert.equal((await custos('list', 'x')).code, 2)
  assert.equal((await custos('run')).code, 2)
  assert.equal((await custos('add', 'x', '--kind', 'moon')).code, 2)
  const unknown = await custos('run', 'nobody')
  assert.equal(unknown.code, 1)
  assert.match(unknown.err, /There is no exchange "nobody"/)
})
