import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { readTarGz, writeTarGz } from './tar.ts'

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'custos-tar-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

async function* entriesOf(files: { name: string; content: Uint8Array }[]) {
  for (const { name, content } of files) yield { name, size: content.length, content }
}

async function readAll(path: string) {
  const files = []
  for await (const { name, content } of readTarGz(path))
    files.push({ name, content: new Uint8Array(Buffer.concat(await Array.fromAsync(content))) })
  return files
}

test('whatever is archived is read back the same, in the same order', async (t) => {
  const dir = await folder(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record(
          {
            name: fc.stringMatching(/^[a-z0-9é]{1,40}(\/[a-zü0-9]{1,60}){0,4}$/),
            content: fc.uint8Array({ maxLength: 2_000 }),
          },
          { noNullPrototype: true },
        ),
        { maxLength: 8 },
      ),
      async (files) => {
        const path = join(dir, `${run++}.tar.gz`)
        await writeTarGz(path, entriesOf(files))
        assert.deepEqual(await readAll(path), files)
      },
    ),
    { numRuns: 40 },
  )
})

test('the tar program of this system lists and unpacks the archive', async (t) => {
  const dir = await folder(t)
  const long = `files/${'x'.repeat(90)}/${'y'.repeat(90)}`
  const path = join(dir, 'a.tar.gz')
  await writeTarGz(path, entriesOf([long, 'manifest.json'].map((name) => ({ name, content: Buffer.from(name) }))))
  assert.deepEqual(execFileSync('tar', ['tzf', path], { encoding: 'utf8' }).trim().split('\n'), [long, 'manifest.json'])
  execFileSync('tar', ['xzf', path, '-C', dir])
  assert.equal(await readFile(join(dir, long), 'utf8'), long)
})

test('content that is not read is skipped', async (t) => {
  const path = join(await folder(t), 'a.tar.gz')
  await writeTarGz(path, entriesOf(['a', 'b', 'c'].map((name) => ({ name, content: new Uint8Array(5_000) }))))
  const names = []
  for await (const { name } of readTarGz(path)) names.push(name)
  assert.deepEqual(names, ['a', 'b', 'c'])
})

test('an archive that is cut off or is none says so', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'a.tar.gz')
  await writeTarGz(path, entriesOf([{ name: 'a', content: crypto.getRandomValues(new Uint8Array(60_000)) }]))
  const bytes = await readFile(path)
  await writeFile(path, bytes.subarray(0, 20_000))
  await assert.rejects(readAll(path), /unexpected end of file|cut off/)
  await writeFile(path, 'not an archive')
  await assert.rejects(readAll(path), /incorrect header check/)
  await assert.rejects(readAll(join(dir, 'missing')), /ENOENT/)
})

test('an entry with other than its announced size fails the archive', async (t) => {
  const path = join(await folder(t), 'a.tar.gz')
  const entries = (async function* () {
    yield { name: 'a', size: 5, content: new Uint8Array(4) }
  })()
  await assert.rejects(writeTarGz(path, entries), /"a": it has 4 bytes instead of 5/)
})
