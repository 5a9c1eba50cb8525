import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { testApp, type TestApp } from '../app.ts'
import { blocksOf, cannotType } from '../newcomer.ts'
import { picture } from '../story.ts'

// The commands of the guides, as they are printed, in one shell and in their order.

const skip = cannotType
let app: TestApp
const folder = mkdtempSync(join(tmpdir(), 'custos-guide-'))
before(async () => {
  if (skip !== false) return
  app = await testApp()
  await writeFile(join(folder, 'photo.jpg'), await picture(1))
})
after(() => rm(folder, { recursive: true, force: true }))

/** What each block printed. */
async function typed(page: string): Promise<string[]> {
  const mark = '===end of block==='
  const script = blocksOf(page, 'sh')
    .map((block) => `${block.replaceAll('http://localhost:7070', app.url)}\necho '${mark}'`)
    .join('\n')
  const env = { ...process.env, KEY: app.key }
  return new Promise((done, fail) =>
    execFile('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, env }, (error, out, said) =>
      error === null ? done(out.split(`${mark}\n`)) : fail(new Error(`${said}\n${out}`)),
    ),
  )
}

test('every command of the page on Hasher-Matcher-Actioner runs as printed', { skip }, async () => {
  const [alive, first, files, content, more] = await typed('docs/guides/hma.md')
  assert.equal(alive, 'I-AM-ALIVE')
  assert.ok(first!.endsWith('{"KNOWN_SCAMS":[{"bank_content_id":1,"distance":"2"}]}'), first!)
  assert.match(
    files!,
    /^\{"pdq":"[0-9a-f]{64}"\}\{"id":2,"signals":\{"pdq":"[0-9a-f]{64}"\}\}\{"pdq":\{"KNOWN_SCAMS":\[/,
  )
  assert.match(content!, /"disable_until_ts":0.*"deleted":1\}$/)
  assert.match(more!, /"exchange":null/)
})

test('every command of the page on exchanges runs as printed', { skip }, async () => {
  const [made, file] = await typed('docs/guides/exchanges.md')
  assert.match(made!, /"set":\["feedbackKey","fetchKey","subscriptionKey"\]/)
  assert.match(file!, /"added":2/)
})
