import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { findVideoTools } from '../../src/media/ffmpeg.ts'
import { hashVideo } from '../../src/media/video.ts'
import { deviationOf, skip as absent, videoPath, type Deviation } from './vpdq-samples.ts'

const tools = await findVideoTools()
const skip = absent || (tools.ok ? false : tools.detail)

test('13 of the 14 sample videos are within 6 bits at every frame, and one a second is exact', { skip }, async (t) => {
  const names = readdirSync(dirname(videoPath('-'))).map((file) => file.replace('.mp4', ''))
  assert.equal(names.length, 14)
  const all: [string, Deviation][] = []
  for (const name of names) {
    const every = await hashVideo(videoPath(name), { secondsPerHash: 0 })
    const thin = await hashVideo(videoPath(name))
    assert.ok(every.ok && thin.ok)
    const off = deviationOf(name, every.video.frames, 1)
    t.diagnostic(`${name}: ${JSON.stringify(off)}`)
    assert.equal(off.frames[0], off.frames[1], name)
    assert.ok(off.quality <= 1 && off.timeMs <= 1, `${name}: ${JSON.stringify(off)}`)
    all.push([name, off])
    const { words, qualities } = every.video.frames
    const picked = Array.from({ length: Math.ceil(qualities.length / 30) }, (_, at) => at * 30)
    assert.deepEqual(
      [...thin.video.frames.words],
      picked.flatMap((frame) => [...words.subarray(frame * 8, frame * 8 + 8)]),
      `${name}: one a second`,
    )
  }
  const far = all.filter(([, off]) => off.bits > 6).map(([name]) => name)
  // Most frames of this one are of low quality.
  assert.deepEqual(far, ['doorknob-hd-no-bar'])
})
