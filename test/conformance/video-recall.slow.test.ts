import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { vpdqToText } from '../../src/kernels/vpdq-text.ts'
import { vpdqType } from '../../src/match/signal-types/vpdq.ts'
import { findVideoTools } from '../../src/media/ffmpeg.ts'
import { hashVideo } from '../../src/media/video.ts'
import { skip as absent, videoPath } from './vpdq-samples.ts'

// The table in docs/guides/match-video.md.
const tools = await findVideoTools()
const skip = absent || (tools.ok ? false : tools.detail)
const queries = [
  'chair-20-sd-bar',
  'chair-orig-22-sd-bar',
  'pattern-hd-no-bar',
  'pattern-sd-grey-bar',
  'pattern-longer-no-bar',
]
const edits: { name: string; args: string; recallMin: number }[] = [
  { name: 'encoded anew at a quarter of the bitrate', args: '-crf 33', recallMin: 0.8 },
  { name: 'half the size', args: '-vf scale=iw/2:-2', recallMin: 0.8 },
  { name: '15 frames a second', args: '-r 15', recallMin: 0.8 },
  { name: 'the 3 seconds from 2', args: '-ss 2 -t 3', recallMin: 0.8 },
  { name: 'letterboxed by a tenth', args: '-vf pad=iw:ih*1.1:0:(oh-ih)/2', recallMin: 0 },
  { name: 'mirrored', args: '-vf hflip', recallMin: 0 },
  { name: 'WebM (VP8)', args: '-c:v libvpx -b:v 600k -deadline realtime -cpu-used 8 -f webm', recallMin: 0.8 },
]
const folder = mkdtempSync(join(tmpdir(), 'custos-test-recall-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('edited videos are found again by the hashes of the reference, unrelated ones are not', { skip }, async (t) => {
  const index = vpdqType.createIndex()
  const hashes = join(dirname(dirname(videoPath('-'))), 'vpdq/sample-hashes')
  const entries = readdirSync(dirname(videoPath('-'))).map((file) => file.replace('.mp4', ''))
  for (const [slot, name] of entries.entries()) {
    const lines = readFileSync(join(hashes, `${name}.txt`), 'utf8')
      .trim()
      .split('\n')
    index.add(slot, vpdqType.parse(name, lines.filter((_, at) => at % 30 === 0).join('\n')), null)
  }
  // Two clips with and without a logo are one video to vPDQ, as they should be.
  const family = (name: string) => name.split('-')[0]!
  for (const { name, args, recallMin } of edits) {
    let found = 0
    for (const query of queries) {
      const path = join(folder, 'edited.mp4')
      const ran = spawnSync('ffmpeg', [
        '-v',
        'error',
        '-y',
        '-i',
        videoPath(query),
        '-an',
        '-preset',
        'veryfast',
        ...args.split(' '),
        path,
      ])
      assert.equal(ran.status, 0, ran.stderr.toString())
      const hashed = await hashVideo(path)
      assert.ok(hashed.ok)
      const hits = index.search(vpdqType.contentOf(vpdqToText(hashed.video.frames)), {
        radiusMax: 20,
        thresholdOf: () => 20,
      })
      if (hits.some(({ slot }) => entries[slot] === query)) found++
      for (const { slot } of hits) assert.equal(family(entries[slot]!), family(query), `${query}, ${name}`)
    }
    t.diagnostic(`${name}: ${found} of ${queries.length}`)
    assert.ok(found >= recallMin * queries.length, `${name}: ${found} of ${queries.length}`)
  }
  for (const source of ['testsrc2=size=320x180:rate=25:duration=5', 'mandelbrot=size=320x180:rate=10']) {
    const path = join(folder, 'unrelated.mp4')
    spawnSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, '-t', '5', path])
    const hashed = await hashVideo(path)
    assert.ok(hashed.ok && hashed.video.frames.qualities.length >= 5)
    const content = vpdqType.contentOf(vpdqToText(hashed.video.frames))
    assert.deepEqual(index.search(content, { radiusMax: 20, thresholdOf: () => 20 }), [], source)
  }
})
