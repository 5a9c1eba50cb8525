/**
 * Claims match.derivatives: edited copies of photos that nothing was tuned on, found by readings (PDQ) or by local
 * features, and unrelated pictures that are taken for one another. Decoding, hashing and search are the product's own.
 */
import sharp from 'sharp'
import { createLocalIndex, indexedFeaturesMax } from '../src/kernels/local-index.ts'
import { descriptorWords, emptyFeatures, localFeatures, type LocalFeatures } from '../src/kernels/local-features.ts'
import { unpackFeatures } from '../src/kernels/local-packed.ts'
import { paintPicture, pictureStyles } from '../src/kernels/picture.ts'
import { createRandom } from '../src/kernels/random.ts'
import { dihedrals, pdqDihedral, pdqStages, pdqToHex, pdqWords } from '../src/kernels/pdq.ts'
import { shrinkLuma } from '../src/kernels/luma-shrink.ts'
import { photoLocalType } from '../src/match/signal-types/photo-local.ts'
import { photoType } from '../src/match/signal-types/photo.ts'
import type { PhotoContent, SignalType } from '../src/match/signal-types/signal-type.ts'
import { decodeImage } from '../src/media/decode.ts'
import { derivativesOf } from '../src/media/derivatives.ts'
import { claim, say } from './load.ts'
import { photoCorpus } from './photo-corpus.ts'
import { edits, type Source } from './photo-edits.ts'

const corpus = photoCorpus()
if ('problem' in corpus) {
  say(`match.derivatives was not measured: ${corpus.problem}`)
  process.exit(0)
}
sharp.concurrency(1)
const cpuMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

const cost = { first: 0, second: 0, photos: 0 }
async function contentOf(bytes: Uint8Array, timed = false): Promise<PhotoContent> {
  const image = await decodeImage(bytes)
  const stages = pdqStages(image.rgb, image.width, image.height)!
  const began = cpuMs()
  const made = derivativesOf(image, stages)
  if (timed) {
    const all = cpuMs() - began
    const again = cpuMs()
    localFeatures(shrinkLuma(image.rgb, image.width, image.height, 110_000), 240)
    const second = cpuMs() - again
    cost.second += second
    cost.first += Math.max(0, all - second)
    cost.photos++
  }
  const words = pdqDihedral(stages)
  const dihedral = dihedrals.map((_, turn) => pdqToHex(words, turn * pdqWords))
  return { pdq: dihedral[0]!, quality: stages.quality, dihedral, ...made }
}

/** As a photo lies on a platform: at most 1,024 pixels, JPEG. */
async function sourceOf(path: string): Promise<Source> {
  const { data, info } = await sharp(path)
    .flatten()
    .toColourspace('srgb')
    .removeAlpha()
    .resize(1_024, 1_024, { fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { rgb: data, width: info.width, height: info.height }
}
const fileOf = ({ rgb, width, height }: Source) =>
  sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer()

const types: readonly SignalType[] = [photoType, photoLocalType]
const indexes = types.map((type) => type.createIndex())
const entries: { name: string; signals: (string | undefined)[]; quality: number }[] = []
function addEntry(name: string, content: PhotoContent): number {
  const slot = entries.length
  const signals = types.map((type) => type.signalOf({ photos: [content] }))
  for (const [at, signal] of signals.entries())
    if (signal !== undefined) indexes[at]!.add(slot, signal, content.quality ?? null)
  entries.push({ name, signals, quality: content.quality ?? 0 })
  return slot
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
const sources: Source[] = []
const nameOf = (path: string) => path.split('/').slice(-2).join('/')
for (const path of corpus.photos) {
  const source = await sourceOf(path)
  sources.push(source)
  addEntry(nameOf(path), await contentOf(await fileOf(source)))
}
for (const path of corpus.drawings) addEntry(nameOf(path), await contentOf(await fileOf(await sourceOf(path))))
for (let seed = 0; seed < painted; seed++) {
  const { rgb, width, height } = paintPicture(seed, pictureStyles[seed % pictureStyles.length]!, 480, 360)
  addEntry(`painted ${seed}`, await contentOf(await fileOf({ rgb: Buffer.from(rgb), width, height })))
}
const flat = sources.filter((_, slot) => entries[slot]!.signals[1] === undefined).length
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
const rows: Row[] = edits.map(({ name, strength }) => ({
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
for (const [slot, source] of sources.entries()) {
  for (const [at, edit] of edits.entries()) {
    const content = await contentOf(await edit.make(source), at % 7 === 0)
    const [first, second] = await Promise.all([find(content, 0), find(content, 1)])
    const { readings: _readings, ...unread } = content
    const row = rows[at]!
    const own = (hits: { slot: number }[]) => hits.some((hit) => hit.slot === slot)
    if (own(await find(unread, 0))) row.alone++
    if (own(first)) row.first++
    if (own(second)) row.second++
    if (own(first) || own(second)) row.both++
    else row.missed.push(entries[slot]!.name)
    pairs += entries.length - 1
    photoPairs += sources.length - 1
    for (const [stage, hits] of [first, second].entries())
      for (const hit of hits)
        if (hit.slot !== slot) {
          const key = `${entries[slot]!.name} for ${entries[hit.slot]!.name}`
          wrong.set(key, [
            ...(wrong.get(key) ?? []),
            `${edit.name} ${edit.strength}, stage ${stage + 1}, ${hit.distance}`,
          ])
        }
  }
  if (slot % 5 === 4) say(`${slot + 1} of ${sources.length} photos`)
}

const share = (count: number) => (count / sources.length).toFixed(2)
say('\n| edit | strength | PDQ and its turns alone | with readings | local features | together |')
say('| --- | --- | --- | --- | --- | --- |')
for (const row of rows)
  say(
    `| ${row.name} | ${row.strength} | ${share(row.alone)} | ${share(row.first)} | ${share(row.second)} | **${share(row.both)}** |`,
  )
for (const row of rows)
  if (row.missed.length > 0) say(`missed after ${row.name} ${row.strength}: ${row.missed.join(', ')}`)
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

claim('match.derivatives.worst', Math.min(...rows.map(({ both }) => both)) / sources.length, 'recall')
const easy = ['mirror', 'letterbox', 'border', 'invert']
claim(
  'match.derivatives.easy',
  Math.min(...rows.filter(({ name }) => easy.includes(name)).map(({ both }) => both)) / sources.length,
  'recall',
)
claim('match.derivatives.fp', wrongPairs / pairs, 'share')

// Large banks: entries of features mixed from all pictures, a tenth of their bits changed, beside the real ones.
const random = createRandom(7)
const pool = entries.flatMap(({ signals }) =>
  signals[1] === undefined ? [] : [unpackFeatures(Buffer.from(signals[1], 'base64'))!],
)
function mixed(): LocalFeatures {
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
  return features
}
const probes: { slot: number; features: LocalFeatures; edit: string }[] = []
for (const [slot, source] of sources.entries())
  if (slot % 4 === 0 && entries[slot]!.signals[1] !== undefined)
    for (const at of [1, 19, edits.length - 1]) {
      const local = (await contentOf(await edits[at]!.make(source))).signals?.local
      probes.push({ slot, features: unpackFeatures(Buffer.from(local!, 'base64'))!, edit: edits[at]!.name })
    }
const large = createLocalIndex()
for (const [slot, { signals }] of entries.entries())
  if (signals[1] !== undefined) large.add(slot, unpackFeatures(Buffer.from(signals[1], 'base64'))!)
for (const size of [1_000, 10_000, 100_000]) {
  const began = cpuMs()
  const before = large.size
  for (let id = 1_000 + before; large.size < size; id++) large.add(id, mixed())
  const built = cpuMs() - began
  let found = 0
  let wrongHits = 0
  const times: number[] = []
  for (const { slot, features } of probes) {
    const from = cpuMs()
    const hits = large.query(features).filter(({ match }) => match.inliers >= 12)
    times.push(cpuMs() - from)
    if (hits.some(({ id }) => id === slot)) found++
    wrongHits += hits.filter(({ id }) => id !== slot).length
  }
  times.sort((a, b) => a - b)
  say(
    `local features among ${size} entries: ${times[times.length >> 1]!.toFixed(1)} ms CPU a lookup (median; worst ${times.at(-1)!.toFixed(1)}), ${found} of ${probes.length} copies found, ${wrongHits} wrong, ${((1_000 * built) / Math.max(1, size - before)).toFixed(0)} µs to add an entry, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB of process`,
  )
}
