import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { InputError } from '../domain/error.ts'
import { vpdqFromText } from '../kernels/vpdq-text.ts'
import { vpdqCompare, vpdqDistance } from '../kernels/vpdq.ts'
import { findVideoTools } from './ffmpeg.ts'
import { runHashers, withSource } from './hashers.ts'
import { createVideoHasher } from './video-hasher.ts'
import { hashVideo, hashVideoTmk, posterOf } from './video.ts'

const tools = await findVideoTools()
const skip = tools.ok ? false : tools.detail
let folder: string
const at = (name: string) => join(folder, name)

/** Makes a file with ffmpeg. */
function make(name: string, args: string): string {
  const ran = spawnSync('ffmpeg', ['-v', 'error', '-y', ...args.split(' '), at(name)])
  assert.equal(ran.status, 0, ran.stderr.toString())
  return at(name)
}
const scene = '-f lavfi -i testsrc2=size=320x180:rate=25:duration=6'
const x264 = '-c:v libx264 -preset veryfast -pix_fmt yuv420p'

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custos-test-video-'))
  if (skip === false) make('scene.mp4', `${scene} -bf 3 -g 40 ${x264}`)
})
after(() => rm(folder, { recursive: true, force: true }))

test('bytes and paths, whole and thinned, give the same hashes, one a second', { skip }, async () => {
  const path = at('scene.mp4')
  const bytes = await readFile(path)
  const all = [
    await hashVideo(path),
    await hashVideo(bytes),
    await hashVideo(path, { thin: false }),
    await hashVideo(bytes, { thin: false, threads: 1 }),
  ]
  for (const [place, one] of all.entries()) {
    assert.ok(one.ok && all[0]!.ok)
    assert.deepEqual(one.video, { ...all[0]!.video, thinned: place < 2 })
  }
  assert.ok(all[0]!.ok)
  const { frames, ...rest } = all[0]!.video
  assert.deepEqual(rest, { durationMs: 6_000, fps: 25, width: 320, height: 180, thinned: true })
  assert.deepEqual([...frames.timesMs], [0, 1_000, 2_000, 3_000, 4_000, 5_000])
})

test('edits that cut the start away, and frames in odd order, are left to the demuxer', { skip }, async () => {
  const cut = make('cut.mp4', `-ss 1.48 -i ${at('scene.mp4')} -c copy`)
  const [thin, whole] = [await hashVideo(cut), await hashVideo(cut, { thin: false })]
  assert.ok(thin.ok && whole.ok)
  assert.deepEqual(thin.video, whole.video, 'not thinned')
  for (const name of ['scene.mkv', 'scene.ts', 'fragments.mp4'])
    make(name, `-i ${at('scene.mp4')} -c copy${name === 'fragments.mp4' ? ' -movflags frag_keyframe+empty_moov' : ''}`)
  const whole4 = await hashVideo(at('scene.mp4'))
  assert.ok(whole4.ok)
  for (const name of ['scene.mkv', 'scene.ts', 'fragments.mp4']) {
    const other = await hashVideo(at(name))
    assert.ok(other.ok, name)
    assert.deepEqual([...other.video.frames.words], [...whole4.video.frames.words], name)
  }
})

test(
  'an entry holds more frames than a question, so that a copy cut between two seconds is found',
  { skip },
  async () => {
    const path = make('long.mp4', `-f lavfi -i mandelbrot=size=320x180:rate=25 -t 9 ${x264}`)
    const cut = await hashVideo(make('between.mp4', `-ss 2.4 -i ${path} -t 5 ${x264}`))
    assert.ok(cut.ok)
    const type = { kind: 'video', mime: 'video/mp4', animated: false, sha256: '0'.repeat(64) } as const
    const bytes = await readFile(path)
    const held = await withSource(type, bytes, (source) => createVideoHasher().entry!(source))
    const entry = vpdqFromText(held.vpdq!)
    assert.equal(entry.qualities.length, 45)
    assert.ok(vpdqDistance(vpdqCompare(cut.video.frames, entry)) <= 20)
  },
)

test('a video with bars around it has the hashes of the picture inside, others have not', { skip }, async () => {
  const clean = make('clean.mp4', `-f lavfi -i testsrc2=size=480x270:rate=10 -t 4 ${x264}`)
  const plain = await hashVideo(clean)
  assert.ok(plain.ok)
  assert.equal(plain.video.inner, undefined)
  for (const [name, filter] of [
    ['letterbox.mp4', 'pad=iw:ih*1.4:0:(oh-ih)/2'],
    ['pillars.mp4', 'pad=iw*1.5:ih:(ow-iw)/2:0:white'],
    ['frame.mkv', 'pad=iw*1.2:ih*1.2:(ow-iw)/2:(oh-ih)/2:gray'],
  ] as const) {
    const hashed = await hashVideo(make(name, `-i ${clean} -vf ${filter} ${x264}`))
    assert.ok(hashed.ok)
    const { frames, inner } = hashed.video
    assert.deepEqual([...inner!.timesMs], [...frames.timesMs], name)
    assert.equal(vpdqDistance(vpdqCompare(inner!, plain.video.frames)), 0, name)
    assert.ok(vpdqDistance(vpdqCompare(frames, plain.video.frames)) > 50, `${name} as it is`)
    const type = { kind: 'video', mime: 'video/mp4', animated: false, sha256: '0'.repeat(64) } as const
    const made = await runHashers([createVideoHasher()], type, await readFile(at(name)))
    const both = vpdqFromText(made.signals.vpdq!)
    assert.equal(both.qualities.length, 2 * frames.qualities.length)
    assert.equal(vpdqDistance(vpdqCompare(both, plain.video.frames)), 0, name)
  }
  // Bars that come and go are part of the picture.
  const half = "drawbox=y=0:w=iw:h=60:t=fill:color=black:enable='lt(t,2)'"
  const now = await hashVideo(make('sometimes.mp4', `-i ${clean} -vf ${half} ${x264}`))
  assert.ok(now.ok)
  assert.equal(now.video.inner, undefined)
})

test('animated GIFs are videos too, and a photo that cannot be one stays a photo', { skip }, async () => {
  const slow = '-f lavfi -i mandelbrot=size=320x180:rate=10 -t 6'
  make('scene.gif', slow)
  const gif = await readFile(at('scene.gif'))
  const hasher = createVideoHasher()
  const type = { kind: 'photo', mime: 'image/gif', animated: true, sha256: '0'.repeat(64) } as const
  const made = await runHashers([hasher], type, gif)
  const frames = vpdqFromText(made.signals.vpdq!)
  assert.ok(frames.qualities.length >= 6 && frames.qualities.length <= 7)
  const video = await hashVideo(make('slow.mp4', `${slow} ${x264}`))
  assert.ok(video.ok)
  assert.ok(vpdqDistance(vpdqCompare(frames, video.video.frames)) <= 20)
  assert.equal(made.durationMs! > 5_000 && made.durationMs! < 7_000, true)
  const broken = await runHashers([hasher], type, gif.subarray(0, 60))
  assert.deepEqual(broken.signals, {})
  assert.match(broken.problems[0]!, /vpdq@2: The video/)
  await assert.rejects(
    runHashers([hasher], { ...type, kind: 'video', mime: 'video/mp4' }, gif.subarray(0, 60)),
    InputError,
  )
})

test(
  'a GIF of 10,000 frames is sampled, and one hash for each of them is refused above the limit',
  { skip },
  async () => {
    const gif = make('many.gif', '-f lavfi -i testsrc=size=16x16:rate=50:duration=200')
    const hashed = await hashVideo(gif)
    assert.ok(hashed.ok)
    assert.equal(hashed.video.frames.qualities.length, 200)
    await assert.rejects(hashVideo(gif, { secondsPerHash: 0, framesMax: 1_000 }), /more than 1000 frames/)
  },
)

test('a poster is a picture, and a video of one pixel has no hashes', { skip }, async () => {
  const poster = await posterOf(at('scene.mp4'))
  assert.deepEqual((await sharp(poster).metadata()).width, 320)
  make('dot.mkv', '-f lavfi -i testsrc=size=32x32:rate=5:duration=1 -vf scale=1:1 -c:v png')
  const dot = await hashVideo(at('dot.mkv'))
  assert.ok(dot.ok)
  assert.deepEqual([dot.video.width, dot.video.frames.qualities.length], [1, 0])
})

/** Hostile and broken files: what is made, and what the refusal says. */
const refused: [string, () => Promise<string>, RegExp][] = [
  ['no bytes', async () => (await writeFile(at('empty'), ''), at('empty')), /empty|truncated|damaged/],
  ['noise', async () => (await writeFile(at('noise'), Buffer.alloc(9_000, 'x7')), at('noise')), /damaged|no video/],
  ['sound only', async () => make('sound.mp4', '-f lavfi -i sine=duration=1 -c:a aac'), /no video in it/],
  [
    'sound with a cover',
    async () => {
      await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
        .jpeg()
        .toFile(at('cover.jpg'))
      const map = '-map 0 -map 1 -c:a aac -c:v copy -disposition:v:0 attached_pic'
      return make('cover.m4a', `-i ${make('tone.wav', '-f lavfi -i sine=duration=1')} -i ${at('cover.jpg')} ${map}`)
    },
    /no video in it/,
  ],
  [
    'a file cut before its index',
    async () => {
      const bytes = await readFile(at('scene.mp4'))
      await writeFile(at('cut-off.mp4'), bytes.subarray(0, bytes.length >> 1))
      return at('cut-off.mp4')
    },
    /truncated|damaged/,
  ],
  [
    'a head that announces a huge frame',
    async () => {
      const bytes = await readFile(make('huge.avi', `${scene} -c:v rawvideo -pix_fmt bgr24`))
      // Width and height in the stream format.
      const format = bytes.indexOf('strf')
      bytes.writeUInt32LE(60_000, format + 12)
      bytes.writeUInt32LE(60_000, format + 16)
      await writeFile(at('huge.avi'), bytes)
      return at('huge.avi')
    },
    /pixels a frame|damaged|no frames/,
  ],
  [
    'a playlist of local files',
    async () => {
      await writeFile(
        at('list.m3u8'),
        `#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n${at('scene.ts')}\n#EXT-X-ENDLIST\n`,
      )
      return at('list.m3u8')
    },
    /playlist|no video/,
  ],
  [
    'a playlist of the network, called a video',
    async () => {
      await writeFile(at('list.mp4'), '#EXTM3U\n#EXTINF:6,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n')
      return at('list.mp4')
    },
    /playlist|truncated|no video/,
  ],
  [
    'a concat script',
    async () => {
      await writeFile(at('concat.txt'), `ffconcat version 1.0\nfile '${at('scene.mp4')}'\n`)
      return at('concat.txt')
    },
    /playlist|no video/,
  ],
  ['a still picture', async () => at('cover.jpg'), /playlist|no video/],
]
for (const [name, file, expected] of refused)
  test(`refused by name: ${name}`, { skip }, async () => {
    const path = await file()
    const isNamed = (error: unknown) => {
      assert.ok(error instanceof InputError, String(error))
      assert.match(error.message, expected)
      assert.equal(error.problems[0]!.field, 'media')
      assert.doesNotMatch(JSON.stringify(error.problems), new RegExp(folder), 'where the file lies is not told')
      return true
    }
    await assert.rejects(hashVideo(path), isNamed)
    await assert.rejects(hashVideo(await readFile(path)), isNamed)
    await assert.rejects(hashVideoTmk(path), isNamed)
  })

test('a video that ends early has the hashes of what is there, and says so', { skip }, async () => {
  const bytes = await readFile(make('fast.mp4', `-i ${at('scene.mp4')} -c copy -movflags faststart`))
  const hashed = await hashVideo(bytes.subarray(0, Math.round(bytes.length * 0.6)))
  assert.ok(hashed.ok)
  const { frames, damage } = hashed.video
  assert.ok(frames.qualities.length >= 2 && frames.qualities.length < 6, String(frames.qualities.length))
  assert.ok(damage !== undefined && damage !== '')
})

test('a video that claims to last ten hours is hashed for the frames that it has', { skip }, async () => {
  const bytes = await readFile(at('scene.mp4'))
  for (const box of ['mvhd', 'tkhd', 'mdhd']) {
    const place = bytes.indexOf(box)
    bytes.writeUInt32BE(0x7fffffff, place + (box === 'tkhd' ? 24 : 20))
  }
  const hashed = await hashVideo(bytes)
  assert.ok(hashed.ok)
  assert.equal(hashed.video.frames.qualities.length, 6)
})

test('time and frames are limited, and nothing is left behind', { skip }, async () => {
  const left = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('custos-video-')).length
  const had = await left()
  await assert.rejects(hashVideo(at('scene.mp4'), { timeoutMs: 1 }), /longer than 1 ms/)
  await assert.rejects(hashVideo(at('scene.mp4'), { framesMax: 3 }), /more than 3 frames/)
  await assert.rejects(hashVideo(at('scene.mp4'), { pixelsMax: 1_000 }), /more than 1000 pixels/)
  await assert.rejects(hashVideo(await readFile(at('scene.mp4')), { thin: false, timeoutMs: 1 }), /longer than 1 ms/)
  assert.equal(await left(), had)
})

test('without ffmpeg, video is off and says what to install', async () => {
  const off = await hashVideo(new Uint8Array(4), { ffmpeg: '/no/such/ffmpeg' })
  assert.ok(!off.ok && off.reason === 'no-ffmpeg')
  assert.match(off.detail, /install ffmpeg/)
  const type = { kind: 'video', mime: 'video/mp4', animated: false, sha256: '0'.repeat(64) } as const
  const made = await runHashers([createVideoHasher({ ffmpeg: '/no/such/ffmpeg' })], type, new Uint8Array(4))
  assert.deepEqual([made.signals, made.by], [{}, []])
  assert.match(made.problems[0]!, /Video is off/)
})
