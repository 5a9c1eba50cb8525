import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { testDatabase } from '../../test/database.ts'
import { InputError } from '../domain/error.ts'
import { createMediaRecords } from '../storage/media-records.ts'
import { decodeImage, mediaBytesMax, mediaPixelsMax, sniffMime } from './decode.ts'
import { createMediaPool, type MediaPool } from './hash-pool.ts'
import { createMediaLibrary, type MediaLibrary } from './library.ts'
import { previewImage } from './preview.ts'
import { createMediaFiles, sha256Of } from './store.ts'

let pool: MediaPool
let folder: string
let library: MediaLibrary
before(async () => {
  pool = createMediaPool()
  folder = await mkdtemp(join(tmpdir(), 'custos-media-'))
  const db = await testDatabase()
  library = createMediaLibrary({ files: createMediaFiles(folder), pool, records: createMediaRecords(db.query) })
})
after(async () => {
  await pool.close()
  await rm(folder, { recursive: true })
})

const noise = (width: number, height: number) =>
  sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } })
    .blur(5)
    .normalise()
const jpeg = await noise(300, 200).jpeg().toBuffer()

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}
/** A PNG of a few bytes that says it is huge: decoded it would fill the memory. */
function pngBomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(1_000_000))),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

const svg = Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
const hostile: [string, Buffer, RegExp][] = [
  ['a JPEG cut in half', jpeg.subarray(0, jpeg.length / 2), /truncated/],
  ['a JPEG of its first bytes alone', jpeg.subarray(0, 20), /truncated|damaged/],
  ['a PNG that claims 30,000 x 30,000', pngBomb(30_000, 30_000), new RegExp(`more than ${mediaPixelsMax} pixels`)],
  ['a PNG of 3,000,000 x 5', pngBomb(3_000_000, 5), /a side of more than 65535 pixels/],
  ['an SVG called .jpg', svg, /image\/svg\+xml, not an image/],
  ['an HTML page', Buffer.from('<!DOCTYPE html><script>alert(1)</script>'), /text\/html, not an image/],
  ['nothing', Buffer.alloc(0), /empty/],
  ['random bytes', randomBytes(5_000).fill(7, 0, 4), /application\/octet-stream/],
  ['a JPEG header before random bytes', Buffer.concat([jpeg.subarray(0, 4), randomBytes(5_000)]), /truncated|damaged/],
  ['more bytes than allowed', Buffer.concat([jpeg, Buffer.alloc(mediaBytesMax)]), new RegExp(String(mediaBytesMax))],
]
for (const [name, bytes, expected] of hostile)
  test(`refused by name: ${name}`, async () => {
    const isNamed = (error: unknown) => {
      assert.ok(error instanceof InputError, String(error))
      assert.match(error.message, expected)
      assert.equal(error.problems[0]!.field, 'media')
      return true
    }
    await assert.rejects(decodeImage(bytes), isNamed)
    await assert.rejects(library.put('a', bytes), isNamed)
    assert.equal(await library.find('a', sha256Of(bytes)), undefined)
  })

test('what was refused left no files, and the pool still works', async () => {
  assert.deepEqual(await readdir(folder), [])
  assert.ok((await pool.hash(jpeg)).pdq)
})

test('every format is read for what it is, whatever it is called', async () => {
  const picture = await noise(320, 240).png().toBuffer()
  const reference = await pool.hash(picture)
  for (const format of ['jpeg', 'webp', 'avif', 'gif', 'tiff'] as const) {
    const bytes = await sharp(picture).toFormat(format).toBuffer()
    assert.equal(sniffMime(bytes), `image/${format}`)
    const hashed = await pool.hash(bytes)
    assert.deepEqual([hashed.mime, hashed.width, hashed.height], [`image/${format}`, 320, 240])
    assert.equal(hashed.pdq!.dihedral.length, 8)
    assert.equal(hashed.pdq!.dihedral[0], hashed.pdq!.hash)
    assert.equal(hashed.pdq!.hash.length, reference.pdq!.hash.length)
  }
})

test('grey, palette, 16-bit and transparent images decode to RGB without compositing', async () => {
  const size = { width: 40, height: 30 }
  const red = sharp({ create: { ...size, channels: 4, background: { r: 200, g: 10, b: 20, alpha: 0 } } })
  const transparent = await decodeImage(await red.png().toBuffer())
  assert.deepEqual([...transparent.rgb.subarray(0, 3)], [200, 10, 20], 'transparent pixels keep their colour')
  for (const bytes of [
    await noise(40, 30).greyscale().png().toBuffer(),
    await noise(40, 30).png({ palette: true }).toBuffer(),
    await noise(40, 30).toColourspace('rgb16').png().toBuffer(),
    await noise(40, 30).toColourspace('cmyk').jpeg().toBuffer(),
  ]) {
    const { rgb, width, height } = await decodeImage(bytes)
    assert.equal(rgb.length, width * height * 3)
  }
})

test('a 1 x 1 image is kept but has no hash', async () => {
  const bytes = await noise(1, 1).png().toBuffer()
  const record = await library.put('a', bytes)
  assert.equal(record.pdq, undefined)
  assert.deepEqual(await library.find('a', record.sha256), record)
})

test('the same bytes again, also for another tenant, answer from the record; other tenants see nothing', async () => {
  const record = await library.put('a', jpeg)
  assert.deepEqual(await library.put('a', jpeg), record)
  assert.equal(await library.read('b', record.sha256), undefined)
  assert.equal(await library.preview('b', record.sha256, 'blurred'), undefined)
  assert.deepEqual(await library.put('b', jpeg), record)
  assert.deepEqual(Buffer.from((await library.read('b', record.sha256))!), jpeg)
})

test('a preview is upright, grey and blurred until the full one is asked for', async () => {
  const stripes = Buffer.alloc(400 * 300 * 3)
  for (let at = 0; at < 400 * 300; at++) stripes.set(at % 20 < 10 ? [250, 0, 0] : [0, 0, 250], at * 3)
  const bytes = await sharp(stripes, { raw: { width: 400, height: 300, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 95 })
    .toBuffer()
  const look = async (variant: 'blurred' | 'thumb' | 'full') => {
    const preview = await previewImage(bytes, variant)
    const { width, height, exif } = await sharp(preview).metadata()
    const { channels } = await sharp(preview).stats()
    const [red, , blue] = channels
    return {
      width,
      height,
      exif,
      contrast: red!.stdev,
      coloured: Math.abs(red!.mean - blue!.mean) > 1 || red!.stdev > 50,
    }
  }
  const [blurred, thumb, full] = [await look('blurred'), await look('thumb'), await look('full')]
  assert.deepEqual([full.width, full.height], [300, 400])
  assert.ok(thumb.height! <= 160)
  assert.equal(full.exif, undefined, 'no metadata of the sender')
  assert.ok(full.contrast > 50)
  assert.ok(blurred.contrast < 10 && !blurred.coloured)
  assert.ok(thumb.contrast < 10 && !thumb.coloured)
})

const childrenOf = () => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number)

test(
  'a worker that is killed costs nothing but its time; a file that kills twice is given up',
  { skip: existsSync(`/proc/self/task/${process.pid}/children`) ? false : 'needs /proc' },
  async () => {
    const others = new Set(childrenOf())
    const own = createMediaPool({ workers: 1 })
    const large = await noise(3_000, 2_000).jpeg().toBuffer()
    const kill = async () => {
      for (;;) {
        const [child] = childrenOf().filter((pid) => pid > 0 && !others.has(pid))
        if (child !== undefined) {
          others.add(child)
          return process.kill(child, 'SIGKILL')
        }
        await new Promise((done) => setTimeout(done, 5))
      }
    }
    const hashed = own.hash(large)
    await kill()
    assert.ok((await hashed).pdq)
    // The worker that answered dies first, then the one that was started in its place.
    const givenUp = assert.rejects(own.hash(large), /could not be decoded: SIGKILL/)
    await kill()
    await kill()
    await givenUp
    assert.ok((await own.hash(jpeg)).pdq, 'the next file has a worker again')
    await own.close()
  },
)

test('a file that takes too long fails alone, and so does one too many', async () => {
  const hasty = createMediaPool({ workers: 1, timeoutMs: 1 })
  await assert.rejects(hasty.hash(jpeg), /no answer within 1 ms/)
  await hasty.close()
  const small = createMediaPool({ workers: 1, pendingMax: 2 })
  const both = [small.hash(jpeg), small.hash(jpeg)]
  await assert.rejects(small.hash(jpeg), /2 images already wait/)
  await Promise.all(both)
  await small.close()
  await assert.rejects(small.hash(jpeg), /closed/)
})
