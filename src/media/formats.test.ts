import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import sharp, { type Sharp } from 'sharp'
import { InputError } from '../domain/error.ts'
import { hammingDistance } from '../kernels/hamming-index.ts'
import { decodeJpeg, type JpegPicture } from '../kernels/jpeg.ts'
import { pdqFromHex, pdqHash, pdqStages, pdqToHex } from '../kernels/pdq.ts'
import { pdqStagesOfJpeg } from '../kernels/pdq-jpeg.ts'
import { decodeImage, withPixels } from './decode.ts'
import { createMediaPool } from './hash-pool.ts'
import { previewImage } from './preview.ts'

/** A generated picture of 96 x 64 as HEIC, by libheif 1.15 with x265. */
const heic = Buffer.from(
  'AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAUJtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA' +
    'AA5waXRtAAAAAAABAAAAImlsb2MAAAAAREAAAQABAAAAAAFmAAEAAAAAAAADpQAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEA' +
    'AGh2YzEAAAAAwmlwcnAAAACkaXBjbwAAAHhodmNDAQNwAAAAAAAAAAAAHvAA/P34+AAADwMgAAEAGEABDAH//wNwAAADAJAAAAMA' +
    'AAMAHroCQCEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoDCBBZbqSSmubgQEDAgAAAMACAAAAwAIQCIAAQAHRAHBcrAiQAAAABRpc3Bl' +
    'AAAAAAAAAGAAAABAAAAAEHBpeGkAAAAAAwgICAAAABZpcG1hAAAAAAAAAAEAAQOBAoMAAAOtbWRhdAAAA6EoAa8O4OjkDBrGmG7P' +
    'fXxEY6OgqWcL9UYogHFtTrXyM1eCHIMZAV8tooqZfNXTvzBQUr6Vpc6H2U0Fg07Owf3IQVitkIHdznqScRuxnRek63MaaMYFyzjX' +
    '0cd8awOZHDJN4lPAjBf2HqLFg1VU6c9UQHwOTX1lFp0Gxn+LPJq+kJd9+trqKojezuyXJJLEH3thyHdeKz92hru4t9QbCX5/5B3n' +
    'N2hUGBWoAIwVeDTrHd7o09FVhxeS9hN/XMgs5cbHVhQwLUCRC6ZvMRD8BUfcOks2jRGpQeYsVjwU0Chqug50vW1c+PO60hklCZLH' +
    'AUzfOjrgqqmXSDz/+6tEJScEcAquyKd5IE9S2GjqU46nDEBk2toGUXZnqgQ7NtzsUeufM8b2NByj+HqwedZyX4Xh9eqMbzPtv6F5' +
    'VcPn+y+O9T6a7dUw68SzY6QlNv50U+JILA8eQZn5M+nV8GPppJcxPTTsBGUhpH1+a8M8ZZfqzxUkYpBLi7NkfBpqPMKfP6ByVhNP' +
    '1Wp6ISWkq0pQ8BWhE+JTm7R9eBfbwo76TjQU/TBS5I5PD40xa+j/bs2zjmSRXFTqRMZW07RGJQ/yLiArKCIWmSmT7qfehLweRCUG' +
    'uAtv8DEpPhYawPD7XuokONK10gDCPuqZNVoMRnIp046I/ZOJGammVYWhenNwg3tEi8P8+WrBcX7XnUd2PYhTNxz/sHk7e5ywTHsL' +
    'yCDLSnKOS544pZIbh7tlwNEaS4ArA1bglS25aD4weMVTZFGI9ovTaJ4FYVbDdOBunoebedVbhLzkQ0szOl1D4iNRQ2f6mW6/F/X6' +
    '8F/Ip9KZp7jRWTbcIAmIVQcKxyfwP812gcpf9cNyNZ3FMi86/Xwf05+7648fudfTzcmL86/myr1uZz7MOX8/6lmrjuZc36/vBSRF' +
    'plXjLhuh69aQR+wxuIVVYZlnw3oblwyiHRzoYHG54HZ8HUgXH1TWTF1f2wHTsnczKB9t0HzIspU0rTb/n532esbu5Wo9VkYtABQ+' +
    '3Ot2vbU7n9ofFcthvXsp/6idjfVATD1O8rjWtOkM2YRukHkx+plKqFcVSpFeqltPsJLDX6QsV0SD0uDT8tTe/YrSUfR2sOTnEAG3' +
    'F5s/c0HyA+MpyTPfOuorjMA6xKP0HEsB9P5ecPg7n4jyKPkPJ5R5v4/uHWs+GohhP/LLHnC3kB+kgSBh3yTZ83AYxkbZqFfFvAoP' +
    'gn5LEn5TbbMyZQKqpuLefA==',
  'base64',
)
/** 45 x 29 at 4:2:2 with a restart marker after every second block, by libjpeg-turbo 2.1. */
const restarts = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO' +
    'UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P' +
    'T09PT09PT0//wAARCAAdAC0DASEAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUF' +
    'BAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVW' +
    'V1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi' +
    '4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAEC' +
    'AxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVm' +
    'Z2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq' +
    '8vP09fb3+Pn6/90ABAAC/9oADAMBAAIRAxEAPwDz6O29qtR2ntSiuYujVLMdl7VZjsfauiOD5j1KNc//0MNbEAZbAHvUwtIx1I/D' +
    'mtquFoUv4kkvz+7c+so129jNhtvar0Np7VOCXNY+Ep1T/9HOEKxnG3LelSpBI/sPbiuvEYmbn7Gjpbd/ov6/4OtCfVlhLNExuwKm' +
    'WAY+WMn61xS9lQ9xLml27fM9ejVbP//So29tnHFXfJ8tBgfMelLC1XSoOot0vx6Hz9Opd2JYLPjJHFWEhZjhBgevc1mpOhTjGHxS' +
    '/Bdz1qNW71P/09NLVE4Iy3oKsJbSEZAAHpiuWLlF+yobrd/odlKrpdmZbQrxVryVMxz2xUQbeGiu7X5M+FozfMf/1NoxDcqdsZqf' +
    'ylRVC8Fu9cNWcoupPqrJeWy/W549CT0ROkKRoCACScc1PHbqwyxya5/ZqclR6JX9T16VR2uf/9k=',
  'base64',
)

function waves(width: number, height: number, seed = 1, noise = 0): Sharp {
  const rgb = Buffer.alloc(width * height * 3)
  let state = seed
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      for (let channel = 0; channel < 3; channel++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
        const [x, y] = [column / width, row / height]
        const value = Math.sin(27 * x + 13 * y * y + channel / 3) + Math.cos(31 * x * y + 9 * x)
        rgb[(row * width + column) * 3 + channel] = Math.max(
          0,
          Math.min(255, 127 + 60 * value + noise * (state / 2 ** 32 - 0.5)),
        )
      }
  return sharp(rgb, { raw: { width, height, channels: 3 } })
}
const hashOf = (bytes: Uint8Array) =>
  withPixels(bytes, ({ rgb, width, height }) => pdqToHex(pdqHash(pdqStages(rgb, width, height)!)))
const bits = (a: string, b: string) => hammingDistance(pdqFromHex(a), 0, pdqFromHex(b), 0)

/** What libjpeg-turbo makes of a JPEG, or undefined where it refuses. */
async function reference(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await sharp(bytes, { ignoreIcc: true, failOn: 'error' }).toColourspace('srgb').raw().toBuffer()
  } catch {
    return undefined
  }
}

/** Whether a JPEG is hashed as it is decoded; then the stages are those of its pixels, in either engine. */
function hashedDirectly(bytes: Uint8Array, { rgb, width, height }: JpegPicture): boolean {
  const pixels = rgb.slice()
  const direct = pdqStagesOfJpeg(bytes)
  if (direct === undefined) return false
  assert.deepEqual([direct.width, direct.height], [width, height])
  for (const engine of ['wasm', 'typescript'] as const)
    assert.deepEqual(direct.stages, pdqStages(pixels, width, height, 'full', engine))
  return true
}

test('our JPEG decoder gives the pixels of libjpeg-turbo, and their hash, whatever size, quality and sampling', async () => {
  let own = 0
  let direct = 0
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        width: fc.integer({ min: 1, max: 120 }),
        height: fc.integer({ min: 1, max: 90 }),
        quality: fc.integer({ min: 1, max: 100 }),
        seed: fc.nat(1_000_000),
        noise: fc.constantFrom(0, 20, 300),
        chromaSubsampling: fc.constantFrom('4:2:0', '4:4:4'),
        optimiseCoding: fc.boolean(),
        grey: fc.boolean(),
      }),
      async ({ width, height, seed, noise, grey, ...options }) => {
        const picture = waves(width, height, seed, noise)
        const bytes = await (grey && seed % 3 === 0 ? picture.greyscale() : picture).jpeg(options).toBuffer()
        const decoded = decodeJpeg(bytes)
        if (decoded === undefined) return assert.ok(width <= 4, 'only the narrowest are left to libjpeg')
        own++
        assert.deepEqual([decoded.width, decoded.height], [width, height])
        assert.ok(Buffer.from(decoded.rgb).equals((await reference(bytes))!))
        if (hashedDirectly(bytes, decodeJpeg(bytes)!)) direct++
      },
    ),
    { numRuns: 80 },
  )
  assert.ok(own > 50)
  assert.ok(direct > 10)
})

test('restart markers and chroma at half the width are read like libjpeg-turbo reads them', async () => {
  const decoded = decodeJpeg(restarts)!
  assert.deepEqual([decoded.width, decoded.height], [45, 29])
  assert.ok(Buffer.from(decoded.rgb).equals((await reference(restarts))!))
})

test('a damaged JPEG is refused by our decoder, or comes out as libjpeg-turbo would have it', async () => {
  const files = [
    restarts,
    await waves(90, 70).jpeg().toBuffer(),
    await waves(64, 64, 3, 200).jpeg({ quality: 95 }).toBuffer(),
    await waves(75, 49, 5, 300).jpeg({ quality: 98, optimiseCoding: true }).toBuffer(),
  ]
  const damage = fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), damage, fc.option(fc.nat(100_000)), async (file, places, cut) => {
      const bytes = Buffer.from(file)
      for (const [at, value] of places) bytes[at % bytes.length] = value
      const damaged = cut === null ? bytes : bytes.subarray(0, cut % bytes.length)
      const decoded = decodeJpeg(damaged)
      if (decoded === undefined) return assert.equal(pdqStagesOfJpeg(damaged), undefined)
      const picture = { ...decoded, rgb: decoded.rgb.slice() }
      hashedDirectly(damaged, picture)
      assert.ok(Buffer.from(picture.rgb).equals((await reference(damaged))!))
    }),
    { numRuns: 300 },
  )
})

test('progressive and CMYK JPEGs are left to libjpeg-turbo and still read', async () => {
  const whole = await hashOf(await waves(300, 200).jpeg().toBuffer())
  for (const bytes of [
    await waves(300, 200).jpeg({ progressive: true }).toBuffer(),
    await waves(300, 200).toColourspace('cmyk').jpeg().toBuffer(),
  ]) {
    assert.equal(decodeJpeg(bytes), undefined)
    // Inks are turned into colours on the way, and not exactly.
    assert.ok(bits(await hashOf(bytes), whole) <= 31)
  }
})

test('every format and colour mode of one picture has nearly one hash', async () => {
  const picture = () => waves(320, 240)
  const whole = await hashOf(await picture().png().toBuffer())
  const modes = {
    jpeg: picture().jpeg({ quality: 90 }),
    webp: picture().webp({ quality: 90 }),
    avif: picture().avif({ quality: 80 }),
    gif: picture().gif(),
    tiff: picture().tiff(),
    'tiff with pages': picture().tiff({ pyramid: true }),
    'palette png': picture().png({ palette: true }),
    '16-bit png': picture().toColourspace('rgb16').png(),
    'grey with alpha': picture().greyscale().ensureAlpha(0.5).png(),
    '16-bit grey': picture().toColourspace('grey16').png(),
    'transparent webp': picture().ensureAlpha(0).webp({ lossless: true, exact: true }),
  }
  for (const [name, made] of Object.entries(modes)) {
    const distance = bits(await hashOf(await made.toBuffer()), whole)
    assert.ok(distance <= 16, `${name}: ${distance} bits`)
  }
})

test('HEIC is read with its size, hashed in the pool and shown', async () => {
  const decoded = await decodeImage(heic)
  assert.deepEqual(
    [decoded.mime, decoded.width, decoded.height, decoded.rgb.length],
    ['image/heic', 96, 64, 96 * 64 * 3],
  )
  const pool = createMediaPool({ workers: 1 })
  try {
    const hashed = await pool.hash(heic)
    assert.equal(hashed.pdq!.hash, await hashOf(heic))
    assert.equal((await sharp(await pool.preview(heic, 'full')).metadata()).width, 96)
    await assert.rejects(
      pool.hash(heic.subarray(0, 700)),
      (error) => error instanceof InputError && /damaged/.test(error.message),
    )
  } finally {
    await pool.close()
  }
  assert.equal((await sharp(await previewImage(heic, 'blurred')).metadata()).height, 64)
})

test('of an animation the first frame is hashed', async () => {
  const frames = [waves(80, 60, 1), waves(80, 60, 9).negate()]
  const raw = Buffer.concat(await Promise.all(frames.map((frame) => frame.raw().toBuffer())))
  const strip = () => sharp(raw, { raw: { width: 80, height: 120, channels: 3, pageHeight: 60 } })
  const first = await hashOf(await waves(80, 60, 1).png().toBuffer())
  for (const bytes of [await strip().webp({ lossless: true }).toBuffer(), await strip().gif().toBuffer()]) {
    assert.equal((await sharp(bytes).metadata()).pages, 2)
    const decoded = await decodeImage(bytes)
    assert.deepEqual([decoded.width, decoded.height], [80, 60])
    assert.ok(bits(await hashOf(bytes), first) <= 10)
  }
})

test('EXIF orientation turns no pixels before they are hashed', async () => {
  const plain = await waves(200, 100).jpeg().toBuffer()
  const turned = await sharp(plain).keepMetadata().withMetadata({ orientation: 6 }).jpeg().toBuffer()
  assert.equal((await sharp(turned).metadata()).orientation, 6)
  assert.deepEqual([(await decodeImage(turned)).width, (await decodeImage(turned)).height], [200, 100])
})
