import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import sharp from 'sharp'
import { photoModel, textModel } from '../../test/onnx.ts'
import { createRandom } from '../kernels/random.ts'
import { photoEmbeddingType, textEmbeddingType } from '../match/signal-types/embedding.ts'
import { openEmbedder } from './embedding.ts'
import { createMediaPool } from './hash-pool.ts'
import { runHashers } from './hashers.ts'

const pool = createMediaPool({ workers: 1 })
const folder = await mkdtemp(join(tmpdir(), 'custos-models-'))
after(async () => {
  await pool.close()
  await rm(folder, { recursive: true, force: true })
})

const normal = (count: number, seed: number) => {
  const random = createRandom(seed)
  return Float32Array.from({ length: count }, () => random.normal())
}
const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'cheap', 'watches', 'good', 'morning', 'sale', 'today']

await writeFile(join(folder, 'small.onnx'), photoModel(16, 32, normal(16 * 16 * 3 * 32, 1)))
await writeFile(
  join(folder, 'small.json'),
  JSON.stringify({
    kind: 'photo',
    version: '1',
    input: { width: 16, height: 16, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  }),
)
await writeFile(join(folder, 'words.onnx'), textModel(vocabulary.length, 24, normal(vocabulary.length * 24, 2)))
await writeFile(join(folder, 'words.json'), JSON.stringify({ kind: 'text', version: '2', vocabulary: 'vocab.txt' }))
await writeFile(join(folder, 'vocab.txt'), vocabulary.join('\n'))
await writeFile(join(folder, 'broken.onnx'), 'this is no model')
await writeFile(
  join(folder, 'broken.json'),
  JSON.stringify({ kind: 'photo', version: '1', input: { width: 8, height: 8 } }),
)
await writeFile(join(folder, 'lost.onnx'), '')
const embedder = await openEmbedder(folder, pool)
after(() => embedder.close())

const photo = (seed: number) => {
  const random = createRandom(seed)
  const blobs = Array.from({ length: 12 }, () => {
    const [x, y, r] = [random.int(320), random.int(240), 20 + random.int(80)]
    return `<circle cx="${x}" cy="${y}" r="${r}" fill="hsl(${random.int(360)},70%,${20 + random.int(60)}%)"/>`
  })
  return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240">${blobs.join('')}</svg>`))
    .flatten({ background: '#446' })
    .jpeg({ quality: 92 })
    .toBuffer()
}
const hashed = async (bytes: Uint8Array) => {
  const type = { kind: 'photo', mime: 'image/jpeg', animated: false, sha256: '0'.repeat(64) } as const
  return (await runHashers(embedder.hashers, type, bytes)).signals['embedding-photo']!
}

test('models that cannot be opened are told with the reason, and the others work', () => {
  assert.deepEqual(embedder.models, [
    { name: 'small@1', kind: 'photo' },
    { name: 'words@2', kind: 'text' },
  ])
  assert.equal(embedder.problems.length, 2, embedder.problems.join('\n'))
  assert.match(embedder.problems.join('\n'), /lost\.onnx: there is no lost\.json/)
  assert.match(embedder.problems.join('\n'), /broken\.json: /)
})

test('an edited photo lies near its original, another one far away', async () => {
  const original = await photo(1)
  const edited = await sharp(original).resize(200).jpeg({ quality: 40 }).toBuffer()
  const [one, two, other] = [await hashed(original), await hashed(edited), await hashed(await photo(2))]
  assert.match(one, /^small@1:/)
  assert.equal(photoEmbeddingType.parse('signal', one), one)
  assert.ok(photoEmbeddingType.compare(one, two).distance < 0.08)
  assert.ok(photoEmbeddingType.compare(one, other).distance > 0.1)

  const index = photoEmbeddingType.createIndex()
  index.add(7, one, null)
  index.add(8, other, null)
  const options = { radiusMax: 0.08, thresholdOf: () => 0.08 }
  const hits = index.search({ photos: [{}, { signals: { 'embedding-photo': two }, quality: 80 }] }, options)
  assert.equal(hits.length, 1)
  assert.equal(hits[0]!.slot, 7)
  assert.deepEqual(hits[0]!.part, { kind: 'photo', index: 1 })
  assert.deepEqual(
    index.search({ photos: [{ signals: { 'embedding-photo': two } }] }, { ...options, wanted: () => false }),
    [],
  )
  index.remove(7)
  assert.deepEqual(index.search({ photos: [{ signals: { 'embedding-photo': two } }] }, options), [])
})

test('texts of the same words lie near, and models of other names or versions are never compared', async () => {
  const signal = async (text: string) => (await embedder.text(text))['embedding-text']!
  const [one, same, other] = [
    await signal('cheap watches'),
    await signal('Watches  CHEAP'),
    await signal('good morning'),
  ]
  assert.match(one, /^words@2:/)
  assert.ok(textEmbeddingType.compare(one, same).distance < 0.01)
  assert.ok(textEmbeddingType.compare(one, other).distance > textEmbeddingType.compare(one, same).distance)
  assert.deepEqual(await embedder.text('  '), {})
  assert.deepEqual(textEmbeddingType.compare(one, one.replace('@2', '@3')), { distance: 2, similarity: 0 })
})

test('signals from outside are checked by name, length and direction', () => {
  const refused = (signal: string, problem: RegExp) =>
    assert.throws(
      () => photoEmbeddingType.parse('entries[3].signals.embedding-photo', signal),
      (error: Error) => {
        assert.equal(error.name, 'InputError')
        assert.match(error.message, /^entries\[3\]\.signals\.embedding-photo /)
        return problem.test(error.message)
      },
    )
  refused('AAAA', /must be "model@version:"/)
  refused('m@1:AAAA', /without direction/)
  refused(`m@1:${Buffer.alloc(9_000, 1).toString('base64')}`, /9000 dimensions/)
})

test('without a folder there are no models and no problems, and a missing folder is told', async () => {
  const none = await openEmbedder(undefined, pool)
  assert.deepEqual([none.models, none.problems, none.hashers.length], [[], [], 0])
  const lost = await openEmbedder(join(folder, 'absent'), pool)
  assert.match(lost.problems[0]!, /absent cannot be read/)
})
