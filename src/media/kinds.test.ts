import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { InputError } from '../domain/error.ts'
import { digestsOf, runHashers, type MediaHasher } from './hashers.ts'
import { mediaTypeOf, sniffMedia } from './kinds.ts'
import { existsSync, readFileSync } from 'node:fs'

const bytesOf = (text: string) => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(600)])

test('the first bytes say what a file is, whatever it is called', () => {
  const cases: Record<string, string> = {
    '\0\0\0\x18ftypisom\0\0\0\0': 'video video/mp4',
    '\0\0\0\x14ftypqt  ': 'video video/quicktime',
    '\0\0\0\x18ftypM4A ': 'audio audio/mp4',
    '\x1aE\xdf\xa3\x93B\x82\x84webm': 'video video/webm',
    '\x1aE\xdf\xa3\x93B\x82\x88matroska': 'video video/x-matroska',
    'RIFF\0\0\0\0AVI LIST': 'video video/x-msvideo',
    'RIFF\0\0\0\0WAVEfmt ': 'audio audio/wav',
    'OggS\0\x02': 'audio audio/ogg',
    fLaC: 'audio audio/flac',
    'ID3\x03': 'audio audio/mpeg',
    '\xff\xfb\x90\x00': 'audio audio/mpeg',
    '\xff\xf1\x50\x80': 'audio audio/aac',
    '\xff\xd8\xff\xe0': 'photo image/jpeg',
  }
  for (const [head, expected] of Object.entries(cases)) {
    const type = sniffMedia(bytesOf(head))
    assert.equal(`${type?.kind} ${type?.mime}`, expected, JSON.stringify(head))
  }
  for (const head of ['%PDF-1.7', 'PK\x03\x04', 'plain text', '\xff\xff\xff\xff'])
    assert.equal(sniffMedia(bytesOf(head)), undefined, head)
})

test('photos that move are told from those that do not', async () => {
  const frame = (colour: string) =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: colour } })
      .png()
      .toBuffer()
  const frames = await Promise.all(['red', 'blue', 'green'].map(frame))
  for (const format of ['gif', 'webp'] as const) {
    const still = await sharp(frames[0]).toFormat(format).toBuffer()
    const moving = await sharp(frames, { join: { animated: true } })
      .toFormat(format)
      .toBuffer()
    assert.equal(sniffMedia(still)?.animated, false, format)
    assert.equal(sniffMedia(moving)?.animated, true, format)
  }
})

test('what is empty, no medium or too large for its kind is refused with its limit', () => {
  const problemOf = (bytes: Uint8Array) => {
    try {
      mediaTypeOf(bytes)
    } catch (error) {
      assert.ok(error instanceof InputError)
      return error.problems[0]!
    }
    return assert.fail('should be refused')
  }
  assert.match(problemOf(new Uint8Array(0)).problem, /empty/)
  assert.match(problemOf(bytesOf('%PDF-1.7')).problem, /application\/pdf, not an image, video or sound/)
  const audio = Buffer.alloc(51 * 1024 * 1024)
  audio.write('fLaC', 'latin1')
  assert.equal(problemOf(audio).limit, 50 * 1024 * 1024)
})

test('hashers get files of their kinds, with a path that is gone afterwards', async () => {
  let seen = ''
  const hasher: MediaHasher = {
    name: 'first@1',
    kinds: ['video'],
    async hash({ path, bytes }) {
      seen = await path()
      assert.deepEqual(readFileSync(seen), Buffer.from(bytes))
      return { signals: { first: bytes[4]!.toString(16) }, durationMs: 40 }
    },
  }
  const absent: MediaHasher = {
    name: 'second@1',
    kinds: ['video'],
    hash: async () => ({ signals: {}, problem: 'the program is missing' }),
  }
  const video = bytesOf('\0\0\0\x18ftypisom')
  const { sha256 } = await digestsOf(video)
  const made = await runHashers([hasher, absent], { ...mediaTypeOf(video), sha256 }, video)
  assert.deepEqual(made, {
    signals: { first: '66' },
    durationMs: 40,
    by: ['first@1'],
    problems: ['second@1: the program is missing'],
  })
  assert.equal(existsSync(seen), false)
  assert.deepEqual((await runHashers([hasher], { kind: 'audio', mime: 'x', animated: false, sha256 }, video)).by, [])
  const moving = await runHashers([hasher], { kind: 'photo', mime: 'image/gif', animated: true, sha256 }, video)
  assert.deepEqual(moving.by, ['first@1'])
})

test('digests are those of everybody else', async () => {
  assert.deepEqual(await digestsOf(Buffer.from('abc')), {
    sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
    md5: '900150983cd24fb0d6963f7d28e17f72',
  })
})
