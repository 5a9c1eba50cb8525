import type { Event } from '../domain/event.ts'
import { alterPicture, paintPicture, type Picture } from '../kernels/picture.ts'
import type { PhotoSpec, Simulated, Truth } from './truth.ts'

/** Encodes packed RGB as JPEG. Passed in, so that the simulator needs no image library. */
export type EncodeJpeg = (rgb: Uint8Array, width: number, height: number, quality: number) => Promise<Uint8Array>

export const photoWidth = 240
export const photoHeight = 160

/** A painter that remembers the latest photos, since copies circulate. Answers JPEG bytes. */
export function createPhotographer(encode: EncodeJpeg, kept = 400): (spec: PhotoSpec) => Promise<Uint8Array> {
  const made = new Map<string, Promise<Uint8Array>>()
  // Painting costs ten times what a copy costs, and most copies are of a few originals.
  const originals = new Map<string, Picture>()
  const originalOf = (spec: PhotoSpec): Picture => {
    const key = `${spec.style} ${spec.seed}`
    const original = originals.get(key) ?? paintPicture(spec.seed, spec.style, photoWidth, photoHeight)
    originals.delete(key)
    originals.set(key, original)
    if (originals.size > 64) originals.delete(originals.keys().next().value!)
    return original
  }
  return (spec) => {
    const key = JSON.stringify([spec.seed, spec.style, spec.quality, spec.change])
    let photo = made.get(key)
    if (photo === undefined) {
      const original =
        spec.change === undefined ? paintPicture(spec.seed, spec.style, photoWidth, photoHeight) : undefined
      const { rgb, width, height } = original ?? alterPicture(originalOf(spec), spec.change!)
      photo = encode(rgb, width, height, spec.quality)
    } else made.delete(key)
    made.set(key, photo)
    if (made.size > kept) made.delete(made.keys().next().value!)
    return photo
  }
}

/** Adds the photos as inline base64 bytes. Keeps the order; paints up to `ahead` events in advance. */
export async function* withPhotos(
  simulated: Iterable<Simulated>,
  photograph: (spec: PhotoSpec) => Promise<Uint8Array>,
  ahead = 64,
): AsyncGenerator<{ event: Event; truth: Truth }, void, undefined> {
  const waiting: (Simulated | Promise<{ event: Event; truth: Truth }>)[] = []
  for (const next of simulated) {
    waiting.push(next.photos.length === 0 ? next : develop(next, photograph))
    if (waiting.length > ahead) yield strip(await waiting.shift()!)
  }
  for (const rest of waiting) yield strip(await rest)
}

const strip = ({ event, truth }: { event: Event; truth: Truth }): { event: Event; truth: Truth } => ({ event, truth })

async function develop(
  { event, truth, photos }: Simulated,
  photograph: (spec: PhotoSpec) => Promise<Uint8Array>,
): Promise<{ event: Event; truth: Truth }> {
  const bytes = await Promise.all(photos.map((spec) => photograph(spec)))
  const media = event.item!.media!.map((one, index) => ({ ...one, bytes: base64(bytes[index]!) }))
  return { event: { ...event, item: { ...event.item!, media } }, truth }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
