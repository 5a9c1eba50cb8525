import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs a tool of node_modules; answers its exit code and what it said. */
function tool(path: string, args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', path), ...args], { cwd: root })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', fail)
    child.once('close', (code) => done({ code, output }))
  })
}

test('types hold (tsc)', async () => {
  const { code, output } = await tool('typescript/bin/tsc', ['-p', '.'])
  assert.equal(code, 0, output)
})

test('no lint errors (oxlint, with types)', async () => {
  const { code, output } = await tool('oxlint/bin/oxlint', ['--type-aware', '--quiet', 'src', 'test', 'bench', 'bin'])
  assert.equal(code, 0, output)
})

test('everything is formatted (oxfmt)', async () => {
  const { code, output } = await tool('oxfmt/bin/oxfmt', ['--check', 'src', 'test', 'bench', 'bin'])
  assert.equal(code, 0, output)
})
