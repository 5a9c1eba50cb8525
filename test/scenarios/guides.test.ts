import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testApp, type TestApp } from '../app.ts'
import { blocksOf, cannotType } from '../newcomer.ts'
import { picture } from '../story.ts'

// The commands of the guides, as they are printed, in one shell and in their order.

const skip = cannotType
const has = (program: string) => process.env.PATH!.split(delimiter).some((dir) => existsSync(join(dir, program)))
const lacks = (...programs: string[]) => {
  const missing = programs.filter((program) => !has(program))
  return skip || (missing.length > 0 && `needs ${missing.join(', ')}`)
}
const custos = fileURLToPath(new URL('../../bin/custos.mjs', import.meta.url))
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
    .map((block) => block.replaceAll(/http:\/\/(localhost|127\.0\.0\.1):7070/g, app.url).replace('ck_...', app.key))
    .map((block) => `${block}\necho '${mark}'`)
    .join('\n')
  const env = { ...process.env, KEY: app.key, CUSTOS_KEY: app.key }
  const command = `custos() { '${process.execPath}' '${custos}' "$@"; }\n${script}`
  return new Promise((done, fail) =>
    execFile('bash', ['-euo', 'pipefail', '-c', command], { cwd: folder, env }, (error, out, said) =>
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

test('every command of the page on matching runs as printed', { skip: lacks('jq') }, async () => {
  const [, photo, types, lookup, file, batch, passed, preview, retro, similar] = await typed('docs/guides/match.md')
  assert.match(photo!, /"kind": "photo",\n {2}"signals".*\}\n\{\n.*"pdq": "[0-9a-f]{64}"/s)
  assert.match(types!, /^pdq\t.*\t31\t/m)
  assert.match(lookup!, /"signalType": "text".*"composite": \{/s)
  assert.match(file!, /"matches":\[/)
  const lines = batch!
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; matches?: { signalType: string }[]; refused?: object })
  assert.deepEqual(lines.map(({ id }) => id).join(), 'a,b,c')
  assert.ok(lines[0]!.matches!.length === 0 && lines[1]!.refused !== undefined && lines[2]!.matches!.length > 0)
  assert.match(passed!, /"accepted":1/)
  assert.match(preview!, /"items": 1,/)
  assert.match(retro!, /"state": "\w+",\n {2}"items": 1,.*"undo\w*"\s*$/s)
  assert.match(similar!, /"itemId": "post-18".*"parts": 2/s)
})

test('every command of the page on edited copies runs as printed', { skip: lacks('jq', 'ffmpeg') }, async () => {
  const [compared] = await typed('docs/guides/match-derivatives.md')
  assert.match(compared!, /"matches":true/)
})

test('every command of the page on videos runs as printed', { skip: lacks('jq', 'ffmpeg') }, async () => {
  const [compared] = await typed('docs/guides/match-video.md')
  assert.match(compared!, /"matches":true,"distance":0/)
})

test('every command of the page on the match commands runs as printed', { skip, timeout: 120_000 }, async () => {
  await mkdir(join(folder, 'archive'))
  await mkdir(join(folder, 'photos'))
  for (const [at, name] of ['archive/a.jpg', 'archive/b.jpg', 'photos/c.jpg', 'photos/d.jpg'].entries())
    await writeFile(join(folder, name), await picture(1 + (at % 2)))
  const [hashed, clusters] = await typed('docs/guides/match-cli.md')
  assert.match(hashed!, /"pdq":"[0-9a-f]{64}"/)
  assert.ok(existsSync(join(folder, 'archive.jsonl')) && existsSync(join(folder, 'archive.csv')))
  assert.ok(clusters !== undefined && existsSync(join(folder, 'photos.html')))
})
