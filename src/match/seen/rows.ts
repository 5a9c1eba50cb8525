import { packedLayout, packFeatures } from '../../kernels/local-packed.ts'
import { readFeatures, seenFeaturesMax } from '../places/desk.ts'
import { signalTypes } from '../signal-types/all.ts'
import { pdqQualityMin } from '../signal-types/photo.ts'
import type { LookupContent, SignalType } from '../signal-types/signal-type.ts'

/** Types whose canonical form is hexadecimal: kept as bytes. */
const hexTypes = new Set(['pdq', 'sha256', 'sha1', 'md5'])
/** Longer signals (of very long videos) are not kept. */
const signalBytesMax = 65_536
/** Of texts as much is kept; passages beyond are not found again. */
const textLengthMax = 2_000
/** Long enough for every type that makes its signal of words. */
const sampleText =
  'a text of some length, with enough different words in it that every measure of words finds something to say'

/** A canonical signal as it is kept. */
export function packSignal(type: string, signal: string): Buffer {
  if (type === 'local') return packPlaces(signal)
  return Buffer.from(signal, hexTypes.has(type) ? 'hex' : 'utf8')
}

/** A kept signal in canonical form. */
export function unpackSignal(type: string, packed: Buffer): string {
  if (type === 'local') return placesOf(packed).toString('base64')
  return packed.toString(hexTypes.has(type) ? 'hex' : 'utf8')
}

/** The strongest features of a photo, as bytes: a third of the signal (docs/guides/match-derivatives.md has what that costs). */
function packPlaces(signal: string): Buffer {
  const features = readFeatures(signal)
  return features === undefined ? Buffer.alloc(0) : Buffer.from(packFeatures(features, seenFeaturesMax))
}

/** Kept features as bytes. Earlier they were kept as their text. */
export function placesOf(packed: Buffer): Buffer {
  return packed[0] === packedLayout ? packed : Buffer.from(packed.toString('latin1'), 'base64')
}

/** Types whose signals follow from those of another type, which alone is kept: of a text its words, of a link its address. */
const keptAs = new Map<string, string>(
  signalTypes.flatMap((type): [string, string][] => {
    if (type.part === 'link' && type.name !== 'url') return [[type.name, 'url']]
    // Others need more than the words (models), and are kept themselves.
    const ofWords = type.part === 'text' && type.signalOf({ text: sampleText }) !== undefined
    return ofWords && type.name !== 'text' ? [[type.name, 'text']] : []
  }),
)

/** Under which type a signal of this type is kept, and what a kept signal says for it. */
export function keptTypeOf(type: SignalType): { kept: string; contentOf: (kept: string) => LookupContent } {
  const kept = keptAs.get(type.name) ?? type.name
  return {
    kept,
    contentOf:
      kept === 'text' ? (text) => ({ text }) : kept === 'url' ? (url) => ({ links: [{ url }] }) : type.contentOf,
  }
}

/** A kept signal with those of other types that follow from it. */
export function withDerived(type: string, signal: string): Record<string, string> {
  const content: LookupContent = type === 'text' ? { text: signal } : { links: [{ url: signal }] }
  const derived = [...keptAs].flatMap(([name, kept]): [string, string][] => {
    const made = kept === type ? signalTypes.find((one) => one.name === name)!.signalOf(content) : undefined
    return made === undefined ? [] : [[name, made]]
  })
  return { [type]: signal, ...Object.fromEntries(derived) }
}

export type SeenSignalOf = { part: string; type: string; signal: Buffer }

/**
 * What is kept of an item: every signal of every part, as far as something may be found by it later. Photos of low
 * quality are kept by their bytes alone; a medium with a SHA-256 is found by MD5 and SHA-1 through its record.
 */
export function seenSignalsOf(content: LookupContent): SeenSignalOf[] {
  const kept: SeenSignalOf[] = []
  const parts: [string, LookupContent, readonly SignalType[]][] = [
    ...(content.photos ?? []).map((photo, index): (typeof parts)[number] => [
      `photo:${index}`,
      { photos: [photo] },
      mediaTypes,
    ]),
    ...(content.videos ?? []).map((video, index): (typeof parts)[number] => [
      `video:${index}`,
      { videos: [video] },
      mediaTypes,
    ]),
    ...(content.audios ?? []).map((audio, index): (typeof parts)[number] => [
      `audio:${index}`,
      { audios: [audio] },
      mediaTypes,
    ]),
    ...(content.links ?? []).map((link, index): (typeof parts)[number] => [
      `link:${index}`,
      { links: [link] },
      linkTypes,
    ]),
    ...(content.text === undefined || content.text === ''
      ? []
      : [
          [
            'text',
            {
              text: content.text.slice(0, textLengthMax),
              ...(content.textSignals === undefined ? {} : { textSignals: content.textSignals }),
            },
            textTypes,
          ] satisfies (typeof parts)[number],
        ]),
  ]
  for (const [part, alone, types] of parts) {
    let digested = false
    for (const type of types) {
      if (digested && (type.name === 'md5' || type.name === 'sha1')) continue
      if (type.name === 'pdq' && (alone.photos?.[0]?.quality ?? 100) < pdqQualityMin) continue
      const signal = type.signalOf(alone)
      if (signal === undefined || signal === '' || signal.includes('\u0000')) continue
      const packed = packSignal(type.name, signal)
      if (packed.length > signalBytesMax) continue
      kept.push({ part, type: type.name, signal: packed })
      digested ||= type.name === 'sha256'
    }
  }
  return kept
}

const ofParts = (...kinds: SignalType['part'][]) =>
  signalTypes.filter(({ name, part }) => kinds.includes(part) && !keptAs.has(name))
const mediaTypes = ofParts('photo', 'video', 'audio')
const textTypes = ofParts('text')
const linkTypes = ofParts('link')
