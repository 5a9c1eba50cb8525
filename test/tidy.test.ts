import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { settings } from '../src/config.ts'
import {
  areaOf,
  clockFindings,
  cycleFindings,
  docFindings,
  importsOf,
  lengthFindings,
  linesWarn,
  scan,
  shapeFindings,
  sqlFindings,
  testFindings,
  wallFindings,
  type Finding,
  type Source,
} from './walls.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

function read(folder: string): Source[] {
  let entries
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true })
  } catch {
    return []
  }
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return read(path)
    return /\.tsx?$/.test(entry.name) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : []
  })
}

const house = ['src', 'test', 'bench'].flatMap(read)
const source = house.filter((file) => file.path.startsWith('src/'))
const none = (findings: Finding[]) =>
  assert.equal(findings.map(({ path, line, problem }) => `${path}:${line} ${problem}`).join('\n'), '')

suite('the house', () => {
  test('there is something to check', () => assert(source.length > 10))
  test('no import climbs over a wall', () => none(wallFindings(source)))
  test('no imports run in a circle', () => none(cycleFindings(house)))
  test('SQL lives in storage and stores alone', () => none(sqlFindings(source)))
  test('readers of streams stop at stream_horizon(), which a restore into another cluster keeps in order', () => {
    const raw = source.filter(({ path, text }) => /xid\s*<\s*pg_snapshot_x/.test(text) && !path.endsWith('.test.ts'))
    assert.deepEqual(
      raw.map((file) => file.path),
      [],
    )
  })
  test('the clock and randomness are passed in', () => none(clockFindings(source)))
  test('no construct is used that this project does without', () => none(shapeFindings(house)))
  test('every exported function says what it promises', () => none(docFindings(source)))
  test('every test names a promise and checks it', () => none(testFindings(house)))
  test('the guide names every setting', () => {
    const guide = readFileSync(join(root, 'docs/guides/operate.md'), 'utf8')
    for (const { name } of settings) assert.ok(guide.includes(`\`${name}\``), name)
  })
  test('no file is too long for one subject', (t) => {
    for (const { path, problem } of lengthFindings(house, linesWarn)) t.diagnostic(`${path} ${problem}`)
    none(lengthFindings(house))
  })
})

/** The problems that a checker finds in one made-up file. */
const problems = (check: (files: Source[]) => Finding[], path: string, text: string) =>
  check([{ path, text }]).map((finding) => finding.problem)

suite('the checkers find what they look for', () => {
  test('imports of every kind are seen, and those in comments and strings are not', () => {
    const text = [
      `import { a } from './a.ts'`,
      `import type { B } from './b.ts'`,
      `import './c.ts'`,
      `export { d } from './d.ts'`,
      `const e = await import('./e.ts')`,
      `const f = new Worker(new URL('./f.ts', import.meta.url))`,
      `import {`,
      `  g,`,
      `} from "./g.ts"`,
      `// import { x } from './comment.ts'`,
      `/* import { x } from './block.ts' */`,
      'const text = `import { x } from "./template.ts"`',
      `const more = "import { x } from './string.ts'"`,
      `const quote = /['"]/; import { h } from './h.ts'`,
      'const nested = `${`${1}`} import y from "./inner.ts"`',
      `import { i } from './i.ts'`,
    ].join('\n')
    assert.deepEqual(
      importsOf(text)
        .map((found) => found.specifier)
        .sort(),
      ['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts', './g.ts', './h.ts', './i.ts'],
    )
  })

  test('an apostrophe in JSX text does not swallow the code after it', () => {
    const { bare } = scan(`const a = <p>don't</p>\nDate.now()`)
    assert.match(bare, /Date\.now/)
  })

  test('the most specific area of a file counts', () => {
    assert.equal(areaOf('src/http/contract/events.ts'), 'http/contract')
    assert.equal(areaOf('src/http/server.ts'), 'http')
    assert.equal(areaOf('src/elsewhere/x.ts'), undefined)
  })

  for (const [path, text] of [
    ['src/domain/a.ts', `import { open } from '../storage/database.ts'`],
    ['src/domain/a.ts', `import { readFile } from 'node:fs'`],
    ['src/kernels/a.ts', `import { Event } from '../domain/event.ts'`],
    ['src/match/a.ts', `import { evaluate } from '../rules/evaluate.ts'`],
    ['src/match/a.ts', `const x = await import('../rules/evaluate.ts')`],
    ['src/rules/a.ts', `import { ingest } from '../flows/ingest.ts'`],
    ['src/storage/a.ts', `import { append } from '../ledger/ledger.ts'`],
    ['src/flows/a.ts', `import { serve } from '../http/server.ts'`],
    ['src/http/a.ts', `import { start } from '../app.ts'`],
    ['src/console/a.tsx', `import { serve } from '../http/server.ts'`],
    ['src/console/a.tsx', `import { readFile } from 'node:fs'`],
    ['src/http/contract/a.ts', `import { serve } from '../server.ts'`],
    ['src/sim/a.ts', `import { evaluate } from '../rules/evaluate.ts'`],
    ['src/app.ts', `import { main } from './cli/main.ts'`],
    ['src/review/a.ts', `import pg from 'pg'`],
    ['src/enforcement/a.ts', `import sharp from 'sharp'`],
    ['src/rules/a.ts', `import { testDatabase } from '../../test/database.ts'`],
    ['src/attic/a.ts', `export const a = 1`],
  ] as const) {
    test(`a climb is found: ${path} with ${text}`, () => assert.equal(problems(wallFindings, path, text).length, 1))
  }

  test('what the walls allow is allowed', () => {
    assert.deepEqual(problems(wallFindings, 'src/flows/a.ts', `import { x } from '../rules/a.ts'`), [])
    assert.deepEqual(problems(wallFindings, 'src/console/a.tsx', `import { x } from '../http/contract/a.ts'`), [])
    assert.deepEqual(problems(wallFindings, 'src/rules/a.test.ts', `import { x } from '../../test/database.ts'`), [])
    assert.deepEqual(problems(wallFindings, 'src/storage/a.ts', `import pg from 'pg'`), [])
  })

  test('a circle of three files is found once', () => {
    const circle = ['a', 'b', 'c'].map((name, index) => ({
      path: `src/domain/${name}.ts`,
      text: `import { type Y, x } from './${'bca'[index]}.ts'`,
    }))
    assert.equal(cycleFindings(circle).length, 1)
    assert.deepEqual(cycleFindings(circle.slice(0, 2)), [])
    for (const types of ['import type { X, Y }', 'import { type X, type Y }', 'export type { X }'])
      assert.deepEqual(cycleFindings(circle.map((file) => ({ ...file, text: file.text.replace(/^.*\}/, types) }))), [])
  })

  for (const statement of [
    'SELECT id FROM entries',
    'INSERT INTO entries VALUES (1)',
    'UPDATE entries SET a = 1',
    'DELETE FROM entries',
    'SELECT ${columns} FROM entries',
  ]) {
    test(`SQL is found in a flow and allowed in a store: ${statement}`, () => {
      const text = `const q = \`${statement}\``
      assert.equal(problems(sqlFindings, 'src/flows/a.ts', text).length, 1)
      assert.deepEqual(problems(sqlFindings, 'src/review/store.ts', text), [])
    })
  }

  test('a sentence about updates is not SQL', () => {
    assert.deepEqual(
      problems(sqlFindings, 'src/flows/a.ts', `const s = 'Select one from the list, then update it'`),
      [],
    )
  })

  test('clocks and randomness are found, and dates from numbers are not', () => {
    const text = `const a = Date.now()\nconst b = Math.random()\nconst c = new Date()\nconst d = new Date(5)\n// Date.now()`
    assert.equal(problems(clockFindings, 'src/rules/a.ts', text).length, 3)
    assert.deepEqual(problems(clockFindings, 'src/app.ts', text), [])
  })

  for (const [text, path = 'src/rules/a.ts'] of [
    ['enum Color { Red }'],
    ['export const enum Color { Red }'],
    ['@injectable()\nclass A {}'],
    ['namespace A {}'],
    ['export default 1'],
    [`export * from './b.ts'`],
    ['// TODO later'],
    [`const path = '/home/me/x'`],
    ['export const a = 1', 'src/rules/utils.ts'],
    ['export const a = 1', 'src/helpers/a.ts'],
    [`export { a } from './a.ts'`, 'src/rules/index.ts'],
  ] as [string, string?][]) {
    test(`a construct that we do without is found: ${path} with ${JSON.stringify(text)}`, () =>
      assert.equal(problems(shapeFindings, path, text).length, 1))
  }

  test('a long file and a missing docstring are found', () => {
    assert.equal(problems(lengthFindings, 'src/rules/a.ts', '\n'.repeat(700)).length, 1)
    assert.equal(problems(docFindings, 'src/rules/a.ts', 'export async function a() {}').length, 1)
    assert.deepEqual(problems(docFindings, 'src/rules/a.ts', '/** Adds. */\nexport function a() {}'), [])
  })

  test('tests that promise nothing, twice, alone, or check nothing are found', () => {
    const text = `test('works', () => {})\ntest('it all holds', () => {})\ntest('it all holds', () => {})\ntest.only('x y z', () => {})`
    assert.deepEqual(problems(testFindings, 'src/rules/a.test.ts', text), [
      'test "works" does not say what holds',
      'test "works" does not name a promise',
      'test "it all holds" is there twice',
      'has a .only test',
      'asserts nothing',
    ])
  })
})
