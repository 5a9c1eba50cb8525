import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findVideoTools } from '../../src/media/ffmpeg.ts'
import { hashVideo } from '../../src/media/video.ts'
import { deviationOf, skip as absent, videoPath } from './vpdq-samples.ts'

const tools = await findVideoTools()
const skip = absent || (tools.ok ? false : tools.detail)

for (const name of ['pattern-sd-grey-bar', 'test-padded-dimensions'])
  test(`every frame has the hash, quality and time of the reference (${name})`, { skip }, async (t) => {
    const hashed = await hashVideo(videoPath(name), { secondsPerHash: 0 })
    assert.ok(hashed.ok)
    const off = deviationOf(name, hashed.video.frames, 1)
    t.diagnostic(JSON.stringify(off))
    assert.equal(off.frames[0], off.frames[1])
    assert.ok(off.bits <= 6 && off.quality <= 1 && off.timeMs <= 1, JSON.stringify(off))
  })

test('one hash a second is of the frames that the reference takes', { skip }, async () => {
  const name = 'chair-20-sd-bar'
  const hashed = await hashVideo(videoPath(name))
  assert.ok(hashed.ok)
  const off = deviationOf(name, hashed.video.frames, 30)
  assert.equal(off.frames[0], off.frames[1])
  assert.ok(off.bits <= 6 && off.quality <= 1 && off.timeMs <= 1, JSON.stringify(off))
})

test('leaving out what no hash needs changes no bit', { skip }, async () => {
  const path = videoPath('pattern-sd-with-small-logo-bar')
  const [thin, whole] = [await hashVideo(path), await hashVideo(path, { thin: false })]
  assert.ok(thin.ok && whole.ok)
  assert.deepEqual(thin.video.frames, whole.video.frames)
  assert.deepEqual([thin.video.thinned, whole.video.thinned], [true, false])
  assert.equal(thin.video.fps, whole.video.fps)
  assert.equal(thin.video.damage, undefined)
})
