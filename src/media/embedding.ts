import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-node'
import { directionBytes } from '../kernels/byte-vectors.ts'
import { createWordPiece } from '../kernels/word-piece.ts'
import type { MediaHasher } from './hashers.ts'
import type { MediaPool } from './hash-pool.ts'
import { readModelCard, type ModelCard } from './model-card.ts'

/** One model in use. */
export type EmbeddingModel = {
  /** `name@version`: its vectors are compared with those of the same one only. */
  id: string
  kind: ModelCard['kind']
  /** The signal type that its vectors are searched under. */
  type: 'embedding-photo' | 'embedding-text'
  dimensions: number
  /** The cosine distance up to which two contents are the same, as its card says. */
  threshold?: number
  /**
   * The vector of a text or of a photo's file as `id:base64`; undefined where the model makes none (an empty text, numbers
   * that are not finite). Throws an InputError for a file that is no good photo, and an Error when the model fails.
   */
  embed: (content: string | Uint8Array) => Promise<string | undefined>
  /** Whether it still does what it did when it was opened. */
  works: () => Promise<boolean>
}

/** The models of an installation, ready to run. */
export type Embedder = {
  models: readonly EmbeddingModel[]
  /** Ids (or file names, where the card cannot be read) of models that cannot be used, each with why. */
  unusable: readonly { id: string; problem: string }[]
  /** Everything that is wrong with the folder, in words. */
  problems: readonly string[]
  /** What hashes photos, one for all photo models. */
  hashers: readonly MediaHasher[]
  /** Signals of a text by the name of their type; none without a text model. A model that fails is left out. */
  text: (text: string) => Promise<Record<string, string>>
  close: () => Promise<void>
}

export type EmbedderOptions = {
  /** Told when a model fails on something that others can be asked about. */
  onError?: (model: string, error: Error) => void
}

type Runtime = typeof import('onnxruntime-node')
type Asked = { runtime: Runtime; id: string; card: ModelCard; session: InferenceSession }

/** As much of a text is read: far more than any model looks at. */
const textCharactersMax = 20_000
const modelBytesMax = 2 * 1024 ** 3
const vocabularyBytesMax = 64 * 1024 ** 2
const dimensionsMax = 8_192
/** One lookup asks every model. */
const modelsPerKindMax = 8

/**
 * Opens every ONNX model of a folder that has a card (NAME.onnx beside NAME.json), and asks each once, so that one that
 * answers in another shape than its card says is found now. What cannot be used is left out and said. Models are the
 * operator's own and run in this process, on threads of their own; photos are decoded by the pool, in processes of
 * their own. Files are read once: a model goes on when its file is gone.
 */
export async function openEmbedder(
  folder: string | undefined,
  pool: Pick<MediaPool, 'pixels'>,
  { onError = () => {} }: EmbedderOptions = {},
): Promise<Embedder> {
  const problems: string[] = []
  const unusable: { id: string; problem: string }[] = []
  const models: (EmbeddingModel & { close: () => Promise<void> })[] = []
  const runtime = folder === undefined ? undefined : await loadRuntime(problems)
  for (const path of runtime === undefined ? [] : await cardsIn(folder!, problems)) {
    let id = basename(path)
    const refuse = (problem: string) => {
      problems.push(`${basename(path)}: ${problem}`)
      unusable.push({ id, problem })
    }
    try {
      const card = readModelCard(await readFile(path, 'utf8'))
      id = idOf(path, card)
      const same = models.filter(({ kind }) => kind === card.kind)
      if (models.some((other) => other.id === id)) refuse(`another model is called ${id} too; give one another version`)
      else if (same.length === modelsPerKindMax) refuse(`there are ${modelsPerKindMax} ${card.kind} models already`)
      else models.push(await openModel(runtime!, path, id, card, pool))
    } catch (error) {
      refuse((error as Error).message.split('\n')[0]!)
    }
  }

  /** What the models of a kind make of a content: one signal with a vector of each; a failing one is left out. */
  const signalBy = async (kind: ModelCard['kind'], content: string | Uint8Array) => {
    const asked = models.filter((model) => model.kind === kind)
    const vectors: string[] = []
    for (const model of asked)
      try {
        const vector = await model.embed(content)
        if (vector !== undefined) vectors.push(vector)
      } catch (error) {
        if ((error as Error).name === 'InputError') throw error
        onError(model.id, error as Error)
      }
    return vectors.length === 0 ? {} : { [asked[0]!.type]: vectors.toSorted().join(' ') }
  }
  const photos = models.filter(({ kind }) => kind === 'photo')
  return {
    models,
    unusable,
    problems,
    hashers:
      photos.length === 0
        ? []
        : [
            {
              name: `embedding-photo:${photos.map(({ id }) => id).join('+')}`,
              kinds: ['photo'],
              hash: async ({ bytes }) => ({ signals: await signalBy('photo', bytes) }),
            } satisfies MediaHasher,
          ],
    text: async (text) => (text.trim() === '' ? {} : signalBy('text', text)),
    async close() {
      for (const model of models) await model.close()
    },
  }
}

function idOf(path: string, { name, version }: ModelCard): string {
  const id = `${name ?? basename(path, '.json').toLowerCase()}@${version}`
  if (!/^[a-z0-9][a-z0-9._-]{0,63}@/.test(id))
    throw new Error(`its file name cannot be its name in signals; give the card a "name" of a-z, 0-9, ".", "_", "-"`)
  return id
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

async function openModel(
  runtime: Runtime,
  cardPath: string,
  id: string,
  card: ModelCard,
  pool: Pick<MediaPool, 'pixels'>,
): Promise<EmbeddingModel & { close: () => Promise<void> }> {
  const path = cardPath.replace(/\.json$/, '.onnx')
  await checkSize(path, modelBytesMax)
  let tokens: ((text: string) => number[]) | undefined
  if (card.kind === 'text') {
    const vocabularyPath = join(cardPath, '..', card.vocabulary)
    await checkSize(vocabularyPath, vocabularyBytesMax)
    const vocabulary = (await readFile(vocabularyPath, 'utf8')).split(/\r?\n/)
    const { lowercase, lengthMax } = card
    tokens = createWordPiece({ vocabulary, lowercase, lengthMax })
  }
  const session = await runtime.InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  const asked: Asked = { runtime, id, card, session }
  const vectorOf = async (content: string | Uint8Array): Promise<Float32Array> => {
    if (card.kind === 'text') return embedText(asked, tokens!((content as string).slice(0, textCharactersMax)))
    return embedPhoto(asked, await pool.pixels(content as Uint8Array, card.input))
  }
  const probe = () =>
    card.kind === 'text'
      ? embedText(asked, tokens!('a test'))
      : embedPhoto(
          asked,
          Uint8Array.from({ length: card.input.width * card.input.height * 3 }, (_, at) => (at * 7) % 251),
        )
  try {
    const dimensions = (await probe()).length
    if (dimensions > dimensionsMax)
      throw new Error(`its vectors have ${dimensions} dimensions; ${dimensionsMax} is most`)
    return {
      id,
      kind: card.kind,
      type: `embedding-${card.kind}`,
      dimensions,
      ...(card.threshold === undefined ? {} : { threshold: card.threshold }),
      async embed(content) {
        const vector = await vectorOf(content)
        if (vector.length !== dimensions)
          throw new Error(`${id} answered ${vector.length} numbers where it answered ${dimensions} before`)
        const bytes = directionBytes(vector)
        return bytes === undefined ? undefined : `${id}:${Buffer.from(bytes.buffer).toString('base64')}`
      },
      works: () =>
        probe().then(
          (vector) => vector.length === dimensions,
          () => false,
        ),
      close: () => session.release(),
    }
  } catch (error) {
    await session.release()
    throw error
  }
}

async function checkSize(path: string, bytesMax: number): Promise<void> {
  const { size } = await stat(path)
  if (size > bytesMax) throw new Error(`${basename(path)} has ${size} bytes; ${bytesMax} is most`)
}

async function embedPhoto(model: Asked, rgb: Uint8Array): Promise<Float32Array> {
  const { card, session, runtime } = model
  if (card.kind !== 'photo') throw new TypeError(`${model.id} looks at no photos`)
  const { width, height, layout, mean, std } = card.input
  const area = width * height
  const values = new Float32Array(area * 3)
  for (let pixel = 0; pixel < area; pixel++)
    for (let channel = 0; channel < 3; channel++) {
      const value = (rgb[pixel * 3 + channel]! / 255 - mean[channel]!) / std[channel]!
      values[layout === 'nchw' ? channel * area + pixel : pixel * 3 + channel] = value
    }
  const dims = layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3]
  const name = card.input.name ?? session.inputNames[0]!
  return pooled(model, await session.run({ [name]: new runtime.Tensor('float32', values, dims) }), undefined)
}

async function embedText(model: Asked, ids: readonly number[]): Promise<Float32Array> {
  const { session, runtime } = model
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
  const feeds = Object.fromEntries(Object.entries(given).filter(([name]) => session.inputNames.includes(name)))
  return pooled(model, await session.run(feeds), ids.length)
}

/** One vector of what the model answers: as it is, or the mean or first of its rows. Throws for any other shape. */
function pooled({ card, session }: Asked, answers: Record<string, Tensor>, rows: number | undefined): Float32Array {
  const name = card.output.name ?? session.outputNames[0]!
  const answer = answers[name]
  if (answer === undefined) throw new Error(`the model answers no "${name}", only ${session.outputNames.join(', ')}`)
  const shape = `answers ${answer.type} of shape [${answer.dims.join(', ')}]`
  if (answer.type !== 'float32') throw new Error(`the model ${shape}; 32-bit floats are needed`)
  const values = answer.data as Float32Array
  const width = answer.dims.at(-1) ?? 0
  const count = width === 0 ? 0 : values.length / width
  if (count === 0) throw new Error(`the model ${shape}, which holds nothing`)
  if (card.output.pool === 'none') {
    if (count !== 1) throw new Error(`the model ${shape}; with output.pool "none" it must be one vector`)
    return Float32Array.from(values)
  }
  if (card.output.pool === 'first') return values.slice(0, width)
  if (rows !== undefined && count !== rows)
    throw new Error(`the model ${shape}; with output.pool "mean" it must have a row for each of ${rows} pieces`)
  const vector = new Float32Array(width)
  for (let at = 0; at < values.length; at++) vector[at % width]! += values[at]! / count
  return vector
}
