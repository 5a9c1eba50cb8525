import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from './random.ts'
import { createTlshIndex } from './tlsh-index.ts'
import { tlshBytes, tlshDistance } from './tlsh.ts'

test('the index answers exactly what comparing everything answers, through additions and removals', () => {
  const random = createRandom(3)
  const digest = () => Uint8Array.from({ length: tlshBytes }, () => random.int(256))
  const seeds = Array.from({ length: 40 }, digest)
  /** A digest some steps away from one of the seeds. */
  const near = () => {
    const out = Uint8Array.from(random.pick(seeds))
    for (let step = random.int(30); step > 0; step--) out[random.int(tlshBytes)]! ^= 1 << random.int(8)
    return out
  }
  const index = createTlshIndex()
  const held = new Map<number, Uint8Array>()
  for (let step = 0; step < 4_000; step++) {
    const id = random.int(1_500)
    if (random.chance(0.25)) assert.equal(index.remove(id), held.delete(id))
    else {
      held.set(id, near())
      index.add(id, held.get(id)!)
    }
  }
  assert.equal(index.size, held.size)
  let found = 0
  for (const radius of [0, 5, 30, 100])
    for (let round = 0; round < 40; round++) {
      const query = near()
      const want = [...held]
        .map(([id, other]) => ({ id, distance: tlshDistance(query, other, { length: false }) }))
        .filter(({ distance }) => distance <= radius)
        .sort((a, b) => a.distance - b.distance || a.id - b.id)
      found += want.length
      assert.deepEqual(index.query(query, radius), want)
    }
  assert.ok(found > 100)
  assert.throws(() => index.add(1, new Uint8Array(3)), RangeError)
})
