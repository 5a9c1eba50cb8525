// match.video.realtime: seconds of video hashed in a second of time, vPDQ at one hash a second, one video at a time, over
// the sample videos of the reference and a longer one of 720p made here. Beside it the way of the reference in the same
// run: every frame decoded, H.264 on one thread.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findVideoTools } from '../src/media/ffmpeg.ts'
import { createStandby } from '../src/media/standby.ts'
import { hashVideo, type VideoOptions } from '../src/media/video.ts'
import { claim, say } from './load.ts'

const rounds = 3
const samples = fileURLToPath(new URL('../../shared/data/match/videos/', import.meta.url))
const tools = await findVideoTools()
if (!tools.ok) throw new Error(tools.detail)

const folder = mkdtempSync(join(tmpdir(), 'custos-bench-video-'))
try {
  const long = join(folder, 'long-720p.mp4')
  const made = spawnSync(
    'ffmpeg',
    `-v error -f lavfi -i testsrc2=size=1280x720:rate=30:duration=30 -c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 ${long}`.split(
      ' ',
    ),
  )
  assert.equal(made.status, 0, made.stderr.toString())
  const known = existsSync(samples) ? readdirSync(samples).map((name) => join(samples, name)) : []
  if (known.length === 0) say(`${samples} is absent; only the video made here is hashed`)
  const paths = [...known, long]

  // As the product does it: the decoder of the next video is started while this one is decoded.
  const standby = createStandby(60_000)
  const hash = async (path: string, options: Partial<VideoOptions>) => {
    const startedMs = performance.now()
    const hashed = await hashVideo(path, options, standby.run)
    assert.ok(hashed.ok)
    return { ...hashed.video, wallMs: performance.now() - startedMs }
  }
  // The answer first: leaving frames out must change no bit.
  let videoMs = 0
  let referenceMs = 0
  for (const path of paths) {
    const [thin, whole] = [await hash(path, {}), await hash(path, { thin: false, threads: 1 })]
    assert.deepEqual(thin.frames, whole.frames, path)
    assert.ok(thin.thinned, path)
    videoMs += thin.durationMs
    referenceMs += whole.wallMs
  }
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const all: string[] = []
    let wallMs = 0
    for (const path of paths) {
      const one = await hash(path, {})
      wallMs += one.wallMs
      all.push(`${basename(path, '.mp4')} ${(one.durationMs / one.wallMs).toFixed(0)}`)
    }
    best = Math.min(best, wallMs)
    say(`round ${round + 1}: ${(videoMs / wallMs).toFixed(1)} x (${all.join(', ')})`)
  }
  claim('match.video.realtime', videoMs / best, 'x')
  const startedMs = performance.now()
  let next = 0
  const work = async () => {
    const own = createStandby(60_000)
    while (next < paths.length) await hashVideo(paths[next++]!, { threads: 1 }, own.run)
    own.end()
  }
  await Promise.all([work(), work()])
  say(`two videos at a time, a thread each: ${(videoMs / (performance.now() - startedMs)).toFixed(1)} x`)
  standby.end()
  say(
    `every frame decoded on one thread: ${(videoMs / referenceMs).toFixed(1)} x; ratio ${(referenceMs / best).toFixed(2)}; the reference itself was measured at 41 x`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
