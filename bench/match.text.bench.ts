// Near-duplicate texts: recall after 5 % of the words were edited, at a stated rate of false positives, on real posts;
// beside it TLSH at 30 on the same texts. Then a million texts in the index: memory and lookups a second.
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { createSketchIndex } from '../src/kernels/minhash.ts'
import { createRandom, type Random } from '../src/kernels/random.ts'
import { foldText } from '../src/kernels/text-fold.ts'
import { resemblance, sketchOf } from '../src/kernels/text-sketch.ts'
import { tlshDistance, tlshOf } from '../src/kernels/tlsh.ts'
import { textNearType } from '../src/match/signal-types/text-near.ts'
import { claim, say } from './load.ts'

const archive = new URL('../../shared/data/group/ira/tweets_2015-11.csv.gz', import.meta.url)
if (!existsSync(archive)) {
  say(`The posts are not here: ${archive.pathname}`)
  process.exit(1)
}
const random = createRandom(20_151_101)
const posts = readPosts(gunzipSync(readFileSync(archive)).toString('utf8'))
say(`${posts.length} posts`)

// Longer texts: 3 to 40 posts of one account in a row, as a newsletter or a long comment would be.
const byAuthor = Map.groupBy(posts, ({ author }) => author)
const long: string[] = []
for (const own of byAuthor.values())
  for (let at = 0; at < own.length;) {
    const count = random.pick([3, 5, 10, 20, 40])
    if (at + count <= own.length)
      long.push(
        own
          .slice(at, at + count)
          .map(({ text }) => text)
          .join(' '),
      )
    at += count
  }
const vocabulary = posts.slice(0, 30_000).flatMap(({ text }) => wordsOf(text))
const sample = [...random.sample(posts, 12_000).map(({ text }) => text), ...random.sample(long, 4_000)]

// --- False positives -------------------------------------------------------------------------------------------------
// Random pairs from all of it. Pairs of which more than half of the different words are the same are retweets and
// reworded copies, true duplicates though nobody marked them: they are counted and left out.
const prepared = sample.map((text) => {
  const bare = foldText(text.replace(/\bhttps?:\/\/\S+/gi, ' ')).text
  return {
    sketch: sketchOf(bare),
    words: new Set(bare.split(' ')),
    hashable: textNearType.signalOf({ text }) !== undefined,
  }
})
const pairs: number[][] = [[], []]
const copies: number[] = [0, 0]
for (let made = 0; made < 2_000_000; made++) {
  const half = made & 1
  const left = random.pick(prepared)
  const right = random.pick(prepared)
  if (left === right || !left.hashable || !right.hashable) continue
  const alike = resemblance(left.sketch, right.sketch)
  // Word sets are compared only where it could matter.
  if (alike > 0.1 && sharedWords(left.words, right.words) > 0.5) copies[half]!++
  else pairs[half]!.push(alike)
}
const ranked = Float64Array.from(pairs[0]!).sort().reverse()
const shareMin = ranked[Math.floor(0.001 * ranked.length)]!
const thresholdAt = Math.floor(100 * (1 - shareMin)) / 100
const positives = (half: number, threshold: number) =>
  pairs[half]!.filter((alike) => Math.round(100 * (1 - alike)) / 100 <= threshold).length / pairs[half]!.length
say(`pairs: ${pairs[0]!.length} + ${pairs[1]!.length} unrelated; left out as copies: ${copies.join(' + ')}`)
say(
  `.1 % false positives on the first half lie at distance ${thresholdAt}; the second half then has ${percent(positives(1, thresholdAt))}`,
)
const threshold = Math.min(textNearType.threshold, thresholdAt)
const falsePositives = positives(1, threshold)
const withCopies = (falsePositives * pairs[1]!.length + copies[1]!) / (pairs[1]!.length + copies[1]!)
say(
  `used threshold ${threshold}: false positives ${percent(falsePositives)}, ${percent(withCopies)} with every copy counted as one`,
)
if (falsePositives > 0.001) throw new Error('More than .1 % false positives: the claim cannot be made')

// --- Recall ----------------------------------------------------------------------------------------------------------
const index = textNearType.createIndex()
for (const [slot, text] of sample.entries()) {
  const signal = textNearType.signalOf({ text })
  if (signal !== undefined) index.add(slot, signal, null)
}
type Tally = { texts: number; found: number; compared: number; tlsh: number; noSketch: number; noTlsh: number }
const tallies = new Map<string, Tally>()
const lengths = ['1-4', '5-7', '8-12', '13-20', '21-50', '51-150', '151+', 'all']
for (const name of lengths) tallies.set(name, { texts: 0, found: 0, compared: 0, tlsh: 0, noSketch: 0, noTlsh: 0 })
const encoder = new TextEncoder()
for (const [slot, text] of sample.entries()) {
  const words = wordsOf(text)
  const edited = edit(words, random)
  const hits = index.search({ text: edited }, { radiusMax: threshold, thresholdOf: () => threshold })
  const found = hits.some((hit) => hit.slot === slot)
  const [signal, other] = [textNearType.signalOf({ text }), textNearType.signalOf({ text: edited })]
  const compared =
    signal !== undefined && other !== undefined && textNearType.compare(other, signal).distance <= threshold
  const digest = tlshOf(encoder.encode(text))
  const otherDigest = tlshOf(encoder.encode(edited))
  const near =
    digest !== undefined && otherDigest !== undefined && tlshDistance(digest, otherDigest, { length: false }) <= 30
  for (const name of [lengthName(words.length), 'all']) {
    const tally = tallies.get(name)!
    tally.texts++
    tally.found += found ? 1 : 0
    tally.compared += compared ? 1 : 0
    tally.tlsh += near ? 1 : 0
    tally.noSketch += signal === undefined ? 1 : 0
    tally.noTlsh += digest === undefined ? 1 : 0
  }
}
say('words    texts   recall  (compared without index)  too short    TLSH at 30  no digest')
for (const [name, tally] of tallies) {
  const { texts, found, compared, tlsh, noSketch, noTlsh } = tally
  const cells = [found, compared, noSketch, tlsh, noTlsh].map((count) => (count / texts).toFixed(4))
  say(
    `${name.padEnd(8)} ${String(texts).padEnd(7)} ${cells[0]}  ${cells[1]!.padEnd(25)} ${cells[2]!.padEnd(12)} ${cells[3]!.padEnd(11)} ${cells[4]}`,
  )
}

// --- A million texts -------------------------------------------------------------------------------------------------
const million = 1_000_000
const big = createSketchIndex()
const folded = posts.map(({ text }) => foldText(text.replace(/\bhttps?:\/\/\S+/gi, ' ')).text)
let addedMs = 0
let slowestMs = 0
for (let id = 0; id < million; id++) {
  // The beginning of one post and the end of another: as varied as posts are, and as alike.
  const [left, right] = [random.pick(folded), random.pick(folded)]
  const sketch = sketchOf(`${left.slice(0, left.length >> 1)} ${right.slice(right.length >> 1)}`.trim())
  if (sketch.length === 0) continue
  const from = performance.now()
  big.add(id, sketch)
  const tookMs = performance.now() - from
  addedMs += tookMs
  slowestMs = Math.max(slowestMs, tookMs)
}
say(
  `1 M texts: ${(big.bytes / 2 ** 20).toFixed(0)} MiB of flat arrays, ${((1_000 * addedMs) / million).toFixed(1)} µs an addition, the slowest ${slowestMs.toFixed(1)} ms`,
)
const queries = random.sample(folded, 5_000).filter((text) => text.length > 20)
let best = 0
let answers = 0
for (let round = 0; round < 3; round++) {
  const before = process.cpuUsage()
  for (const text of queries) answers += big.query(sketchOf(text), 0.5).length
  const used = process.cpuUsage(before)
  best = Math.max(best, queries.length / ((used.user + used.system) / 1e6))
}
say(`1 M texts: ${best.toFixed(0)} lookups a second of one core, sketch included; ${answers} answers`)
const from = process.cpuUsage()
for (const { text } of posts.slice(0, 20_000)) textNearType.signalOf({ text })
const spent = process.cpuUsage(from)
say(`${(20_000 / ((spent.user + spent.system) / 1e6)).toFixed(0)} posts sketched a second`)

claim('match.text.recall', tallies.get('all')!.found / tallies.get('all')!.texts, 'recall')

function percent(share: number): string {
  return `${(100 * share).toFixed(4)} %`
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

function lengthName(words: number): string {
  const bounds = [4, 7, 12, 20, 50, 150]
  return lengths[bounds.findIndex((bound) => words <= bound)] ?? '151+'
}

function sharedWords(left: Set<string>, right: Set<string>): number {
  const both = left.intersection(right).size
  return both / (left.size + right.size - both)
}

/** 5 % of the words, at least one, are replaced, left out, added to or swapped with any other. */
function edit(words: readonly string[], random: Random): string {
  const out = [...words]
  for (let left = Math.max(1, Math.round(0.05 * words.length)); left > 0; left--) {
    const at = random.int(out.length)
    const how = random.int(4)
    if (how === 0) out[at] = random.pick(vocabulary)
    else if (how === 1 && out.length > 1) out.splice(at, 1)
    else if (how === 3 && out.length > 1) {
      const other = random.int(out.length)
      ;[out[at], out[other]] = [out[other]!, out[at]!]
    } else out.splice(at, 0, random.pick(vocabulary))
  }
  return out.join(' ')
}

/** Author and text of each post; links are gone, they differ from copy to copy. */
function readPosts(csv: string): { author: string; text: string }[] {
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let quoted = false
  for (let at = 0; at < csv.length; at++) {
    const char = csv[at]!
    if (quoted) {
      if (char !== '"') field += char
      else if (csv[at + 1] === '"') field += csv[++at]
      else quoted = false
    } else if (char === '"') quoted = true
    else if (char === ',' || char === '\n') {
      row.push(field)
      field = ''
      if (char === '\n') {
        rows.push(row)
        row = []
      }
    } else if (char !== '\r') field += char
  }
  const [names, ...data] = rows
  const [author, content] = [names!.indexOf('author_id'), names!.indexOf('content')]
  return data
    .map((each) => ({
      author: each[author]!,
      text: wordsOf(each[content]!.replace(/\bhttps?:\/\/\S+/gi, ' ')).join(' '),
    }))
    .filter(({ text }) => text !== '')
}
