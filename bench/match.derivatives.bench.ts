/**
 * Claims match.derivatives: edited copies of photos that nothing was tuned on, found by readings (PDQ) or by local
 * features, and unrelated pictures that are taken for one another. Decoding, hashing and search are the product's own.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { indexedFeaturesMax } from '../src/kernels/local-index.ts'
import { descriptorWords, emptyFeatures } from '../src/kernels/local-features.ts'
import { packFeatures, unpackFeatures } from '../src/kernels/local-packed.ts'
import { createRandom } from '../src/kernels/random.ts'
import { photoLocalType } from '../src/match/signal-types/photo-local.ts'
import { photoType } from '../src/match/signal-types/photo.ts'
import type { PhotoContent, SignalType } from '../src/match/signal-types/signal-type.ts'
import { claim, say } from './load.ts'
import { photoCorpus } from './photo-corpus.ts'
import { edits, furtherEdits } from './photo-edits.ts'
import type { PhotoJob, PhotoMade } from './photo-worker.ts'

const corpus = photoCorpus()
if ('problem' in corpus) {
  say(`match.derivatives was not measured: ${corpus.problem}`)
  process.exit(0)
}
const beganMs = performance.now()
const secondsText = () => `${Math.round((performance.now() - beganMs) / 1_000)} s`

/** Makes the contents of many pictures on all cores, and takes each as it comes. */
async function makeAll(
  jobs: readonly Omit<PhotoJob, 'number'>[],
  take: (made: PhotoMade) => Promise<void> | void,
): Promise<void> {
  let next = 0
  let done = 0
  const hands = Array.from({ length: Math.min(jobs.length, availableParallelism()) }, async () => {
    const worker = new Worker(new URL('./photo-worker.ts', import.meta.url))
    while (next < jobs.length) {
      const number = next++
      worker.postMessage({ number, ...jobs[number]! } satisfies PhotoJob)
      const [made] = (await once(worker, 'message')) as [PhotoMade]
      await take(made)
      if (++done % 10 === 0 || done === jobs.length) say(`${done} of ${jobs.length} pictures, ${secondsText()}`)
    }
    await worker.terminate()
  })
  await Promise.all(hands)
}

const cost = { first: 0, second: 0, photos: 0 }
const types: readonly SignalType[] = [photoType, photoLocalType]
const indexes = types.map((type) => type.createIndex())
const entries: { name: string; signals: (string | undefined)[] }[] = []
function addEntry(slot: number, name: string, content: PhotoContent): void {
  const signals = types.map((type) => type.signalOf({ photos: [content] }))
  for (const [at, signal] of signals.entries())
    if (signal !== undefined) indexes[at]!.add(slot, signal, content.quality ?? null)
  entries[slot] = { name, signals }
}
const find = async (content: PhotoContent, type: number) =>
  indexes[type]!.search(
    { photos: [content] },
    { radiusMax: types[type]!.threshold, thresholdOf: () => types[type]!.threshold },
  )

/** `npm run bench -- match.derivatives 4`: every fourth photo alone, for a quick look. */
const step = Math.max(1, Number(process.argv[2] ?? 1))
if (step > 1) corpus.photos = corpus.photos.filter((_, at) => at % step === 0)
const painted = 150
say(`${corpus.photos.length} photos, ${corpus.drawings.length} drawings, ${painted} painted pictures`)
const nameOf = (from: string | number) =>
  typeof from === 'number' ? `painted ${from}` : from.split('/').slice(-2).join('/')
const photos = corpus.photos.length
const pictures: (string | number)[] = [...corpus.photos, ...corpus.drawings, ...Array.from({ length: painted }).keys()]
await makeAll(
  pictures.map((from) => ({ from, edited: false })),
  ({ number, contents }) => addEntry(number, nameOf(pictures[number]!), contents[0]!),
)
const flat = entries.slice(0, photos).filter(({ signals }) => signals[1] === undefined).length
say(`${flat} of the photos have too few features for the second stage`)

type Row = {
  name: string
  strength: string
  alone: number
  first: number
  second: number
  both: number
  missed: string[]
}
const rows: Row[] = [...edits, ...furtherEdits].map(({ name, strength }) => ({
  name,
  strength,
  alone: 0,
  first: 0,
  second: 0,
  both: 0,
  missed: [],
}))
let pairs = 0
let photoPairs = 0
const wrong = new Map<string, string[]>()
/** Features of copies, for the search among many. */
const copies: { slot: number; signal: string }[] = []
const copied = new Set(['10 % from every edge', '5 degrees, black corners', 'dark app, 8 % inset, 720 wide'])
await makeAll(
  corpus.photos.map((from) => ({ from, edited: true })),
  async ({ number: slot, contents, cost: own }) => {
    cost.first += own.first
    cost.second += own.second
    cost.photos += own.photos
    for (const [at, content] of contents.entries()) {
      const { readings: _readings, ...unread } = content
      const [first, second, alone] = await Promise.all([find(content, 0), find(content, 1), find(unread, 0)])
      const row = rows[at]!
      const found = (hits: { slot: number }[]) => hits.some((hit) => hit.slot === slot)
      if (found(alone)) row.alone++
      if (found(first)) row.first++
      if (found(second)) row.second++
      if (found(first) || found(second)) row.both++
      else row.missed.push(entries[slot]!.name)
      const signal = content.signals?.local
      if (slot % 4 === 0 && copied.has(row.strength) && signal !== undefined && entries[slot]!.signals[1] !== undefined)
        copies.push({ slot, signal })
      pairs += entries.length - 1
      photoPairs += photos - 1
      for (const [stage, hits] of [first, second].entries())
        for (const hit of hits)
          if (hit.slot !== slot) {
            const key = `${entries[slot]!.name} for ${entries[hit.slot]!.name}`
            const words = `${row.name} ${row.strength}, stage ${stage + 1}, ${hit.distance}`
            wrong.set(key, [...(wrong.get(key) ?? []), words])
          }
    }
  },
)

const share = (count: number) => (count / photos).toFixed(2)
say('\n| edit | strength | PDQ and its turns alone | with readings | local features | together |')
say('| --- | --- | --- | --- | --- | --- |')
for (const row of rows)
  say(
    `| ${row.name} | ${row.strength} | ${share(row.alone)} | ${share(row.first)} | ${share(row.second)} | **${share(row.both)}** |`,
  )
for (const row of rows)
  if (row.missed.length > 0) say(`missed after ${row.name} ${row.strength}: ${row.missed.toSorted().join(', ')}`)
const wrongPairs = [...wrong.values()].reduce((sum, list) => sum + list.length, 0)
for (const [key, list] of wrong) say(`wrong: ${key}: ${list.join('; ')}`)
/** Upper end of the exact 95 % interval of a rate (Clopper and Pearson, 1934), for few events. */
const upper = (events: number, trials: number) => [3.69, 5.57, 7.22, 8.77, 10.24, 11.67][Math.min(5, events)]! / trials
say(
  `\n${wrongPairs} false positives among ${pairs} pairs of an edited copy and an unrelated entry (${photoPairs} of two photos; ${wrong.size} pairs of different pictures); 95 % interval up to ${upper(wrongPairs, pairs).toExponential(1)}`,
)
say(
  `hashing, CPU on one core: ${(cost.first / cost.photos).toFixed(1)} ms a photo for margins and readings, ${(cost.second / cost.photos).toFixed(1)} ms for local features`,
)

claim('match.derivatives.worst', Math.min(...rows.slice(0, edits.length).map(({ both }) => both)) / photos, 'recall')
const easy = ['mirror', 'letterbox', 'border', 'invert']
claim(
  'match.derivatives.easy',
  Math.min(...rows.filter(({ name }) => easy.includes(name)).map(({ both }) => both)) / photos,
  'recall',
)
claim('match.derivatives.fp', wrongPairs / pairs, 'share')

say(`measured in ${secondsText()}`)

// Large banks: entries of features mixed from all pictures, an eighth of their bits changed, beside the real ones.
const random = createRandom(7)
const pool = entries.flatMap(({ signals }) =>
  signals[1] === undefined ? [] : [unpackFeatures(Buffer.from(signals[1], 'base64'))!],
)
function mixed(): string {
  const features = emptyFeatures(indexedFeaturesMax, 384, 288)
  for (let at = 0; at < indexedFeaturesMax; at++) {
    const from = random.pick(pool)
    const feature = random.int(from.count)
    features.x[at] = random.between(0, 384)
    features.y[at] = random.between(0, 288)
    features.size[at] = from.size[feature]!
    features.angle[at] = random.between(0, 2 * Math.PI)
    for (let word = 0; word < descriptorWords; word++) {
      const noise = random.uint32() & random.uint32() & random.uint32()
      features.descriptors[at * descriptorWords + word] = from.descriptors[feature * descriptorWords + word]! ^ noise
    }
  }
  return Buffer.from(packFeatures(features, indexedFeaturesMax)).toString('base64')
}
const large = photoLocalType.createIndex()
let size = 0
for (const [slot, { signals }] of entries.entries())
  if (signals[1] !== undefined) {
    large.add(slot, signals[1], null)
    size++
  }
const { threshold } = photoLocalType
const lookUp = (signal: string) =>
  large.search({ photos: [{ signals: { local: signal } }] }, { radiusMax: threshold, thresholdOf: () => threshold })
for (const sizeMax of [1_000, 10_000, 100_000]) {
  for (; size < sizeMax; size++) {
    large.add(1_000 + size, mixed(), null)
    // The thread takes in what it is sent before more waits for it.
    if (size % 1_000 === 0) await lookUp(copies[0]!.signal)
  }
  await lookUp(copies[0]!.signal)
  let found = 0
  let wrongHits = 0
  const times: number[] = []
  const stalls = monitorEventLoopDelay({ resolution: 1 })
  stalls.enable()
  for (const { slot, signal } of copies) {
    const from = performance.now()
    const hits = await lookUp(signal)
    times.push(performance.now() - from)
    if (hits.some((hit) => hit.slot === slot)) found++
    wrongHits += hits.filter((hit) => hit.slot !== slot).length
  }
  stalls.disable()
  times.sort((a, b) => a - b)
  say(
    `local features among ${sizeMax} entries: ${times[times.length >> 1]!.toFixed(1)} ms a lookup (median; worst ${times.at(-1)!.toFixed(1)}), longest stall of the main thread ${(stalls.max / 1e6).toFixed(1)} ms, ${found} of ${copies.length} copies found, ${wrongHits} wrong, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB of process`,
  )
}
