import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import * as fc from 'fast-check'
import { createHammingIndex, hammingDistance, type HammingHit, type HammingIndex } from './hamming-index.ts'
import { partBuffer, type Engine } from './hamming-part.ts'
import { openSharedHammingIndex, shareHammingIndex } from './hamming-shared.ts'
import { openHammingSnapshot, snapshotHammingIndex, SnapshotError } from './hamming-snapshot.ts'
import { hammingStats } from './hamming-stats.ts'

const hash = fc.uint32Array({ minLength: 8, maxLength: 8 })

function bruteForce(all: Map<number, Uint32Array>, words: Uint32Array, radius: number): HammingHit[] {
  return [...all]
    .map(([id, each]) => ({ id, distance: hammingDistance(each, 0, words, 0) }))
    .filter((hit) => hit.distance <= radius)
    .sort((a, b) => a.distance - b.distance || a.id - b.id)
}

/** Small, fast, seeded numbers (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let value = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return (value ^ (value >>> 14)) >>> 0
  }
}

function flipped(words: Uint32Array, bits: number, next: () => number): Uint32Array {
  const copy = words.slice()
  for (let done = 0; done < bits; done++) {
    const bit = next() % 256
    copy[bit >>> 5]! ^= 1 << (bit & 31)
  }
  return copy
}

test('distance counts the bits that differ', () => {
  fc.assert(
    fc.property(hash, hash, (a, b) => {
      let bits = 0
      for (let bit = 0; bit < 256; bit++)
        if (((a[bit >>> 5]! >>> (bit & 31)) & 1) !== ((b[bit >>> 5]! >>> (bit & 31)) & 1)) bits++
      assert.equal(hammingDistance(a, 0, b, 0), bits)
    }),
  )
})

test('any mix of adding, replacing and removing answers like brute force', () => {
  const step = fc.record({ id: fc.nat(20), words: hash, remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), hash, fc.nat(64), (steps, words, radius) => {
      const index = createHammingIndex()
      const all = new Map<number, Uint32Array>()
      for (const { id, words: each, remove } of steps) {
        if (remove) assert.equal(index.remove(id), all.delete(id))
        else {
          index.add(id, each)
          all.set(id, each)
        }
      }
      assert.equal(index.size, all.size)
      assert.deepEqual(index.query(words, radius), bruteForce(all, words, radius))
      for (const each of all.values()) assert.deepEqual(index.query(each, radius), bruteForce(all, each, radius))
    }),
  )
})

test('20,000 entries with planted neighbours: every radius answers like brute force, also after removals', () => {
  const next = numbers(7)
  const random = () => Uint32Array.from({ length: 8 }, next)
  const index = createHammingIndex()
  const all = new Map<number, Uint32Array>()
  const centres = Array.from({ length: 40 }, random)
  for (let id = 0; id < 20_000; id++) {
    // A third lies around few centres, so that buckets are skewed as in real hash lists.
    const words = id % 3 === 0 ? flipped(centres[next() % 40]!, next() % 70, next) : random()
    index.add(id, words)
    all.set(id, words)
  }
  const check = () => {
    for (const radius of [0, 1, 15, 16, 31, 32, 47, 48, 63, 64])
      for (let query = 0; query < 5; query++) {
        const words = flipped(centres[next() % 40]!, next() % 40, next)
        assert.deepEqual(index.query(words, radius), bruteForce(all, words, radius), `radius ${radius}`)
      }
  }
  check()
  for (let id = 0; id < 20_000; id += 2) {
    assert.ok(index.remove(id))
    all.delete(id)
  }
  check()
})

test('bad ids, radii and hashes are refused', () => {
  const index = createHammingIndex()
  const words = new Uint32Array(8)
  assert.throws(() => index.add(-1, words), RangeError)
  assert.throws(() => index.add(0.5, words), RangeError)
  assert.throws(() => index.add(1, new Uint32Array(7)), RangeError)
  assert.throws(() => index.query(words, 65), RangeError)
  assert.throws(() => index.query(words, 3, 1), RangeError)
})

const engines: Engine[] = ['fastest', 'plain']
/** Small enough that a few hundred changes go through many merges. */
const small = { deltaRows: 256, flatRows: 32 }

/** Hashes with structure: some random, many equal, many around few centres, some with constant chunks. */
function skewed(next: () => number): () => Uint32Array {
  const centres = Array.from({ length: 6 }, () => Uint32Array.from({ length: 8 }, next))
  return () => {
    const kind = next() % 8
    const centre = centres[next() % centres.length]!
    if (kind < 2) return Uint32Array.from({ length: 8 }, next)
    if (kind < 4) return centre.slice()
    if (kind < 6) return flipped(centre, next() % 40, next)
    if (kind < 7) return Uint32Array.from({ length: 8 }, (_, word) => (word < 5 ? 0 : next()))
    return Uint32Array.from({ length: 8 }, (_, word) => (word === 3 ? next() : 0xffffffff))
  }
}

/** A mix of changes; answers the index and what it must hold. */
function changedIndex(seed: number, engine: Engine, changes: number) {
  const next = numbers(seed)
  const hashOf = skewed(next)
  const index = createHammingIndex({ ...small, engine })
  const all = new Map<number, Uint32Array>()
  const put = (id: number, words: Uint32Array) => {
    index.add(id, words)
    all.set(id, words)
  }
  for (let change = 0; change < changes; change++) {
    const kind = next() % 20
    if (kind < 12) put(next() % 5_000, hashOf())
    else if (kind < 17) {
      const id = next() % 5_000
      assert.equal(index.remove(id), all.delete(id))
    } else if (kind < 18 && change % 4 === 0) {
      const ids = Uint32Array.from({ length: next() % 200 }, () => next() % 5_000)
      const words = new Uint32Array(ids.length * 8)
      for (const [at, id] of ids.entries()) {
        words.set(hashOf(), at * 8)
        all.set(id, words.slice(at * 8, at * 8 + 8))
      }
      index.addMany(ids, words)
    } else if (kind < 18 && change % 4 === 1) {
      for (let id = next() % 5_000, count = next() % 200; count > 0; count--, id += 1 + (next() % 3)) {
        const words = hashOf()
        index.addLater(id, words)
        all.set(id, words)
      }
    } else if (kind < 19) index.maintain(next() % 3_000_000)
  }
  // What comes later need not be found before this.
  while (index.maintain(1e9));
  return { index, all, next, hashOf }
}

const answersLikeBruteForce = (
  index: Pick<HammingIndex, 'query'>,
  all: Map<number, Uint32Array>,
  hashOf: () => Uint32Array,
  queries: number,
) => {
  for (let query = 0; query < queries; query++) {
    const words = hashOf()
    for (const radius of [0, 15, 31, 32, 64])
      assert.deepEqual(index.query(words, radius), bruteForce(all, words, radius), `radius ${radius}`)
  }
}

for (const engine of engines)
  test(`skewed and equal hashes are found exactly across merges, additions and removals (${engine})`, () => {
    for (let seed = 1; seed <= 2; seed++) {
      const { index, all, next, hashOf } = changedIndex(seed, engine, 1_200)
      assert.equal(index.size, all.size)
      answersLikeBruteForce(index, all, hashOf, 5)
      while (index.maintain(1e9));
      assert.equal(index.inside().deltas.length, 1)
      answersLikeBruteForce(index, all, hashOf, 5)
      for (const id of [...all.keys()].filter(() => next() % 10 < 8)) {
        assert.ok(index.remove(id))
        assert.ok(!index.has(id))
        all.delete(id)
      }
      while (index.maintain(1e9));
      answersLikeBruteForce(index, all, hashOf, 5)
    }
  })

test('what is added later is there at once, found when put in order, in one part, and may go at any moment', () => {
  const next = numbers(21)
  const index = createHammingIndex()
  const count = 70_000
  const words = Uint32Array.from({ length: count * 8 }, next)
  for (let id = 0; id < count; id++) index.addLater(id * 2, words, id * 8)
  assert.equal(index.size, count)
  assert.ok(index.has(0) && index.has(2 * count - 2) && !index.has(1) && !index.has(2 * count))
  assert.deepEqual(index.query(words, 0), [])
  const gone = new Set<number>()
  const remove = (id: number) => {
    assert.equal(index.remove(id), !gone.has(id))
    gone.add(id)
    assert.ok(!index.has(id))
  }
  remove(0)
  remove(40_000)
  // Replaced, and out of order: added as usual.
  index.addLater(2, words, 8 * 5)
  assert.deepEqual(index.query(words, 0, 8 * 5), [{ id: 2, distance: 0 }])
  for (let slice = 0; index.maintain(200_000); slice++) {
    if (slice % 20 === 7) remove(50_000 + slice * 2)
    if (slice === 30) index.add(999_999, words)
  }
  assert.ok(gone.size > 5, 'some went while the part was made')
  assert.equal(index.size, count - gone.size + 1)
  assert.equal(index.inside().parts.length, 1)
  for (let at = 0; at < count; at += 37) {
    const expected = at === 1 || gone.has(at * 2) ? [] : [{ id: at * 2, distance: 0 }]
    const found = index.query(words, 0, at * 8).filter(({ id }) => id !== 999_999 && id !== 2)
    assert.deepEqual(found, expected, `entry ${at}`)
  }
  assert.ok(!index.maintain(1e9))
})

test('both engines make the same bytes and answer alike', () => {
  const built = engines.map((engine) => {
    const next = numbers(99)
    const hashOf = skewed(next)
    const index = createHammingIndex({ engine })
    const ids = Uint32Array.from({ length: 9_000 }, (_, at) => at * 3)
    const words = new Uint32Array(9_000 * 8)
    for (let at = 0; at < 9_000; at++) words.set(hashOf(), at * 8)
    index.addMany(ids, words)
    return { index, words }
  })
  const [fast, plain] = built.map(({ index }) => index.inside().parts[0]!)
  assert.deepEqual(fast!.shape, plain!.shape)
  assert.ok(fast!.shape.listed < 8_000, 'equal hashes are listed once')
  const { listed } = fast!.shape
  const sizes = { ids: 36_000, hashes: 288_000, twins: 1_125, leaders: 1_125, twinEntries: 4 * (9_000 - listed) }
  for (const [section, size] of Object.entries({
    ...sizes,
    tables: 16 * 4 * 65_537,
    keys: 32 * listed,
    slots: 48 * listed,
  })) {
    const [one, other] = [fast!, plain!].map(({ room, layout }) =>
      Buffer.from(partBuffer(room), layout[section as keyof typeof layout], size),
    )
    assert.ok(one!.equals(other!), section)
  }
  const { words } = built[0]!
  for (let at = 0; at < 200; at++)
    assert.deepEqual(built[0]!.index.query(words, at % 65, at * 8), built[1]!.index.query(words, at % 65, at * 8))
})

test('a list of equal hashes costs one listing, is found whole, and its searches stay short', () => {
  const index = createHammingIndex()
  const count = 60_000
  const hash = Uint32Array.from({ length: 8 }, numbers(3))
  const words = new Uint32Array(count * 8)
  for (let at = 0; at < count; at++) words.set(hash, at * 8)
  index.addMany(
    Uint32Array.from({ length: count }, (_, at) => at),
    words,
  )
  for (let id = count; id < count + 5_000; id++) index.add(id, hash)
  assert.equal(index.inside().parts[0]!.shape.listed, 1)
  assert.equal(index.query(hash, 31).length, count + 5_000)
  assert.deepEqual(index.query(hash, 31, 0, { limit: 2 }), [
    { id: 0, distance: 0 },
    { id: 1, distance: 0 },
  ])
  // The leader goes, its twins stay.
  index.remove(0)
  const near = flipped(hash, 3, numbers(5))
  const [first] = index.query(near, 31, 0, { limit: 1 })
  assert.equal(first!.id, 1)
  assert.equal(hammingStats(index).twins, count - 1)
})

test('filters act inside the search: a limit counts only what is wanted', () => {
  for (const engine of engines) {
    const { index, all, hashOf } = changedIndex(21, engine, 600)
    const among = new Uint8Array(300)
    for (let id = 0; id < 2_400; id += 3) among[id >>> 3]! |= 1 << (id & 7)
    for (let query = 0; query < 10; query++) {
      const words = hashOf()
      const expected = bruteForce(all, words, 31)
      const even = expected.filter(({ id }) => id % 2 === 0)
      assert.deepEqual(index.query(words, 31, 0, { wanted: (id) => id % 2 === 0 }), even)
      assert.deepEqual(index.query(words, 31, 0, { wanted: (id) => id % 2 === 0, limit: 3 }), even.slice(0, 3))
      assert.deepEqual(
        index.query(words, 31, 0, { among }),
        expected.filter(({ id }) => id % 3 === 0 && id < 2_400),
      )
    }
  }
})

test('a snapshot opens to the same index, from bytes and from a file, and goes on changing', () => {
  for (const engine of engines) {
    const { index, all, next, hashOf } = changedIndex(31, engine, 700)
    const bytes = Buffer.concat(snapshotHammingIndex(index))
    let at = 0
    const reader = (target: Uint8Array) => {
      target.set(bytes.subarray(at, at + target.length))
      at += target.length
    }
    const shared = new SharedArrayBuffer(bytes.length)
    new Uint8Array(shared).set(bytes)
    for (const source of engine === 'plain' ? [bytes] : [bytes, reader, shared]) {
      const opened = openHammingSnapshot(source, { ...small, engine })
      assert.equal(opened.size, all.size)
      answersLikeBruteForce(opened, all, hashOf, 2)
      const changed = new Map(all)
      for (let change = 0; change < 200; change++) {
        const id = next() % 5_000
        const words = hashOf()
        opened.add(id, words)
        changed.set(id, words)
        const gone = next() % 5_000
        assert.equal(opened.remove(gone), changed.delete(gone))
      }
      answersLikeBruteForce(opened, changed, hashOf, 2)
    }
    // Later removals do not reach back into the snapshot.
    const pieces = snapshotHammingIndex(index)
    for (const id of all.keys()) index.remove(id)
    assert.equal(openHammingSnapshot(Buffer.concat(pieces), small).size, all.size)
  }
})

test('snapshots that are cut off, changed, of another kind or version are refused by name', () => {
  const { index } = changedIndex(41, 'fastest', 700)
  const bytes = Buffer.concat(snapshotHammingIndex(index))
  assert.ok(index.inside().parts.length > 0)
  const refused = (changed: Uint8Array, why: RegExp) =>
    assert.throws(
      () => openHammingSnapshot(changed),
      (error: Error) => error instanceof SnapshotError && why.test(error.message),
    )
  for (const length of [0, 10, 64, 100, 5_000, bytes.length - 1])
    refused(bytes.subarray(0, length), /cut off|should have/)
  refused(Buffer.concat([bytes, Buffer.alloc(8)]), /should have/)
  refused(Buffer.alloc(200), /no snapshot/)
  const next = numbers(1)
  for (let run = 0; run < 24; run++) {
    const changed = Buffer.from(bytes)
    const at = run < 4 ? 12 + run * 30 : next() % changed.length
    changed[at]! ^= 1 << (next() % 8)
    refused(changed, /checksum|no snapshot|version|should have|cannot be/)
  }
  const version = Buffer.from(bytes)
  version[8] = 9
  refused(version, /version 9/)
})

test('what shares the memory sees additions and removals, and answers the same', () => {
  const { index, all, hashOf } = changedIndex(51, 'fastest', 900)
  const reader = openSharedHammingIndex(shareHammingIndex(index))
  answersLikeBruteForce(reader, all, hashOf, 6)
  const [id, words] = [9_000, hashOf()]
  const before = index.inside().generation
  index.add(id, words)
  if (index.inside().generation === before) {
    assert.ok(reader.query(words, 0).some((hit) => hit.id === id))
    index.remove(id)
    assert.ok(!reader.query(words, 0).some((hit) => hit.id === id))
  }
  assert.equal(openSharedHammingIndex(shareHammingIndex(index)).generation, index.inside().generation)
})

test('statistics add up: entries, bytes and the fullest buckets', () => {
  const { index, all } = changedIndex(61, 'fastest', 800)
  const stats = hammingStats(index)
  assert.equal(stats.entries, all.size)
  assert.equal(stats.parts.reduce((sum, part) => sum + part.entries, 0) + stats.delta.entries, all.size)
  const { total, ...parts } = stats.bytes
  assert.equal(
    Object.values(parts).reduce((sum, bytes) => sum + bytes, 0),
    total,
  )
  assert.ok(stats.buckets.p50 >= 1 && stats.buckets.p50 <= stats.buckets.max)
  assert.equal(stats.largest[0]!.entries, stats.buckets.max)
  // Some of the skewed hashes are all zero in their low chunks.
  assert.ok(stats.largest.some(({ value }) => value === '0000' || value === 'ffff'))
})

test('another thread searches the same memory', async () => {
  const index = createHammingIndex()
  const next = numbers(71)
  const words = Uint32Array.from({ length: 10_000 * 8 }, next)
  index.addMany(
    Uint32Array.from({ length: 10_000 }, (_, id) => id),
    words,
  )
  index.add(10_000, flipped(words.subarray(0, 8), 5, next))
  index.remove(7)
  const queries = words.slice(0, 8 * 8)
  // In the language of the runtime, as a file of its own would be: the thread gets what postMessage carries.
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.url).then(({ openSharedHammingIndex }) => {
      const reader = openSharedHammingIndex(workerData.shared)
      parentPort.postMessage([0, 1, 2, 3, 4, 5, 6, 7].map((at) => reader.query(workerData.queries, 31, at * 8)))
    })`
  const worker = new Worker(code, {
    eval: true,
    workerData: { url: import.meta.resolve('./hamming-shared.ts'), shared: shareHammingIndex(index), queries },
  })
  const [answers] = (await once(worker, 'message')) as [HammingHit[][]]
  await worker.terminate()
  assert.deepEqual(answers[0], [
    { id: 0, distance: 0 },
    { id: 10_000, distance: 5 },
  ])
  assert.deepEqual(answers[7], [])
  for (const [at, answer] of answers.entries()) assert.deepEqual(answer, index.query(queries, 31, at * 8))
})

test('bits spread as evenly over the chunks as can be are found at every radius, and not one bit further', () => {
  const next = numbers(81)
  const words = Uint32Array.from({ length: 30_000 * 8 }, next)
  for (const engine of engines) {
    const index = createHammingIndex({ engine })
    index.addMany(
      Uint32Array.from({ length: 30_000 }, (_, id) => id),
      words,
    )
    for (let radius = 0; radius <= 64; radius++)
      for (let turn = 0; turn < 16; turn += 3) {
        const id = next() % 30_000
        const query = words.slice(id * 8, id * 8 + 8)
        for (let bit = 0; bit < radius; bit++) {
          // Round the ring of chunks from some place on, each time another bit of the chunk; 5 and 16 share no divisor.
          const chunk = (turn + 5 * bit) % 16
          const place = chunk * 16 + ((turn + Math.floor(bit / 16) * 3) % 16)
          query[place >>> 5]! ^= 1 << (place & 31)
        }
        assert.deepEqual(index.query(query, radius), [{ id, distance: radius }])
        if (radius > 0) assert.deepEqual(index.query(query, radius - 1), [])
      }
  }
})
