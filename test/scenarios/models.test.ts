import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import sharp from 'sharp'
import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createClient, type Client } from '../../src/http/client.ts'
import { makeBank, makeBankEntry } from '../../src/http/contract/banks.ts'
import { lookupMatches } from '../../src/http/contract/match.ts'
import { listModels } from '../../src/http/contract/models.ts'
import { createRandom } from '../../src/kernels/random.ts'
import { testApp } from '../app.ts'
import { photoModel, textModel } from '../onnx.ts'

const vocabulary = '[PAD] [UNK] [CLS] [SEP] cheap watches good morning sale today buy now gold free'.split(' ')
const normal = (count: number, seed: number) => {
  const random = createRandom(seed)
  return Float32Array.from({ length: count }, () => random.normal())
}
const folder = await mkdtemp(join(tmpdir(), 'custos-models-'))
after(() => rm(folder, { recursive: true, force: true }))
await writeFile(join(folder, 'vocab.txt'), vocabulary.join('\n'))
const put = async (file: string, card: object, onnx: Uint8Array) => {
  await writeFile(join(folder, `${file}.onnx`), onnx)
  await writeFile(join(folder, `${file}.json`), JSON.stringify(card))
}
const putWords = (version: string, dimensions: number) =>
  put(
    `words-${version}`,
    { kind: 'text', name: 'words', version, threshold: 0.03 },
    textModel(vocabulary.length, dimensions, normal(vocabulary.length * dimensions, dimensions)),
  )
const remove = (file: string) => Promise.all(['onnx', 'json'].map((end) => rm(join(folder, `${file}.${end}`))))

test('entries old and new get vectors of every model, versions run side by side, and the old one goes when its files do', async () => {
  const first = await testApp()
  let stop = first.app.stop
  let client: Client = first.platform
  let url = first.url
  const restart = async () => {
    await stop()
    const config = readConfig(
      { ...first.env, CUSTOS_PORT: '0', CUSTOS_LOG: 'warn', CUSTOS_MODELS: folder },
      first.dataDir,
    )
    config.secretKey = randomBytes(32)
    const app = await startApp(config, { log: () => {}, checkResponses: true })
    stop = app.stop
    after(() => app.stop())
    url = app.url
    client = createClient({ baseUrl: url, key: first.key })
  }
  const models = async () => (await client.call(listModels, {})).items
  const settled = async (...wanted: string[]) => {
    for (let tries = 0; ; tries++) {
      const found = await models()
      const said = found.map(
        ({ model, state, vectors, entries, none }) => `${model} ${state} ${vectors}+${none}/${entries}`,
      )
      if (JSON.stringify(said) === JSON.stringify(wanted)) return
      if (tries === 300) assert.deepEqual(said, wanted)
      await wait(100)
    }
  }
  const find = async (content: object, types = ['embedding-text']) =>
    (await client.call(lookupMatches, { body: { ...content, types } })).matches.map((match) => ({
      entryId: match.entryId,
      type: match.signalType,
      version: match.version,
      threshold: match.threshold,
    }))

  // Before there is any model.
  const { bankId } = await client.call(makeBank, { body: { name: 'known texts' } })
  const add = async (body: object) =>
    (await client.call(makeBankEntry, { params: { bankId }, body: body as { text: string } })).entryId
  const old = await add({ text: 'cheap watches sale today buy now' })
  const picture = (seed: number) => {
    const random = createRandom(seed)
    const blobs = Array.from({ length: 12 }, () => {
      const [x, y, r] = [random.int(320), random.int(240), 20 + random.int(80)]
      return `<circle cx="${x}" cy="${y}" r="${r}" fill="hsl(${random.int(360)},70%,${20 + random.int(60)}%)"/>`
    })
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240">${blobs.join('')}</svg>`
    return sharp(Buffer.from(svg)).flatten({ background: '#446' }).jpeg({ quality: 92 }).toBuffer()
  }
  const upload = async (bytes: Uint8Array) => {
    const answer = await fetch(`${url}/v1/uploads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${first.key}`, 'content-type': 'image/jpeg' },
      body: bytes as BodyInit,
    })
    return ((await answer.json()) as { upload: string }).upload
  }
  const photo = await add({ upload: await upload(await picture(1)) })
  assert.deepEqual(await find({ text: 'now buy today sale watches cheap' }), [])

  await putWords('1', 24)
  await put(
    'small',
    { kind: 'photo', version: '1', input: { width: 16, height: 16, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } },
    photoModel(16, 32, normal(16 * 16 * 3 * 32, 1)),
  )
  await restart()
  await settled('small@1 complete 1+0/1', 'words@1 complete 1+0/1')
  assert.deepEqual(await find({ text: 'now buy today sale watches cheap' }), [
    { entryId: old, type: 'embedding-text', version: 'words@1', threshold: 0.03 },
  ])
  // The same photo, smaller: other bytes.
  const smaller = await sharp(await picture(1))
    .resize(280)
    .jpeg({ quality: 60 })
    .toBuffer()
  const photos = { media: [{ bytes: smaller.toString('base64') }] }
  assert.deepEqual(
    (await find(photos, ['embedding-photo'])).map(({ entryId, version }) => [entryId, version]),
    [[photo, 'small@1']],
  )

  // New ones, one by one and by import; an entry that holds no word of the vocabulary has a vector too.
  const added = await add({ text: 'good morning free gold today' })
  const imported = await fetch(`${url}/v1/banks/${bankId}/imports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${first.key}`, 'content-type': 'application/x-ndjson' },
    body: `${JSON.stringify({ text: 'buy gold watches free free free' })}\n`,
  })
  assert.equal(imported.status, 202, await imported.clone().text())
  await settled('small@1 complete 1+0/1', 'words@1 complete 3+0/3')
  assert.equal((await find({ text: 'today gold free morning good' }))[0]!.entryId, added)
  assert.equal((await find({ text: 'free gold free watches free buy' }))[0]!.type, 'embedding-text')

  // The next version beside the old one: both look, and a bank has a threshold of its own for one of them.
  await putWords('2', 40)
  await restart()
  await settled('small@1 complete 1+0/1', 'words@1 complete 3+0/3', 'words@2 complete 3+0/3')
  const { bankId: strict } = await client.call(makeBank, {
    body: { name: 'by the new one', thresholds: { 'embedding-text:words@1': 0, 'embedding-text:words@2': 0.2 } },
  })
  const { entryId: own } = await client.call(makeBankEntry, {
    params: { bankId: strict },
    body: { text: 'sale sale gold morning' },
  })
  await settled('small@1 complete 1+0/1', 'words@1 complete 4+0/4', 'words@2 complete 4+0/4')
  assert.deepEqual(await find({ text: 'morning gold sale sale good' }), [
    { entryId: own, type: 'embedding-text', version: 'words@2', threshold: 0.2 },
  ])
  await assert.rejects(
    client.call(makeBank, { body: { name: 'wrong', thresholds: { 'embedding-text:words': 0.1 } } }),
    /embedding-text:words/,
  )

  // The old one is retired by taking its files away.
  await remove('words-1')
  await restart()
  await settled('small@1 complete 1+0/1', 'words@2 complete 4+0/4')
  assert.equal((await find({ text: 'now buy today sale watches cheap' }))[0]!.version, 'words@2')
  const [kept] = await first.db.query<{ models: string[] }>(
    'SELECT array_agg(DISTINCT model ORDER BY model) AS models FROM entry_vectors',
  )
  assert.deepEqual(kept!.models, ['small@1', 'words@2'])
})
