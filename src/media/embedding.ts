import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createWordPiece } from '../kernels/word-piece.ts'
import type { MediaHasher } from './hashers.ts'
import type { MediaPool } from './hash-pool.ts'
import { readModelCard, type ModelCard } from './model-card.ts'
import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-node'

/** The models of an installation, ready to run. */
export type Embedder = {
  models: { name: string; kind: ModelCard['kind'] }[]
  /** Models that could not be opened, each with why. */
  problems: string[]
  /** What hashes photos, one for each photo model. */
  hashers: readonly MediaHasher[]
  /** Signals of a text by the name of their type; none without a text model. */
  text: (text: string) => Promise<Record<string, string>>
  close: () => Promise<void>
}

type Runtime = typeof import('onnxruntime-node')
type OpenModel = { id: string; card: ModelCard; session: InferenceSession; tokens?: (text: string) => number[] }

const textCharactersMax = 20_000

/**
 * Opens every ONNX model of a folder that has a card (NAME.onnx beside NAME.json). What cannot be opened is left out and
 * said in `problems`. Models are the operator's own and run in this process, on threads of their own; photos are
 * decoded by the pool, in processes of their own.
 */
export async function openEmbedder(folder: string | undefined, pool: Pick<MediaPool, 'pixels'>): Promise<Embedder> {
  const problems: string[] = []
  const open: OpenModel[] = []
  if (folder !== undefined) {
    const runtime = await loadRuntime(problems)
    const cards = runtime === undefined ? [] : await cardsIn(folder, problems)
    for (const path of cards) {
      try {
        open.push(await openModel(runtime!, path))
      } catch (error) {
        problems.push(`${basename(path)}: ${(error as Error).message}`)
      }
    }
  }
  // One model of a kind is asked: signals of two would be compared with neither.
  const photos = open.filter(({ card }) => card.kind === 'photo')
  const texts = open.filter(({ card }) => card.kind === 'text')
  for (const extra of [...photos.slice(1), ...texts.slice(1)])
    problems.push(`${extra.id}: another ${extra.card.kind} model is in use; keep one of them in the folder`)
  const runtime = open.length === 0 ? undefined : await loadRuntime(problems)
  return {
    models: [...photos.slice(0, 1), ...texts.slice(0, 1)].map(({ id, card }) => ({ name: id, kind: card.kind })),
    problems,
    hashers: photos.slice(0, 1).map((model): MediaHasher => ({
      name: `embedding-photo:${model.id}`,
      kinds: ['photo'],
      async hash({ bytes }) {
        const { width, height } = inputOf(model.card)
        const rgb = await pool.pixels(bytes, { width, height })
        const vector = await embedPhoto(runtime!, model, rgb)
        const signals: Record<string, string> = {}
        if (vector !== undefined) signals['embedding-photo'] = signalOf(model, vector)
        return { signals }
      },
    })),
    async text(text) {
      const model = texts[0]
      if (model === undefined || text.trim() === '') return {}
      const vector = await embedText(runtime!, model, text.slice(0, textCharactersMax))
      const signals: Record<string, string> = {}
      if (vector !== undefined) signals['embedding-text'] = signalOf(model, vector)
      return signals
    },
    async close() {
      for (const { session } of open) await session.release()
    },
  }
}

async function loadRuntime(problems: string[]): Promise<Runtime | undefined> {
  try {
    const loaded = (await import('onnxruntime-node')) as Runtime & { default?: Runtime }
    return loaded.default ?? loaded
  } catch (error) {
    problems.push(`onnxruntime-node cannot be loaded (${(error as Error).message.split('\n')[0]}); npm ci installs it`)
    return undefined
  }
}

async function cardsIn(folder: string, problems: string[]): Promise<string[]> {
  try {
    const names = await readdir(folder)
    const cards = names.filter((name) => name.endsWith('.json') && names.includes(name.replace(/\.json$/, '.onnx')))
    for (const name of names)
      if (name.endsWith('.onnx') && !names.includes(name.replace(/\.onnx$/, '.json')))
        problems.push(`${name}: there is no ${name.replace(/\.onnx$/, '.json')} that says how to use it`)
    return cards.sort().map((name) => join(folder, name))
  } catch (error) {
    problems.push(`${folder} cannot be read: ${(error as Error).message}`)
    return []
  }
}

async function openModel(runtime: Runtime, cardPath: string): Promise<OpenModel> {
  const card = readModelCard(await readFile(cardPath, 'utf8'))
  const session = await runtime.InferenceSession.create(cardPath.replace(/\.json$/, '.onnx'), {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  const id = `${basename(cardPath, '.json').toLowerCase()}@${card.version}`
  if (card.kind === 'photo') return { id, card, session }
  const vocabulary = (await readFile(join(cardPath, '..', card.vocabulary), 'utf8')).split(/\r?\n/)
  const { lowercase, lengthMax } = card
  return { id, card, session, tokens: createWordPiece({ vocabulary, lowercase, lengthMax }) }
}

function inputOf(card: ModelCard): { width: number; height: number } {
  if (card.kind !== 'photo') throw new Error('not a photo model')
  return card.input
}

async function embedPhoto(runtime: Runtime, model: OpenModel, rgb: Uint8Array): Promise<Float32Array | undefined> {
  if (model.card.kind !== 'photo') return undefined
  const { width, height, layout, mean, std } = model.card.input
  const area = width * height
  const values = new Float32Array(area * 3)
  for (let pixel = 0; pixel < area; pixel++)
    for (let channel = 0; channel < 3; channel++) {
      const value = (rgb[pixel * 3 + channel]! / 255 - mean[channel]!) / std[channel]!
      values[layout === 'nchw' ? channel * area + pixel : pixel * 3 + channel] = value
    }
  const dims = layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3]
  const name = model.card.input.name ?? model.session.inputNames[0]!
  const answers = await model.session.run({ [name]: new runtime.Tensor('float32', values, dims) })
  return vectorOf(model, answers, 0)
}

async function embedText(runtime: Runtime, model: OpenModel, text: string): Promise<Float32Array | undefined> {
  const ids = model.tokens!(text)
  const row = (value: (index: number) => number) =>
    new runtime.Tensor(
      'int64',
      BigInt64Array.from(ids, (_, index) => BigInt(value(index))),
      [1, ids.length],
    )
  const given: Record<string, TypedTensor<'int64'>> = {
    input_ids: row((index) => ids[index]!),
    attention_mask: row(() => 1),
    token_type_ids: row(() => 0),
  }
  const feeds = Object.fromEntries(Object.entries(given).filter(([name]) => model.session.inputNames.includes(name)))
  return vectorOf(model, await model.session.run(feeds), ids.length)
}

/** One vector of what the model answers: as it is, or the mean or first of its rows. */
function vectorOf(
  { card, session }: OpenModel,
  answers: Record<string, Tensor>,
  rows: number,
): Float32Array | undefined {
  const name = card.output.name ?? session.outputNames[0]!
  const answer = answers[name]
  if (answer === undefined) throw new Error(`the model answers no "${name}", only ${session.outputNames.join(', ')}`)
  const values = answer.data as Float32Array
  if (card.output.pool === 'none') return directed(Float32Array.from(values))
  const width = answer.dims.at(-1)!
  if (card.output.pool === 'first') return directed(Float32Array.from(values.subarray(0, width)))
  const count = rows === 0 ? values.length / width : rows
  const vector = new Float32Array(width)
  for (let at = 0; at < count * width; at++) vector[at % width]! += values[at]! / count
  return directed(vector)
}

const directed = (vector: Float32Array) =>
  vector.every(Number.isFinite) && vector.some((value) => value !== 0) ? vector : undefined

/** The canonical signal: one signed byte a dimension, scaled to the largest. */
function signalOf({ id }: OpenModel, vector: Float32Array): string {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const bytes = Int8Array.from(vector, (value) => Math.round((value / largest) * 127))
  return `${id}:${Buffer.from(bytes.buffer).toString('base64')}`
}
