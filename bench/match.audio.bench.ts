/**
 * Claims match.audio: seconds of sound fingerprinted in a second, decoding included, and how much of real music is found
 * again after MP3 at 64 kbit/s, as a clip of 10 s, and at a tempo 3 % off. The music comes with Debian's game packages;
 * nothing was tuned on it.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFingerprinter, fingerprintRate } from '../src/kernels/chromaprint.ts'
import { createFingerprintIndex } from '../src/kernels/fingerprint-index.ts'
import { chromaprintType } from '../src/match/signal-types/chromaprint.ts'
import { hashAudio } from '../src/media/audio.ts'
import { claim, say } from './load.ts'

const packages = ['asc-music', 'drascula-music', 'fb-music-high', 'wesnoth-1.16-music']
const tracksMax = 60
const bytesMin = 300_000

const folder = process.env.CUSTOS_BENCH_MUSIC ?? join(tmpdir(), 'custos-bench-music')
mkdirSync(folder, { recursive: true })
try {
  for (const name of packages) {
    const unpacked = join(folder, `x-${name}`)
    if (existsSync(unpacked)) continue
    say(`downloading ${name} into ${folder}`)
    execFileSync('apt-get', ['download', '-q', name], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    execFileSync('dpkg-deb', ['-x', globSync(join(folder, `${name}_*.deb`))[0]!, unpacked])
  }
} catch (error) {
  say(`match.audio was not measured: the music cannot be downloaded: ${(error as Error).message.split('\n')[0]}`)
  process.exit(0)
}
const all = globSync(join(folder, 'x-*', '**', '*.{ogg,mp3}'), { withFileTypes: true })
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((path) => Number(execFileSync('stat', ['-c', '%s', path]).toString()) > bytesMin)
  .toSorted()
const step = Math.max(1, Math.ceil(all.length / tracksMax))
const tracks = all.filter((_, at) => at % step === 0)
say(`${tracks.length} of ${all.length} tracks`)

// The answer first: the fingerprints are those of fpcalc, where it is installed.
if (spawnSync('fpcalc', ['-version']).error === undefined) {
  let [bits, values] = [0, 0]
  for (const path of tracks.slice(0, 8)) {
    const theirs = spawnSync('fpcalc', ['-raw', '-plain', '-length', '60', path]).stdout.toString().trim().split(',')
    const ours = (await hashAudio(path))!.values
    for (const [at, value] of theirs.entries())
      for (let rest = (Number(value) ^ ours[at]!) >>> 0; rest !== 0; rest >>>= 1) bits += rest & 1
    values += theirs.length
  }
  say(`against fpcalc: ${bits} of ${values * 32} bits differ`)
  assert.ok(bits / (values * 32) < 0.001)
} else say('fpcalc is missing (Debian: libchromaprint-tools): not compared with it')

const index = createFingerprintIndex()
let seconds = 0
const known: Uint32Array[] = []
// Two at a time, as the product does it.
const startedMs = performance.now()
let next = 0
const listen = async () => {
  while (next < tracks.length) {
    const id = next++
    const heard = (await hashAudio(tracks[id]!))!
    seconds += heard.durationMs / 1_000
    known[id] = heard.values
    index.add(id, heard.values)
  }
}
await Promise.all([listen(), listen()])
const wallSeconds = (performance.now() - startedMs) / 1_000

// What fingerprinting alone costs, of sound that is decoded already.
const samples = Int16Array.from({ length: fingerprintRate * 120 }, (_, at) =>
  Math.round(8_000 * Math.sin(at * 0.05 * (1 + (Math.floor(at / 5_000) % 9))) + 3_000 * Math.sin(at * 0.31)),
)
let kernelSeconds = Infinity
for (let round = 0; round < 3; round++) {
  const before = process.cpuUsage()
  createFingerprinter().add(samples)
  const { user, system } = process.cpuUsage(before)
  kernelSeconds = Math.min(kernelSeconds, (user + system) / 1e6)
}
say(`fingerprinting alone: ${(120 / kernelSeconds).toFixed(0)} x real time on one core`)
const fpcalcMs = performance.now()
if (spawnSync('fpcalc', ['-version']).error === undefined) {
  for (const path of tracks.slice(0, 10)) spawnSync('fpcalc', ['-plain', '-length', '0', path])
  const heard = known.slice(0, 10).reduce((sum, values) => sum + values.length * 0.1238 + 2.6, 0)
  say(`fpcalc on the first ten: ${(heard / ((performance.now() - fpcalcMs) / 1_000)).toFixed(0)} x real time`)
}
claim('match.audio.realtime', seconds / wallSeconds, 'x')

const decode = ['-vn', '-ac', '1', '-ar', String(fingerprintRate), '-f', 's16le', '-']
const ffmpeg = (args: string[], input?: Buffer) =>
  spawnSync('ffmpeg', ['-v', 'error', ...args], { maxBuffer: 2 ** 30, ...(input === undefined ? {} : { input }) })
    .stdout
const heardOf = (raw: Buffer) => {
  const fingerprinter = createFingerprinter()
  fingerprinter.add(new Int16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + (raw.length & ~1))))
  return fingerprinter.fingerprint()
}
const edits: { name: string; raw: (path: string, seconds: number) => Buffer }[] = [
  {
    name: 'MP3 at 64 kbit/s',
    raw: (path) =>
      ffmpeg(['-f', 'mp3', '-i', '-', ...decode], ffmpeg(['-i', path, '-vn', '-b:a', '64k', '-f', 'mp3', '-'])),
  },
  {
    name: 'a clip of 10 s',
    raw: (path, length) => ffmpeg(['-ss', (length * 0.37).toFixed(2), '-t', '10', '-i', path, ...decode]),
  },
  { name: '3 % faster', raw: (path) => ffmpeg(['-i', path, '-af', 'atempo=1.03', ...decode]) },
  { name: '3 % slower', raw: (path) => ffmpeg(['-i', path, '-af', 'atempo=0.97', ...decode]) },
]
let worst = 1
for (const { name, raw } of edits) {
  let [found, wrong, ms] = [0, 0, 0]
  for (const [id, path] of tracks.entries()) {
    const query = heardOf(raw(path, known[id]!.length * 0.1238))
    const began = performance.now()
    const hits = index.search(query, chromaprintType.threshold)
    ms += performance.now() - began
    if (hits.some((hit) => hit.id === id)) found++
    wrong += hits.filter((hit) => hit.id !== id).length
  }
  const recall = found / tracks.length
  worst = Math.min(worst, recall)
  say(`${name}: recall ${recall.toFixed(3)}, ${wrong} wrong, ${(ms / tracks.length).toFixed(1)} ms a search`)
}
claim('match.audio.recall', worst, 'recall')
