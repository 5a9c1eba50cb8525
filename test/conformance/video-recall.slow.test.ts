import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { vpdqToText } from '../../src/kernels/vpdq-text.ts'
import { vpdqWithReadings } from '../../src/kernels/vpdq.ts'
import { vpdqType } from '../../src/match/signal-types/vpdq.ts'
import { findVideoTools } from '../../src/media/ffmpeg.ts'
import { hashVideo, type HashedVideo } from '../../src/media/video.ts'
import { skip as absent, videoPath } from './vpdq-samples.ts'

// The table in docs/guides/match-video.md.
const tools = await findVideoTools()
const skip = absent || (tools.ok ? false : tools.detail)
const queries = ['chair-20-sd-bar', 'pattern-sd-grey-bar', 'pattern-sd-with-large-logo-bar']
/** With entries of one hash a second, of one for every frame, and made of the video here: of 3. */
const edits: { name: string; args: string; sparse: number; dense: number; own: number }[] = [
  { name: 'encoded anew at a quarter of the bitrate', args: '-crf 33', sparse: 3, dense: 3, own: 3 },
  { name: 'half the size', args: '-vf scale=iw/2:-2', sparse: 3, dense: 3, own: 3 },
  {
    name: 'WebM (VP8)',
    args: '-c:v libvpx -b:v 600k -deadline realtime -cpu-used 8 -f webm',
    sparse: 3,
    dense: 3,
    own: 3,
  },
  { name: 'cut at whole seconds', args: '-ss 2 -t 3', sparse: 3, dense: 3, own: 3 },
  { name: 'cut in between', args: '-ss 2.4 -t 3', sparse: 0, dense: 3, own: 3 },
  { name: '15 frames a second', args: '-r 15', sparse: 0, dense: 3, own: 0 },
  { name: 'letterboxed by a tenth', args: '-vf pad=iw:ih*1.1:0:(oh-ih)/2', sparse: 0, dense: 0, own: 3 },
  { name: 'letterboxed by half', args: '-vf pad=iw:ih*1.5:0:(oh-ih)/2', sparse: 0, dense: 0, own: 3 },
  { name: 'bars at the sides, white', args: '-vf pad=iw*1.4:ih:(ow-iw)/2:0:white', sparse: 3, dense: 3, own: 3 },
  { name: 'mirrored', args: '-vf hflip', sparse: 3, dense: 3, own: 3 },
]
const textOf = ({ frames, inner }: HashedVideo) =>
  vpdqToText(inner === undefined ? frames : vpdqWithReadings(frames, inner))
const folder = mkdtempSync(join(tmpdir(), 'custos-test-recall-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('edited videos are found again by the hashes of the reference, unrelated ones are not', { skip }, async (t) => {
  const [sparse, dense, own] = [vpdqType.createIndex(), vpdqType.createIndex(), vpdqType.createIndex()]
  const hashes = join(dirname(dirname(videoPath('-'))), 'vpdq/sample-hashes')
  const entries = readdirSync(dirname(videoPath('-'))).map((file) => file.replace('.mp4', ''))
  for (const [slot, name] of entries.entries()) {
    const lines = readFileSync(join(hashes, `${name}.txt`), 'utf8')
      .trim()
      .split('\n')
    sparse.add(slot, vpdqType.parse(name, lines.filter((_, at) => at % 30 === 0).join('\n')), null)
    dense.add(slot, vpdqType.parse(name, lines.join('\n')), null)
  }
  for (const query of queries) {
    const hashed = await hashVideo(videoPath(query), { secondsPerHash: 0.2 })
    assert.ok(hashed.ok)
    own.add(entries.indexOf(query), textOf(hashed.video), null)
  }
  const find = (index: typeof sparse, video: HashedVideo) =>
    index
      .search(vpdqType.contentOf(textOf(video)), {
        radiusMax: 20,
        thresholdOf: () => 20,
      })
      .map(({ slot }) => entries[slot]!)
  // Two clips with and without a logo are one video to vPDQ, as they should be.
  const family = (name: string) => name.split('-')[0]!
  const missed: string[] = []
  for (const { name, args, ...least } of edits) {
    const found = { sparse: 0, dense: 0, own: 0 }
    for (const query of queries) {
      const path = join(folder, 'edited.mp4')
      const made = ['-preset', 'veryfast', '-t', '7', ...args.split(' '), path]
      const ran = spawnSync('ffmpeg', ['-v', 'error', '-y', '-i', videoPath(query), '-an', ...made])
      assert.equal(ran.status, 0, ran.stderr.toString())
      const hashed = await hashVideo(path)
      assert.ok(hashed.ok)
      for (const [kind, index] of Object.entries({ sparse, dense, own }) as [keyof typeof found, typeof own][]) {
        const hits = find(index, hashed.video)
        if (hits.includes(query)) found[kind]++
        for (const hit of hits) assert.equal(family(hit), family(query), `${query}, ${name}`)
      }
    }
    t.diagnostic(`${name}: ${found.sparse}, ${found.dense} and ${found.own} of ${queries.length}`)
    if (found.sparse < least.sparse || found.dense < least.dense || found.own < least.own)
      missed.push(`${name}: ${JSON.stringify(found)}`)
  }
  assert.deepEqual(missed, [])
  for (const source of ['testsrc2=size=320x180:rate=25:duration=5', 'mandelbrot=size=320x180:rate=10']) {
    const path = join(folder, 'unrelated.mp4')
    spawnSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, '-t', '5', path])
    const hashed = await hashVideo(path)
    assert.ok(hashed.ok && hashed.video.frames.qualities.length >= 5)
    assert.deepEqual(find(dense, hashed.video), [], source)
  }
})
