import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { launch, noBrowser, seriousViolations, watchErrors } from '../../test/browser/chromium.ts'
import { sha256Of } from '../media/store.ts'
import type { Cluster } from './cluster-report.ts'
import type { HashRecord } from './match-hash.ts'
import { main } from './main.ts'

let dir: string
async function custos(...args: string[]) {
  const said = { stdout: '', stderr: '' }
  const code = await main(['match', ...args], {
    stdout: { write: (text) => (said.stdout += text) },
    stderr: { write: (text) => (said.stderr += text) },
    cwd: dir,
    env: {},
  })
  return { code, ...said }
}
const recordsOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as HashRecord)

/** A picture of its own for each seed: a few coloured waves. */
function picture(seed: number, width = 320, height = 240) {
  const rgb = Buffer.alloc(width * height * 3)
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const [x, y] = [column / width, row / height]
      const value = Math.sin(seed * 1.7 + 27 * x + 13 * seed * y * y) + Math.cos(seed + 31 * x * y + (seed % 5) * 9 * x)
      rgb.set([127 + 60 * value, 127 + 62 * value, 100 + 40 * Math.sin(value * 3)], (row * width + column) * 3)
    }
  return sharp(rgb, { raw: { width, height, channels: 3 } })
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'custos match '))
  await mkdir(join(dir, 'photos/more'), { recursive: true })
  const write = async (name: string, bytes: Uint8Array) => writeFile(join(dir, 'photos', name), bytes)
  const first = await picture(1).png().toBuffer()
  await write('a.png', first)
  await write('a again.png', first)
  await write('more/a, small.jpg', await sharp(first).resize(200).jpeg().toBuffer())
  await write('more/a mirrored.webp', await sharp(first).flop().webp().toBuffer())
  await write('b.jpg', await picture(2).jpeg().toBuffer())
  await write('broken <!--<script>.jpg', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]))
  await write('dot.png', await picture(3, 3, 3).png().toBuffer())
  await write('notes.txt', Buffer.from('no picture'))
})
after(() => rm(dir, { recursive: true, force: true }))

test('every file of a folder has one record in order of name, and a broken one is told and counted', async () => {
  const { code, stdout } = await custos('hash', 'photos', '--dihedral')
  assert.equal(code, 3)
  const records = recordsOf(stdout)
  assert.deepEqual(
    records.map(({ file }) => file.slice('photos/'.length)),
    [
      'a again.png',
      'a.png',
      'b.jpg',
      'broken <!--<script>.jpg',
      'dot.png',
      'more/a mirrored.webp',
      'more/a, small.jpg',
      'notes.txt',
    ],
  )
  const [again, first, , broken, dot, mirrored, , notes] = records as [HashRecord, ...HashRecord[]]
  assert.deepEqual({ ...again, file: '' }, { ...first, file: '' })
  assert.equal(first!.sha256, sha256Of(await readFile(join(dir, 'photos/a.png'))))
  assert.deepEqual([first!.mime, first!.width, first!.height, first!.convention], ['image/png', 320, 240, 'full'])
  assert.equal(first!.dihedral!.length, 8)
  assert.equal(first!.dihedral![0], first!.pdq)
  assert.notEqual(mirrored!.pdq, first!.pdq)
  assert.match(broken!.error!, /truncated|damaged/)
  assert.match(broken!.md5!, /^[0-9a-f]{32}$/)
  assert.deepEqual([dot!.width, dot!.pdq, dot!.error], [3, undefined, undefined], 'too small for a hash is no error')
  assert.deepEqual([notes!.mime, notes!.error], ['application/octet-stream', undefined])
})

test('an interrupted run goes on where it was, in JSON lines and in CSV', async () => {
  for (const format of ['jsonl', 'csv']) {
    const out = join(dir, `hashes.${format}`)
    const args = ['hash', 'photos', '--format', format, '--out', out, '--workers', '1']
    assert.equal((await custos(...args)).code, 3)
    const whole = await readFile(out, 'utf8')
    // As if it had been killed in the middle of a line.
    await truncate(out, Buffer.byteLength(whole) - 50)
    const again = await custos(...args)
    assert.equal(await readFile(out, 'utf8'), whole)
    assert.match(again.stderr, /\b[12] files .* were there already/)
  }
})

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not on the path'

test('a video has the hashes of a video', { skip: noFfmpeg }, async () => {
  const path = join(dir, 'short.mp4')
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10:duration=2']
  assert.equal(spawnSync('ffmpeg', [...source, '-pix_fmt', 'yuv420p', '-y', path]).status, 0)
  const { code, stdout } = await custos('hash', 'short.mp4')
  const [record] = recordsOf(stdout)
  assert.equal(code, 0, stdout)
  assert.equal(record!.mime, 'video/mp4')
  assert.match(record!.signals!.vpdq!, /[0-9a-f]{64}/)
  assert.equal(record!.pdq, undefined)
})

test('tables are for reading; wrong calls are told what would be right', async () => {
  const { stdout } = await custos('hash', 'photos/a.png', '--format', 'table', '--convention', '512')
  assert.match(stdout, /^file +type +size +pdq +quality\nphotos\/a\.png +image\/png +320 x 240 +[0-9a-f]{64} +\d+\n$/)
  for (const [args, expected] of [
    [['hash'], /1 more argument/],
    [['hash', 'nowhere'], /cannot read "nowhere": it is not there/],
    [['hash', 'photos', '--convention', 'half'], /--convention "half" must be full or 512/],
    [['nothing'], /no "custos match nothing"/],
    [['cluster', 'photos', '--radius', '100'], /--radius "100" must be a whole number from 0 to 64/],
  ] as [string[], RegExp][]) {
    const { code, stderr } = await custos(...args)
    assert.equal(code, 2)
    assert.match(stderr, expected)
  }
  assert.match((await custos('cluster', 'help')).stdout, /usage: custos match cluster FOLDER/)
})

const clusters = async () => {
  const { groups, unreadable } = JSON.parse(await readFile(join(dir, 'report.json'), 'utf8')) as {
    groups: Cluster[]
    unreadable: { file: string }[]
  }
  return { groups, unreadable }
}

test('near-duplicates of a folder become groups, and a second run hashes only what changed', async () => {
  const first = await custos('cluster', 'photos', '--out', 'report.html')
  assert.equal(first.code, 3, 'one file could not be read')
  const { groups, unreadable } = await clusters()
  assert.equal(groups.length, 1)
  const files = Object.fromEntries(groups[0]!.members.map((member) => [member.file, member]))
  assert.deepEqual(Object.keys(files).sort(), [
    'photos/a again.png',
    'photos/a.png',
    'photos/more/a mirrored.webp',
    'photos/more/a, small.jpg',
  ])
  assert.equal(files['photos/a again.png']!.distance, 0)
  assert.equal(files['photos/more/a mirrored.webp']!.turn, 'mirrored')
  assert.ok(groups[0]!.members.every(({ distance }) => distance <= 31))
  assert.deepEqual(
    unreadable.map(({ file }) => file),
    ['photos/broken <!--<script>.jpg'],
  )
  const csv = await readFile(join(dir, 'report.csv'), 'utf8')
  assert.match(csv, /^1,\d+,,"photos\/more\/a, small\.jpg",/m)

  await writeFile(join(dir, 'photos/b.jpg'), await picture(9).jpeg().toBuffer())
  await utimes(join(dir, 'photos/b.jpg'), 1, 1)
  await appendFile(join(dir, 'report.hashes.jsonl'), '{"file":"half a li')
  const second = await custos('cluster', 'photos', '--out', 'report.html')
  assert.match(second.stderr, /7 photos, 6 of them hashed before/)
  assert.deepEqual((await clusters()).groups, groups)
})

test(
  'the page opens from a file, keeps pictures blurred until asked, filters, and compares',
  { skip: noBrowser },
  async () => {
    await custos('cluster', 'photos', '--out', 'page.html')
    const browser = await launch()
    try {
      const context = await browser.newContext()
      const errors = watchErrors(context)
      const page = await context.newPage()
      const asked: string[] = []
      page.on('request', (request) => void asked.push(request.url().slice(0, 5)))
      await page.goto(`file://${join(dir, 'page.html')}`)
      await page.locator('.group').first().waitFor()
      assert.equal(await page.locator('.group').count(), 1)
      assert.equal(await page.locator('.shot').count(), 4)
      const filterOf = () =>
        page
          .locator('.frame img')
          .first()
          .evaluate((image) => getComputedStyle(image).filter)
      assert.match(await filterOf(), /blur/)
      await page.getByRole('button', { name: 'Show pictures' }).click()
      for (let tries = 0; tries < 100 && (await filterOf()) !== 'none'; tries++) await page.waitForTimeout(50)
      assert.equal(await filterOf(), 'none')
      await page.locator('.shot').nth(3).click()
      assert.match(await page.locator('dialog').innerText(), /of 256 bits apart/)
      await page.keyboard.press('Escape')
      await page.getByRole('searchbox').fill('nothing like it')
      assert.match(await page.locator('#groups').innerText(), /No group fits/)
      await page.getByRole('searchbox').fill('mirrored')
      assert.equal(await page.locator('.group').count(), 1)
      assert.match(await page.locator('#unread').innerText(), /1 file could not be read/)
      assert.deepEqual(await seriousViolations(page), [])
      assert.ok(
        asked.every((url) => url === 'file:' || url === 'data:'),
        'nothing is loaded from elsewhere',
      )
      assert.deepEqual(errors, [])
    } finally {
      await browser.close()
    }
  },
)
