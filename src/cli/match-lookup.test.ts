import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { testApp, type TestApp } from '../../test/app.ts'
import { makeBank, makeBankEntry } from '../http/contract/banks.ts'
import type { Upload } from '../http/contract/match.ts'
import { main } from './main.ts'

let app: TestApp
let folder: string
let known: Upload
before(async () => {
  app = await testApp()
  folder = await mkdtemp(join(tmpdir(), 'custos-lookup-'))
  const photograph = () =>
    sharp(randomBytes(320 * 240 * 3), { raw: { width: 320, height: 240, channels: 3 } })
      .blur(8)
      .normalise()
      .jpeg()
      .toBuffer()
  const bytes = await photograph()
  await writeFile(join(folder, 'a-known.jpg'), await sharp(bytes).resize(200).jpeg({ quality: 60 }).toBuffer())
  await writeFile(join(folder, 'b-new.jpg'), await photograph())
  const response = await fetch(`${app.url}/v1/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${app.key}` },
    body: new Uint8Array(bytes),
  })
  known = (await response.json()) as Upload
  const { bankId } = await app.platform.call(makeBank, { body: { name: 'harm' } })
  const params = { bankId }
  await app.platform.call(makeBankEntry, { params, body: { upload: known.upload, labels: ['graphic'] } })
  await app.platform.call(makeBankEntry, { params, body: { text: 'double your money with one trick' } })
})
after(() => rm(folder, { recursive: true, force: true }))

const run = async (...args: string[]) => {
  let [out, err] = ['', '']
  const code = await main(['match', 'lookup', '--url', app.url, '--key', app.key, ...args], {
    stdout: { write: (text) => void (out += text) },
    stderr: { write: (text) => void (err += text) },
    cwd: folder,
    env: {},
  })
  return { code, out, err }
}

test('a folder, hashes and texts are looked up, each on a line with what it matches', async () => {
  const { code, out, err } = await run('.', known.pdq!, 'Double your MONEY with one trick', 'hello there')
  assert.equal(err, '')
  assert.equal(code, 10)
  const lines = out.trim().split('\n').slice(1)
  assert.equal(lines.length, 5)
  assert.match(lines[0]!, /a-known\.jpg +harm +\S+ +pdq +\d+ of 256 bits +0\.\d+ +graphic/)
  assert.match(lines[1]!, /b-new\.jpg +nothing/)
  assert.match(lines[2]!, /harm .*pdq +0 of 256 bits/)
  assert.match(lines[3]!, /harm .* text /)
  assert.match(lines[4]!, /hello there +nothing/)
})

test('JSON lines carry the whole answer, and exit codes say whether anything matched or failed', async () => {
  const found = await run('--format', 'jsonl', '--min-confidence', '0.9', known.upload)
  const answer = JSON.parse(found.out) as { given: string; matches: { signalType: string }[]; composite: object }
  assert.deepEqual([found.code, answer.given, answer.matches[0]!.signalType], [10, known.upload, 'sha256'])
  assert.equal((await run('nothing of the kind')).code, 0)
  await writeFile(join(folder, 'broken.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0, 1, 2]))
  const broken = await run('broken.jpg')
  assert.equal(broken.code, 3)
  assert.match(broken.err, /broken\.jpg: The input cannot be accepted/)
  assert.equal((await run('--min-confidence', 'high', 'x')).code, 2)
  assert.equal((await run('--bank', 'none', known.pdq!)).code, 0)
})
