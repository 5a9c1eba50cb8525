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
  assert.deepEqual(
    embedder.models.map(({ id, kind, type, dimensions }) => [id, kind, type, dimensions]),
    [
      ['small@1', 'photo', 'embedding-photo', 32],
      ['words@2', 'text', 'embedding-text', 24],
    ],
  )
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

/** A folder of its own with these models of texts, by file name. */
async function folderOf(models: Record<string, { card: object; onnx: Uint8Array | string }>): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'custos-models-'))
  after(() => rm(made, { recursive: true, force: true }))
  await writeFile(join(made, 'vocab.txt'), vocabulary.join('\n'))
  for (const [name, { card, onnx }] of Object.entries(models)) {
    await writeFile(join(made, `${name}.onnx`), onnx)
    await writeFile(join(made, `${name}.json`), JSON.stringify({ kind: 'text', version: '1', ...card }))
  }
  return made
}
const words = (seed: number, dimensions = 24) =>
  textModel(vocabulary.length, dimensions, normal(vocabulary.length * dimensions, seed))

test('several models, and two versions of one, answer side by side; each vector is compared with its own kind', async () => {
  const both = await openEmbedder(
    await folderOf({
      'words-1': { card: { name: 'words', version: '1', threshold: 0.2 }, onnx: words(1) },
      'words-2': { card: { name: 'words', version: '2' }, onnx: words(2, 16) },
      other: { card: {}, onnx: words(3) },
    }),
    pool,
  )
  assert.deepEqual(both.problems, [])
  assert.deepEqual(
    both.models.map(({ id, threshold }) => [id, threshold]),
    [
      ['other@1', undefined],
      ['words@1', 0.2],
      ['words@2', undefined],
    ],
  )
  const signal = async (text: string) => (await both.text(text))['embedding-text']!
  const [one, other] = [await signal('cheap watches'), await signal('good morning')]
  assert.deepEqual(
    one.split(' ').map((vector) => vector.split(':')[0]),
    ['other@1', 'words@1', 'words@2'],
  )
  assert.equal(textEmbeddingType.parse('signal', one.split(' ').toReversed().join(' ')), one)
  assert.throws(() => textEmbeddingType.parse('signal', `${one} ${one.split(' ')[0]}`), /two vectors of one model/)
  assert.ok(textEmbeddingType.compare(one, one.split(' ')[1]!).distance < 1e-9)
  assert.equal(textEmbeddingType.compare(one.split(' ')[0]!, one.split(' ')[1]!).distance, 2)

  const index = textEmbeddingType.createIndex()
  index.add(4, one, null)
  const asked: string[] = []
  const options = {
    radiusMax: 0.08,
    thresholdOf: () => 0.08,
    variant: (name: string) => {
      asked.push(name)
      const threshold = name === 'words@1' ? 0.3 : 0.1
      return { radiusMax: threshold, thresholdOf: () => threshold }
    },
  }
  const found = (text: string, vectors: string) =>
    index.search({ text, textSignals: { 'embedding-text': vectors } }, options)
  assert.equal(found('cheap watches', one)[0]!.variant, 'other@1')
  assert.equal(found('cheap watches', one.split(' ')[2]!)[0]!.variant, 'words@2')
  assert.deepEqual(found('good morning', other.split(' ')[2]!), [])
  assert.ok(asked.includes('words@1'))
  // A model that is retired takes its vectors along; the others stay.
  index.add(4, one.split(' ')[1]!, null)
  assert.deepEqual(found('cheap watches', one.split(' ')[2]!), [])
  assert.equal(found('cheap watches', one)[0]!.variant, 'words@1')
  await both.close()
})

test('a model of another shape, of one name twice, or of numbers that are none is refused with the reason', async () => {
  const bad = await openEmbedder(
    await folderOf({
      first: { card: { name: 'twin' }, onnx: words(1) },
      second: { card: { name: 'twin' }, onnx: words(2) },
      rows: { card: { output: { pool: 'none' } }, onnx: words(1) },
      outputs: { card: { output: { name: 'pooled' } }, onnx: words(1) },
      threshold: { card: { threshold: 2 }, onnx: words(1) },
      'bad name': { card: {}, onnx: words(1) },
      lines: { card: { vocabulary: 'missing.txt' }, onnx: words(1) },
      huge: { card: {}, onnx: textModel(vocabulary.length, 9_000, normal(vocabulary.length * 9_000, 1)) },
      'no-number': {
        card: {},
        onnx: textModel(vocabulary.length, 8, normal(vocabulary.length * 8, 1).fill(Number.NaN)),
      },
    }),
    pool,
  )
  assert.deepEqual(bad.models.map(({ id }) => id).toSorted(), ['no-number@1', 'twin@1'])
  const why = Object.fromEntries(bad.unusable.map(({ id, problem }) => [id, problem]))
  assert.match(why['twin@1']!, /another model is called twin@1 too/)
  assert.match(why['rows@1']!, /answers float32 of shape \[1, 4, 24\].*must be one vector/)
  assert.match(why['outputs@1']!, /answers no "pooled", only last_hidden_state/)
  assert.match(why['threshold.json']!, /threshold must be a cosine distance from 0 to 0.5/)
  assert.match(why['bad name.json']!, /give the card a "name"/)
  assert.match(why['lines@1']!, /missing.txt/)
  assert.match(why['huge@1']!, /9000 dimensions; 8192 is most/)
  // What is no number has no direction: it makes no vector, and the other model still does.
  assert.match((await bad.text('cheap watches'))['embedding-text']!, /^twin@1:[^ ]+$/)
  await bad.close()
})

test('a megabyte of text, sixty scripts and a folder that is gone meanwhile do not stop a model', async () => {
  const own = await folderOf({ words: { card: {}, onnx: words(1) } })
  const model = await openEmbedder(own, pool)
  await rm(own, { recursive: true, force: true })
  const scripts = Array.from({ length: 60 }, (_, at) => String.fromCodePoint(0x0100 + at * 0x180)).join(' ')
  for (const text of [
    'cheap '.repeat(180_000),
    scripts,
    '\u0000\ud800 \u202e',
    '😀'.repeat(5_000),
    'a'.repeat(1_000_000),
  ])
    assert.match((await model.text(text))['embedding-text']!, /^words@1:/)
  assert.deepEqual(await model.text(''), {})
  assert.ok(await model.models[0]!.works())
  await model.close()
})
