import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)
const skip =
  spawnSync('npm', ['--version']).status === 0 && spawnSync('tar', ['--version']).status === 0
    ? false
    : 'npm or tar is not on the path'

/** A folder as somebody has it who installed the package and nothing else. */
let home: string
before(async () => {
  if (skip !== false) return
  home = await mkdtemp(join(tmpdir(), 'custos library '))
  await run(process.execPath, [join(root, 'bin/library.mjs')])
  // What `npm install custos-….tgz` does, without asking a registry: unpack, and put the dependencies beside.
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', home], { cwd: root })
  const archive = (await readdir(home)).find((name) => name.endsWith('.tgz'))!
  const installed = join(home, 'node_modules/custos')
  await mkdir(installed, { recursive: true })
  await run('tar', ['xzf', join(home, archive), '-C', installed, '--strip-components=1'])
  const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const place = join(home, 'node_modules', name)
    await mkdir(dirname(place), { recursive: true })
    await symlink(join(root, 'node_modules', name), place)
  }
  await writeFile(join(home, 'package.json'), '{ "type": "module" }')

  const pixels = Buffer.alloc(400 * 300 * 3)
  for (let row = 0; row < 300; row++)
    for (let column = 0; column < 400; column++) {
      const [x, y] = [column / 400, row / 300]
      const value = 127 + 60 * Math.sin(27 * x + 13 * y * y) + 60 * Math.cos(31 * x * y + 9 * x)
      pixels.fill(value, (row * 400 + column) * 3, (row * 400 + column) * 3 + 3)
    }
  const photo = sharp(pixels, { raw: { width: 400, height: 300, channels: 3 } })
  await photo.clone().jpeg().toFile(join(home, 'photo.jpg'))
  await photo.clone().resize(200).webp().toFile(join(home, 'copy.webp'))
  await photo.clone().flop().png().toFile(join(home, 'mirrored.png'))
})
after(async () => {
  if (skip === false) await rm(home, { recursive: true, force: true })
})

const examples = async () => {
  const guide = await readFile(join(root, 'docs/guides/library.md'), 'utf8')
  return [...guide.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)
}

test('every example of the guide runs where only the package is installed', { skip }, async () => {
  const said: string[] = []
  for (const [at, code] of (await examples()).entries()) {
    await writeFile(join(home, `example-${at}.js`), code)
    const { stdout, stderr } = await run(process.execPath, [`example-${at}.js`], { cwd: home })
    assert.equal(stderr, '')
    said.push(stdout)
  }
  assert.equal(said.length, 5)
  assert.match(said[0]!, /^image\/jpeg 400 300\n[0-9a-f]{64} quality \d+\nthe same photo\n$/)
  assert.equal(said[1], '64 100\n')
  assert.equal(said[2], 'original rotate90 rotate180 rotate270 flipX flipY flipPlus1 flipMinus1\n')
  assert.equal(said[3], '17 true flipY\n')
  assert.equal(said[4], 'buy now\ntrue\n1 true\ntrue\n')
})

test('the types of the package hold in a strict project', { skip }, async () => {
  await writeFile(
    join(home, 'typed.ts'),
    `import { createHammingIndex, pdq, vpdqCompare, type Pdq, type VpdqFrames } from 'custos/match'
const index = createHammingIndex()
export async function near(bytes: Uint8Array): Promise<number[]> {
  const found: Pdq | undefined = (await pdq(bytes, { convention: '512' })).pdq
  return found === undefined ? [] : index.query(found.dihedral).map((hit) => hit.distance)
}
export const matched = (a: VpdqFrames, b: VpdqFrames): number => vpdqCompare(a, b).queryMatched
// @ts-expect-error: a distance is no text
export const wrong: string = index.query('')[0]!.distance
`,
  )
  const options = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, skipLibCheck: false, types: [] }
  await writeFile(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['typed.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, '-p', home]).catch((error: { stdout: string }) => assert.fail(error.stdout))
})

test('the package brings the library and neither tests nor the console', { skip }, async () => {
  const names = (await readdir(join(home, 'node_modules/custos'), { recursive: true })).map(String)
  assert.ok(names.includes(join('dist', 'lib', 'match', 'library.js')))
  assert.deepEqual(
    names.filter((name) => /\.test\.ts$|^(test|bench)\b|^dist.console/.test(name)),
    [],
  )
})
