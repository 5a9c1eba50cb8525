import { InputError, quote } from '../../domain/error.ts'
import { vectorDistance } from '../../kernels/byte-vectors.ts'
import { createVectorIndex, type VectorIndex } from '../../kernels/hnsw.ts'
import type { LookupContent, SearchOptions, SignalHit, SyncSignalType } from './signal-type.ts'

const excerptLengthMax = 200
const dimensionsMax = 8_192
/** Several models may look at the same content; more than these are a mistake. */
const modelsMax = 8
/** Less apart than this are equal but for rounding. */
const rounding = 1e-9
const modelPattern = /^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9][a-z0-9._-]{0,31}$/

/** What an operator's models make of photos, compared by cosine; signals of different models or versions never match. */
export const photoEmbeddingType = embeddingType('embedding-photo', 'photo')
/** What an operator's models make of texts. */
export const textEmbeddingType = embeddingType('embedding-text', 'text')

/**
 * Vectors of one content by several models as one signal: `name@version:base64` of each, in the order of their names,
 * with a space between. Undefined where there are none.
 */
export function joinVectors(vectors: readonly string[]): string | undefined {
  return vectors.length === 0 ? undefined : vectors.toSorted().join(' ')
}

function embeddingType(name: string, part: 'photo' | 'text'): SyncSignalType {
  const signalOf = (content: LookupContent) =>
    part === 'photo' ? content.photos?.[0]?.signals?.[name] : content.textSignals?.[name]
  return {
    name,
    version: `${name}@1`,
    // Models differ in what a distance means: a card, or a bank, says what its model needs.
    threshold: 0.08,
    thresholdMax: 0.5,
    thresholdStep: 0.01,
    variantPattern: modelPattern,
    part,
    words: {
      title: part === 'photo' ? 'Photo, by its meaning' : 'Text, by its meaning',
      about: `${part === 'photo' ? 'Photos' : 'Texts'} that the model of this installation takes for alike; how near that is depends on the model.`,
      media: [part],
      scale: { zero: 0, perDistance: 1, decimals: 2, unit: 'apart by cosine' },
      finds: [{ upTo: 0.5, what: 'of the same meaning, as far as the model knows' }],
    },
    describe: (distance) => `${distance.toFixed(3)} by cosine`,
    parse: parseSignal,
    contentOf: (signal) =>
      part === 'photo' ? { photos: [{ signals: { [name]: signal } }] } : { textSignals: { [name]: signal } },
    signalOf,
    compare(query, entry) {
      const known = new Map(takeApart(entry).map(({ model, vector }) => [model, vector]))
      const distance = takeApart(query).reduce((least, { model, vector }) => {
        const other = known.get(model)
        return other?.length === vector.length ? Math.min(least, vectorDistance(vector, other)) : least
      }, 2)
      return { distance, similarity: Math.max(0, 1 - distance) }
    },
    createIndex() {
      const indexes = new Map<string, VectorIndex>()
      const keysOf = new Map<number, string[]>()
      const take = (slot: number, key: string) => {
        const index = indexes.get(key)!
        index.remove(slot)
        if (index.size === 0) indexes.delete(key)
      }
      const near = (signal: string | undefined, options: SearchOptions) => {
        const best = new Map<number, { slot: number; distance: number; variant: string; nearness: number }>()
        for (const { model, vector } of signal === undefined ? [] : takeApart(signal)) {
          const index = indexes.get(keyOf(model, vector))
          if (index === undefined) continue
          const { radiusMax, thresholdOf } = options.variant?.(model) ?? options
          for (const { id, distance } of index.within(vector, radiusMax)) {
            const threshold = thresholdOf(id)
            if (distance > threshold || options.wanted?.(id) === false) continue
            // Distances of two models say nothing to each other; how far within its threshold each is, does.
            const nearness = threshold === 0 ? 1 : 1 - distance / threshold
            const known = best.get(id)
            if (known === undefined || nearness > known.nearness + rounding)
              best.set(id, { slot: id, distance, variant: model, nearness })
          }
        }
        return [...best.values()]
      }
      return {
        add(slot, signal) {
          const vectors = takeApart(signal)
          const keys = vectors.map(({ model, vector }) => keyOf(model, vector))
          for (const key of keysOf.get(slot) ?? []) if (!keys.includes(key)) take(slot, key)
          for (const [at, { vector }] of vectors.entries()) {
            const index = indexes.get(keys[at]!) ?? createVectorIndex({ dimensions: vector.length })
            indexes.set(keys[at]!, index)
            index.add(slot, vector)
          }
          keysOf.set(slot, keys)
        },
        remove(slot) {
          for (const key of keysOf.get(slot) ?? []) take(slot, key)
          keysOf.delete(slot)
        },
        improve: (budgetNs) => {
          for (const index of indexes.values()) if (index.maintain(budgetNs)) return true
          return false
        },
        search(content, options) {
          const hitOf = (
            { slot, distance, variant }: ReturnType<typeof near>[number],
            matched: SignalHit['part'],
          ): SignalHit => {
            const similarity = Math.max(0, 1 - distance)
            return { slot, distance, variant, part: matched, similarity, confidence: similarity }
          }
          if (part === 'text') {
            const text = content.text ?? ''
            const excerpt = text.slice(0, excerptLengthMax)
            const whole = { kind: 'text', start: 0, end: text.length, excerpt } as const
            return near(content.textSignals?.[name], options).map((at) => hitOf(at, whole))
          }
          return (content.photos ?? []).flatMap((photo, index) =>
            near(photo.signals?.[name], options).map((at) => {
              const { sha256, quality } = photo
              const matched = {
                kind: 'photo',
                index,
                ...(sha256 === undefined ? {} : { mediaSha256: sha256 }),
              } as const
              return { ...hitOf(at, matched), ...(quality === undefined ? {} : { quality }) }
            }),
          )
        },
      }
    },
  }
}

const keyOf = (model: string, vector: Int8Array) => `${model}:${vector.length}`

/** Model and version of each vector, and its direction, eight bits a dimension: only the direction counts. */
function takeApart(signal: string): { model: string; vector: Int8Array }[] {
  return signal.split(' ').map((one) => {
    const colon = one.indexOf(':')
    const bytes = Buffer.from(one.slice(colon + 1), 'base64')
    return { model: one.slice(0, colon), vector: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) }
  })
}

function parseSignal(field: string, signal: string): string {
  const refuse = (problem: string, limit?: number) =>
    new InputError(`${field} ${problem}`, [
      { field, problem, value: quote(signal), ...(limit === undefined ? {} : { limit }) },
    ])
  const given = signal.split(' ')
  if (given.length > modelsMax) throw refuse(`has vectors of ${given.length} models`, modelsMax)
  const vectors = given.map((one) => {
    const colon = one.indexOf(':')
    const [model, text] = [one.slice(0, Math.max(0, colon)), one.slice(colon + 1)]
    if (!modelPattern.test(model) || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
      throw refuse('must be "model@version:" and base64 of one signed byte a dimension')
    const bytes = Buffer.from(text, 'base64')
    if (bytes.length > dimensionsMax) throw refuse(`has ${bytes.length} dimensions`, dimensionsMax)
    if (bytes.every((byte) => byte === 0)) throw refuse('is a vector without direction')
    return { model, vector: `${model}:${bytes.toString('base64')}` }
  })
  if (new Set(vectors.map(({ model }) => model)).size < vectors.length) throw refuse('has two vectors of one model')
  return joinVectors(vectors.map(({ vector }) => vector))!
}
