import { InputError, quote } from '../../domain/error.ts'
import { cosineDistance, createVectorIndex, type VectorIndex } from '../../kernels/hnsw.ts'
import type { LookupContent, SignalHit, SignalType } from './signal-type.ts'

const excerptLengthMax = 200
const dimensionsMax = 8_192

/** What an operator's model makes of photos, compared by cosine; signals of different models or versions never match. */
export const photoEmbeddingType = embeddingType('embedding-photo', 'photo')
/** What an operator's model makes of texts. */
export const textEmbeddingType = embeddingType('embedding-text', 'text')

function embeddingType(name: string, part: 'photo' | 'text'): SignalType {
  const signalOf = (content: LookupContent) =>
    part === 'photo' ? content.photos?.[0]?.signals?.[name] : content.textSignals?.[name]
  return {
    name,
    version: `${name}@1`,
    // Models differ in what a distance means; a bank sets what its model needs.
    threshold: 0.08,
    thresholdMax: 0.5,
    thresholdStep: 0.01,
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
      const [left, right] = [takeApart(query), takeApart(entry)]
      if (left.model !== right.model || left.vector.length !== right.vector.length)
        return { distance: 2, similarity: 0 }
      const distance = cosineDistance(left.vector, right.vector)
      return { distance, similarity: Math.max(0, 1 - distance) }
    },
    createIndex() {
      const indexes = new Map<string, VectorIndex>()
      const modelOf = new Map<number, string>()
      const hitOf = (at: { slot: number; distance: number }, matched: SignalHit['part']): SignalHit => {
        const similarity = Math.max(0, 1 - at.distance)
        return { ...at, part: matched, similarity, confidence: similarity }
      }
      const remove = (slot: number) => {
        const model = modelOf.get(slot)
        if (model === undefined) return
        modelOf.delete(slot)
        const index = indexes.get(model)!
        index.remove(slot)
        if (index.size === 0) indexes.delete(model)
      }
      const near = (signal: string | undefined, { radiusMax, thresholdOf, wanted }: Parameters<SearchOf>[1]) => {
        if (signal === undefined) return []
        const { model, vector } = takeApart(signal)
        const index = indexes.get(keyOf(model, vector))
        if (index === undefined) return []
        return index
          .within(vector, radiusMax)
          .filter(({ id, distance }) => wanted?.(id) !== false && distance <= thresholdOf(id))
          .map(({ id, distance }) => ({ slot: id, distance }))
      }
      return {
        add(slot, signal) {
          remove(slot)
          const { model, vector } = takeApart(signal)
          const key = keyOf(model, vector)
          const index = indexes.get(key) ?? createVectorIndex({ dimensions: vector.length })
          indexes.set(key, index)
          index.add(slot, vector)
          modelOf.set(slot, key)
        },
        remove,
        search(content, options) {
          if (part === 'text') {
            const text = content.text ?? ''
            const whole = {
              kind: 'text',
              start: 0,
              end: text.length,
              excerpt: text.slice(0, excerptLengthMax),
            } as const
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

type SearchOf = ReturnType<SignalType['createIndex']>['search']
const keyOf = (model: string, vector: Float32Array) => `${model}:${vector.length}`

/** Model and version, and the direction, eight bits a dimension: only the direction counts. */
function takeApart(signal: string): { model: string; vector: Float32Array } {
  const colon = signal.indexOf(':')
  const bytes = Buffer.from(signal.slice(colon + 1), 'base64')
  return {
    model: signal.slice(0, colon),
    vector: Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)),
  }
}

function parseSignal(field: string, signal: string): string {
  const refuse = (problem: string, limit?: number) =>
    new InputError(`${field} ${problem}`, [
      { field, problem, value: quote(signal), ...(limit === undefined ? {} : { limit }) },
    ])
  const parts = /^([a-z0-9][a-z0-9._-]{0,63}@[a-z0-9][a-z0-9._-]{0,31}):([A-Za-z0-9+/]+={0,2})$/.exec(signal)
  if (parts === null) throw refuse('must be "model@version:" and base64 of one signed byte a dimension')
  const bytes = Buffer.from(parts[2]!, 'base64')
  if (bytes.length > dimensionsMax) throw refuse(`has ${bytes.length} dimensions`, dimensionsMax)
  if (bytes.every((byte) => byte === 0)) throw refuse('is a vector without direction')
  return `${parts[1]!}:${bytes.toString('base64')}`
}
