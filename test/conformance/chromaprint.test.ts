import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { encodeFingerprint } from '../../src/kernels/chromaprint.ts'
import { createAudioHasher, hashAudio } from '../../src/media/audio.ts'
import { runHashers } from '../../src/media/hashers.ts'
import { chromaprintType } from '../../src/match/signal-types/chromaprint.ts'

const has = (program: string) => spawnSync(program, ['-version']).error === undefined
const noFfmpeg = has('ffmpeg') ? false : 'ffmpeg is missing'
const noFpcalc = noFfmpeg || (has('fpcalc') ? false : 'fpcalc is missing (Debian: libchromaprint-tools)')
const folder = await mkdtemp(join(tmpdir(), 'custos-audio-'))
after(() => rm(folder, { recursive: true, force: true }))

/** A tune of notes that change, with a second voice and some noise; every seed is another one. */
async function tune(name: string, seed: number, seconds = 24): Promise<string> {
  const path = join(folder, name)
  const note = (step: number) =>
    `${110 + (seed % 7) * 9}*pow(2\\,floor(mod(t*${step}*${1 + (seed % 5)}+${seed}\\,7))*${2 + (seed % 3)}/12)`
  const voices = `0.3*sin(2*PI*t*${note(1.3)})+0.2*sin(2*PI*t*2*${note(0.7)})+0.1*sin(2*PI*t*3*${note(2.1)})`
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-y',
    '-f',
    'lavfi',
    '-i',
    `aevalsrc='${voices}':s=44100:d=${seconds}`,
    '-f',
    'lavfi',
    '-i',
    `anoisesrc=d=${seconds}:a=0.02:seed=${seed}:r=44100`,
    '-filter_complex',
    'amix=inputs=2:weights=1 1',
    '-ac',
    '2',
    path,
  ])
  return path
}
function edited(path: string, name: string, args: string[]): string {
  const to = join(folder, name)
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', path, ...args, to])
  return to
}

test('fingerprints are those of fpcalc, but for bits at the edge of a quantum', { skip: noFpcalc }, async (t) => {
  let [values, bits] = [0, 0]
  for (const seed of [1, 2]) {
    const path = await tune(`fpcalc${seed}.flac`, seed)
    const run = spawnSync('fpcalc', ['-raw', '-plain', '-length', '20', path], { encoding: 'utf8' })
    const theirs = Uint32Array.from(run.stdout.trim().split(','), Number)
    const heard = await hashAudio(path)
    const ours = heard!.values.subarray(0, theirs.length)
    assert.ok(theirs.length > 120, run.stderr)
    assert.equal(ours.length, theirs.length)
    values += theirs.length
    for (const [at, value] of theirs.entries())
      for (let rest = (value ^ ours[at]!) >>> 0; rest !== 0; rest >>>= 1) bits += rest & 1
    const text = spawnSync('fpcalc', ['-plain', '-length', '20', path], { encoding: 'utf8' }).stdout.trim()
    assert.equal(encodeFingerprint(theirs), text)
    assert.equal(chromaprintType.parse('signal', text), text)
    assert.equal(chromaprintType.parse('signal', [...theirs].join(',')), text)
  }
  t.diagnostic(`${bits} of ${values * 32} bits differ`)
  assert.ok(bits / (values * 32) < 0.005, `${bits} of ${values * 32} bits differ`)
})

test('other encodings, clips and tempos are found, other tunes are not', { skip: noFfmpeg }, async () => {
  const index = chromaprintType.createIndex()
  const signalOf = async (path: string) => encodeFingerprint((await hashAudio(path))!.values)
  const paths = await Promise.all([1, 2, 3, 4].map((seed) => tune(`tune${seed}.flac`, seed)))
  for (const [slot, path] of paths.entries()) index.add(slot, await signalOf(path), null)
  const options = { radiusMax: 0.25, thresholdOf: () => 0.25 }
  const edits: [name: string, args: string[]][] = [
    ['low.mp3', ['-b:a', '64k']],
    ['clip.mp3', ['-ss', '7', '-t', '10', '-b:a', '128k']],
    ['fast.flac', ['-af', 'atempo=1.03']],
    ['slow.flac', ['-af', 'atempo=0.97']],
    ['quiet.ogg', ['-af', 'volume=0.2', '-ac', '1']],
  ]
  for (const [name, args] of edits) {
    const signal = await signalOf(edited(paths[1]!, name, args))
    const hits = index.search(
      { audios: [{ signals: {} }, { sha256: 'ab', signals: { chromaprint: signal } }] },
      options,
    )
    assert.deepEqual(
      hits.map(({ slot }) => slot),
      [1],
      name,
    )
    assert.deepEqual(hits[0]!.part, { kind: 'audio', index: 1, mediaSha256: 'ab' })
  }
  const other = await signalOf(await tune('other.flac', 12))
  assert.deepEqual(index.search({ videos: [{ signals: { chromaprint: other } }] }, options), [])
  index.remove(1)
  const gone = await signalOf(paths[1]!)
  assert.deepEqual(index.search({ audios: [{ signals: { chromaprint: gone } }] }, options), [])
})

test(
  'silence has no fingerprint, and broken or hostile sounds are refused by what is wrong',
  { skip: noFfmpeg },
  async () => {
    const hasher = createAudioHasher()
    const signals = async (path: string, kind: 'audio' | 'video' = 'audio') => {
      const type = { kind, mime: 'audio/x', animated: false, sha256: '0'.repeat(64) } as const
      return runHashers([hasher], type, await readFile(path))
    }
    const silence = join(folder, 'silence.wav')
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'anullsrc=r=11025:cl=mono', '-t', '20', silence])
    assert.deepEqual((await signals(silence)).signals, {})
    const short = edited(await tune('long.flac', 2), 'short.wav', ['-t', '1'])
    assert.deepEqual((await signals(short)).signals, {})

    const junk = join(folder, 'junk.mp3')
    await writeFile(junk, 'no sound at all '.repeat(100))
    await assert.rejects(signals(junk), /The sound cannot be decoded/)
    const playlist = join(folder, 'list.m3u8')
    await writeFile(playlist, `#EXTM3U\n#EXTINF:9,\nfile://${silence}\n#EXT-X-ENDLIST\n`)
    await assert.rejects(signals(playlist), /The sound cannot be decoded/)

    // A video without sound has none; one with sound has that of its sound.
    const mute = join(folder, 'mute.mp4')
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=d=2:s=64x64:r=5', mute])
    assert.deepEqual(await signals(mute, 'video'), { signals: {}, by: ['chromaprint@1'], problems: [] })
    for (const text of ['AQAAAA', 'nonsense!', '1,2,3', encodeFingerprint(new Uint32Array(60).fill(5))])
      assert.throws(() => chromaprintType.parse('signals.chromaprint', text), /^InputError: signals\.chromaprint /)
  },
)
