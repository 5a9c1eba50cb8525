// Vectors of an operator's model: what the graph finds of what a scan of every vector finds, how quickly, and in how much
// memory. Made-up vectors that lie as those of real models do: topics of very different sizes, in them families of
// near-duplicates, few dimensions that matter. And vectors spread evenly, which nothing can index, for comparison.
// Usage: node bin/bench.mjs match.hnsw [vectors, 100000 unless said]

import { createByteVectors, directionBytes, vectorDistance } from '../src/kernels/byte-vectors.ts'
import { createVectorIndex, type VectorIndex } from '../src/kernels/hnsw.ts'
import { createRandom, type Random } from '../src/kernels/random.ts'
import { claim, say } from './load.ts'

const vectors = Number(process.argv[2] ?? 100_000)
const dimensions = 384
const threshold = 0.08
const queries = 300

/** Topics of sizes 1, 1/2, 1/3 …, each with subtopics; a third of the vectors are near-duplicates of another one. */
function clustered(random: Random) {
  const spread = Array.from({ length: dimensions }, (_, at) => 1 / Math.sqrt(1 + at / 12))
  const around = (centre: ArrayLike<number>, share: number) =>
    Float32Array.from({ length: dimensions }, (_, at) => centre[at]! + share * spread[at]! * random.normal())
  const nowhere = new Float32Array(dimensions)
  const topics = Array.from({ length: 400 }, () => around(nowhere, 1))
  const subtopics = topics.map((topic) => Array.from({ length: 8 }, () => around(topic, 0.6)))
  const recent: Float32Array[] = []
  return (): Float32Array => {
    if (recent.length > 0 && random.float() < 0.33) return around(random.pick(recent), 0.05 + 0.2 * random.float())
    const topic = Math.floor(topics.length ** random.float()) - 1
    const made = around(random.pick(subtopics[topic]!), 0.5)
    recent[recent.length < 2_000 ? recent.length : random.int(2_000)] = made
    return made
  }
}
const even = (random: Random) => () => Float32Array.from({ length: dimensions }, () => random.normal())

/** The compiled sums are those of the plain code, and a scan's order is that of exact numbers. */
function check(make: () => Float32Array): void {
  const many = Array.from({ length: 2_000 }, () => directionBytes(make())!)
  const [quick, plain] = [createByteVectors(dimensions), createByteVectors(dimensions, { plain: true })]
  for (const [slot, vector] of many.entries()) for (const one of [quick, plain]) one.set(slot, vector)
  const [a, b] = [new Float64Array(many.length), new Float64Array(many.length)]
  for (const query of many.slice(0, 20)) {
    quick.ask(query)
    plain.ask(query)
    quick.scan(0, many.length, a)
    plain.scan(0, many.length, b)
    for (let slot = 0; slot < many.length; slot++)
      if (a[slot] !== b[slot] || Math.abs(a[slot]! - vectorDistance(query, many[slot]!)) > 1e-12)
        throw new Error(`slot ${slot}: ${a[slot]} compiled, ${b[slot]} plain`)
  }
}

const cpuS = () => process.cpuUsage().user / 1e6
function timed<T>(work: () => T): { result: T; s: number } {
  const began = cpuS()
  const result = work()
  return { result, s: cpuS() - began }
}

function settle(index: VectorIndex): void {
  while (index.maintain(50e6));
}

type Measured = { recall: number; within: number; qps: number; exactQps: number }
function measure(index: VectorIndex, asked: readonly Int8Array[], effort?: number): Measured {
  const truth = timed(() => asked.map((query) => index.exact(query, 10)))
  const found = timed(() => asked.map((query) => index.nearest(query, 10, effort)))
  const near = timed(() => asked.map((query) => index.within(query, threshold, effort)))
  let [hits, all, nearHits, nearAll] = [0, 0, 0, 0]
  for (const [at, query] of asked.entries()) {
    const known = new Set(truth.result[at]!.map(({ id }) => id))
    all += known.size
    hits += found.result[at]!.filter(({ id }) => known.has(id)).length
    const wanted = new Set(index.exact(query, index.size, threshold).map(({ id }) => id))
    nearAll += wanted.size
    nearHits += near.result[at]!.filter(({ id }) => wanted.has(id)).length
  }
  return {
    recall: hits / all,
    within: nearAll === 0 ? 1 : nearHits / nearAll,
    qps: asked.length / near.s,
    exactQps: asked.length / truth.s,
  }
}
const worded = (name: string, { recall, within, qps, exactQps }: Measured) =>
  say(
    `  ${name}: recall@10 ${recall.toFixed(4)}, within ${threshold} ${within.toFixed(4)}, ${qps.toFixed(0)} queries/s, ${(qps / exactQps).toFixed(1)} times a scan (${exactQps.toFixed(0)})`,
  )

function run(name: string, maker: (random: Random) => () => Float32Array, size: number) {
  say(`${name}: ${size} vectors of ${dimensions} dimensions`)
  const make = maker(createRandom(11))
  check(make)
  const many = Array.from({ length: size }, () => directionBytes(make())!)
  const asked = Array.from({ length: queries }, () => directionBytes(make())!)
  const index = createVectorIndex({ dimensions })
  const added = timed(() => {
    for (const [id, vector] of many.entries()) index.add(id, vector)
  })
  const unlinked = measure(index, asked.slice(0, 50))
  if (unlinked.recall !== 1 || unlinked.within !== 1) throw new Error('vectors are lost before they are linked')
  let longestMs = 0
  const linked = timed(() => {
    for (let more = true; more;) {
      const began = performance.now()
      more = index.maintain(700_000)
      longestMs = Math.max(longestMs, performance.now() - began)
    }
  })
  const bytes = index.bytes() / size
  say(
    `  added in ${added.s.toFixed(1)} s and found at once, linked in ${linked.s.toFixed(1)} s of steps of 0.7 ms (longest ${longestMs.toFixed(1)}), ${bytes.toFixed(0)} bytes each`,
  )
  const built = measure(index, asked)
  worded('built', built)
  worded('effort 48', measure(index, asked, 48))
  worded('effort 200', measure(index, asked, 200))
  const random = createRandom(5)
  const third = [...many.keys()].filter(() => random.float() < 1 / 3)
  for (const id of third) index.remove(id)
  worded('a third removed', measure(index, asked))
  const unlinking = timed(() => settle(index))
  worded(`unlinked in ${unlinking.s.toFixed(1)} s`, measure(index, asked))
  for (const id of third) index.add(id, many[id]!)
  const again = timed(() => settle(index))
  const after = measure(index, asked)
  worded(`added again in ${again.s.toFixed(1)} s`, after)
  say(`  ${(index.bytes() / size).toFixed(0)} bytes each`)
  return { built, after, bytes, linkedS: linked.s }
}

const small = run('clustered', clustered, Math.round(vectors / 5))
if (small.built.recall < 0.98) throw new Error(`recall@10 ${small.built.recall}`)
const large = run('clustered', clustered, vectors)
run('spread evenly', even, Math.round(vectors / 5))
claim('match.hnsw.recall', Math.min(large.built.recall, large.after.recall), 'share')
claim('match.hnsw.recallAtThreshold', Math.min(large.built.within, large.after.within), 'share')
claim('match.hnsw.qps', large.built.qps, 'queries/s')
claim('match.hnsw.ratioToScan', large.built.qps / large.built.exactQps, 'times')
claim('match.hnsw.memory', large.bytes, 'bytes/vector')
claim('match.hnsw.build', vectors / large.linkedS, 'vectors/s')
