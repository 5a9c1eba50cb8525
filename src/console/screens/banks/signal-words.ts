/** What a signal type is called, and what its distance means to a person. */
type SignalWords = {
  title: string
  /** The default of the signal type, the largest that is allowed, and the step of both. */
  threshold: number
  max: number
  step: number
  /** What is found at a threshold, in one sentence. */
  means: (threshold: number) => string
}

const percent = (share: number) => `${Math.round(share * 100)} %`
const same = (what: string) => (): string => `${what}; there is no nearer or farther.`

/** Signal types in the order in which they are listed. */
export const signalWords: Record<string, SignalWords> = {
  pdq: {
    title: 'Photo, PDQ',
    threshold: 31,
    max: 64,
    step: 1,
    means: (bits) =>
      bits === 0
        ? 'Only photos with the very same hash: at most saved anew.'
        : `Photos of which up to ${bits} of 256 bits differ: ${bits <= 16 ? 'resized or recompressed' : bits <= 31 ? 'resized, recompressed or lightly edited' : 'also heavily edited ones, and some that only look alike'}.`,
  },
  local: {
    title: 'Photo, details',
    threshold: 52,
    max: 56,
    step: 1,
    means: (distance) =>
      `Photos with at least ${64 - distance} places in common: also cut, framed, written on or photographed from a screen.`,
  },
  vpdq: {
    title: 'Video, vPDQ',
    threshold: 20,
    max: 60,
    step: 1,
    means: (missing) => `Videos of which at least ${100 - missing} % of the frames are known.`,
  },
  tmk: {
    title: 'Video, TMK',
    threshold: 0.3,
    max: 0.5,
    step: 0.01,
    means: (distance) => `Videos with TMK scores of at least ${(1 - distance).toFixed(2)}.`,
  },
  chromaprint: {
    title: 'Sound, Chromaprint',
    threshold: 0.25,
    max: 0.35,
    step: 0.01,
    means: (share) => `Sounds of whose fingerprint up to ${percent(share)} differs.`,
  },
  sha256: { title: 'Same file, SHA-256', threshold: 0, max: 0, step: 1, means: same('The same bytes') },
  sha1: { title: 'Same file, SHA-1', threshold: 0, max: 0, step: 1, means: same('The same bytes') },
  md5: { title: 'Same file, MD5', threshold: 0, max: 0, step: 1, means: same('The same bytes') },
  text: { title: 'Same words', threshold: 0, max: 0, step: 1, means: same('The same words in the same order') },
  'text-skeleton': {
    title: 'Same words, disguised',
    threshold: 0,
    max: 0,
    step: 1,
    means: same('The same words, with look-alike letters undone'),
  },
  'text-near': {
    title: 'Nearly the same text',
    threshold: 0.5,
    max: 0.7,
    step: 0.01,
    means: (distance) => `Texts that share at least ${percent(1 - distance)} of their wording.`,
  },
  tlsh: {
    title: 'Text, TLSH',
    threshold: 30,
    max: 100,
    step: 1,
    means: (distance) => `Texts up to ${distance} apart in TLSH; 0 is the same digest.`,
  },
  url: {
    title: 'Address',
    threshold: 1,
    max: 1,
    step: 1,
    means: (steps) => (steps === 0 ? 'The same address.' : 'The same address, also behind a redirect.'),
  },
  'url-domain': { title: 'Site', threshold: 0, max: 0, step: 1, means: same('Any address of the same site') },
  'embedding-photo': {
    title: 'Photo, by its meaning',
    threshold: 0.08,
    max: 0.5,
    step: 0.01,
    means: (distance) => `Photos up to ${distance.toFixed(2)} apart by cosine; 0 is the same.`,
  },
  'embedding-text': {
    title: 'Text, by its meaning',
    threshold: 0.08,
    max: 0.5,
    step: 0.01,
    means: (distance) => `Texts up to ${distance.toFixed(2)} apart by cosine; 0 is the same.`,
  },
}

/** `pdq` → `Photo, PDQ`; a type that is not known here keeps its name. */
export function signalTitle(name: string): string {
  return signalWords[name]?.title ?? name
}

/** A distance in words: `14 of 256 bits`. */
export function distanceText(name: string, distance: number): string {
  if (name === 'pdq') return `${distance} of 256 bits differ`
  if (name === 'text-near') return `${percent(1 - distance)} of the wording the same`
  if (name === 'vpdq') return `${100 - distance} % of the frames the same`
  if (name === 'local') return `${64 - distance} places in common`
  if (name === 'chromaprint') return `${percent(distance)} of the sound differs`
  return distance === 0 ? 'the same' : `${distance.toLocaleString('en', { maximumFractionDigits: 3 })} apart`
}
