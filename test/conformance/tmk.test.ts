import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { readTmk, tmkBytes, tmkLevel1, tmkLevel2, writeTmk } from '../../src/kernels/tmk.ts'
import { findVideoTools } from '../../src/media/ffmpeg.ts'
import { hashVideoTmk } from '../../src/media/video.ts'

// Files of github.com/facebook/ThreatExchange and scores that its program gives; see ../shared/data/match/README.md.
const folder = fileURLToPath(new URL('../../../shared/data/match/', import.meta.url))
const skip = existsSync(folder) ? false : `${folder} is absent`
const tools = await findVideoTools()
const read = (name: string) => readTmk(readFileSync(`${folder}tmk/${name}`))

test('all 105 pair scores are those of the reference', { skip }, (t) => {
  const files = new Map(
    readdirSync(`${folder}tmk`)
      .filter((name) => name.endsWith('.tmk'))
      .map((name) => [name, read(name)]),
  )
  assert.equal(files.size, 15)
  const lines = readFileSync(`${folder}tmk/pair-scores-expected.txt`, 'utf8').trim().split('\n')
  assert.equal(lines.length, 105)
  const worst = [0, 0]
  for (const line of lines) {
    const [level1, level2, left, right] = line.split(' ') as [string, string, string, string]
    const scores = [tmkLevel1(files.get(left)!, files.get(right)!), tmkLevel2(files.get(left)!, files.get(right)!)]
    for (const [level, expected] of [level1, level2].entries()) {
      const off = Math.abs(scores[level]! - Number(expected))
      worst[level] = Math.max(worst[level]!, off)
      assert.ok(off <= 2e-6, `${left} ${right} level ${level + 1}: ${scores[level]} for ${expected}`)
    }
  }
  t.diagnostic(`largest deviations ${worst.map((off) => off.toExponential(1)).join(' and ')}, of six printed decimals`)
})

test('a file is written as it was read, and is like itself', { skip }, () => {
  const bytes = readFileSync(`${folder}tmk/doorknob-hd-no-bar.tmk`)
  assert.equal(bytes.length, tmkBytes)
  const features = readTmk(bytes)
  assert.deepEqual(Buffer.from(writeTmk(features)), bytes)
  assert.ok(Math.abs(tmkLevel1(features, features) - 1) < 1e-6)
  assert.ok(Math.abs(tmkLevel2(features, features) - 1) < 1e-6)
})

for (const name of ['chair-20-sd-bar', 'pattern-sd-with-large-logo-bar'])
  test(
    `a video hashed here is like the reference file of the same video (${name})`,
    { skip: skip || (tools.ok ? false : tools.detail) },
    async (t) => {
      const expected = read(`${name}.tmk`)
      const made = await hashVideoTmk(`${folder}videos/${name}.mp4`)
      assert.ok(made.ok)
      assert.equal(made.tmk.frameCount, expected.frameCount)
      assert.deepEqual(made.tmk.coefficients, expected.coefficients)
      const scores = [tmkLevel1(made.tmk, expected), tmkLevel2(made.tmk, expected)]
      t.diagnostic(scores.map((score) => score.toFixed(6)).join(' '))
      for (const score of scores) assert.ok(score > 0.9999, String(scores))
    },
  )
