import type { HammingStats } from '../../kernels/hamming-stats.ts'

/**
 * How the looked-up photo lies over the entry's, row by row: what is at (x, y) of the one is at
 * ((a x + b y + c) / w, (d x + e y + f) / w) of the other, with w = g x + h y + i. Places are shares of the width and the
 * height of each photo, from its upper left corner.
 */
export type TransformationMatrix = [
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
  h: number,
  i: number,
]

/** Part of a photo, in shares of its width and height. */
export type Inside = { left: number; top: number; width: number; height: number }

/** One more reading of a photo: turned, or with something that was added to it taken away. */
export type PhotoReading = {
  /** How the reading comes from the photo as sent, in the names of `domain/plain-words.ts`: `border`, `invert`. */
  transformation: string
  /** 64 hexadecimal digits. */
  pdq: string
  /** 0 to 100. */
  quality: number
  /** What of the photo was read; all of it where missing. */
  inside?: Inside
}

/** One photo of an item, as hashed by `media/hash-pool.ts` or by the platform. */
export type PhotoContent = {
  sha256?: string
  /** 64 hexadecimal digits. */
  pdq?: string
  /** 0 to 100; unknown for hashes that the platform made. */
  quality?: number
  /** All eight dihedral hashes, the original first; estimated from `pdq` where missing. */
  dihedral?: readonly string[]
  /** What else may be looked for: the photo without its border, letterbox or caption, inverted. */
  readings?: readonly PhotoReading[]
  /** What other signal types made of it, by type name, in their canonical form. */
  signals?: Readonly<Record<string, string>>
}

/** One video or sound of an item: what the signal types made of it, by type name, in their canonical form. */
export type MediaContent = { sha256?: string; signals: Readonly<Record<string, string>> }

/** What is looked up in one go: all matchable parts of one item. */
export type LookupContent = {
  photos?: readonly PhotoContent[]
  videos?: readonly MediaContent[]
  audios?: readonly MediaContent[]
  text?: string
  /** What signal types that need more than the text itself made of it (embeddings), by type name. */
  textSignals?: Readonly<Record<string, string>>
  /** Each with the addresses that it redirects to, where somebody followed them. */
  links?: readonly LinkContent[]
}
export type LinkContent = { url: string; redirects?: readonly string[] }

/** The part of the content that matched. */
export type MatchedPart =
  | { kind: 'photo' | 'video' | 'audio'; index: number; mediaSha256?: string }
  /** Place in the original text, in UTF-16 units, and what stands there, cut to 200 characters. */
  | { kind: 'text'; start: number; end: number; excerpt: string }
  | { kind: 'link'; index: number; url: string }

export type SignalHit = {
  slot: number
  /** By which of several ways of the type, where it has such: the model and version that made the vectors. */
  variant?: string
  part: MatchedPart
  distance: number
  /** 0 to 1. */
  similarity: number
  /** 0 to 1: how sure it is that both are the same, given distance and quality. */
  confidence: number
  quality?: number
  /** How the photo was changed against the entry, in the names that `turnText` of `domain/plain-words.ts` reads. */
  transformation?: string
  transformationMatrix?: TransformationMatrix
}

/** What a search may return: thresholds by slot, the largest of them, and which slots are asked for at all. */
export type SearchOptions = {
  radiusMax: number
  thresholdOf: (slot: number) => number
  /** The same two of a variant of the type, for types that have any: a bank may set a threshold for each. */
  variant?: (name: string) => { radiusMax: number; thresholdOf: (slot: number) => number }
  /** Slots of other banks than those asked for are left out inside the search; all are wanted where missing. */
  wanted?: (slot: number) => boolean
  /** Photos are looked for as they are and not turned; for platforms that sent all turned hashes themselves. */
  unturned?: boolean
}

/** What a search answers: hits, or hits later where another thread searches. */
export type Hits = SignalHit[] | Promise<SignalHit[]>

/** The entries of one tenant under one signal type, searched in memory. */
export type SignalIndex<H extends Hits = Hits> = {
  /** Takes a signal in its canonical form under a slot, in place of what is there: a number that other entries do not use. */
  add: (slot: number, signal: string, quality: number | null) => void
  /** The same for one of very many, where that is quicker: it is found once `maintain` has nothing more to do. */
  addLater?: SignalIndex['add']
  /** Puts itself in order for about so long, in nanoseconds; answers whether there is more to do. */
  maintain?: (budgetNs: number) => boolean
  /** Makes itself quicker for about so long; everything is found before, too. Answers whether there is more to do. */
  improve?: (budgetNs: number) => boolean
  remove: (slot: number) => void
  /**
   * Hits within the threshold of each slot's bank, at most one for each slot and part. Where they come later, what was
   * added before is among them, and a slot that was removed meanwhile is not.
   */
  search: (content: LookupContent, options: SearchOptions) => H
  /** What it is made of, where it searches hashes by distance. */
  stats?: () => HammingStats
}

export type Comparison = {
  distance: number
  /** 0 to 1. */
  similarity: number
  transformation?: string
  transformationMatrix?: TransformationMatrix
  /** How much of the entry is in the query, 0 to 1, where that is another question: a clip of a longer video. */
  entryShare?: number
  /** Which times of the query are which times of the entry, for what runs in time. */
  spans?: readonly { queryFromMs: number; queryToMs: number; entryFromMs: number; entryToMs: number; frames: number }[]
}

/** What content is made of, as far as signals are made of it. */
export type ContentKind = 'photo' | 'video' | 'audio' | 'text' | 'link'

/** What people are told of a signal type: beside every threshold, hash and match. */
export type SignalWords = {
  /** `Photo, PDQ`. */
  title: string
  /** What it finds again and what it does not, for whoever chooses among types. */
  about: string
  /** What it is made of. */
  media: readonly ContentKind[]
  /**
   * A distance as a number that people read: `zero + distance * perDistance`, to so many decimals, before its unit
   * (`14 of 256 bits differ`, `92 % of the frames the same`). Without it things are the same or not.
   */
  scale?: { zero: number; perDistance: number; decimals: number; unit: string }
  /** What thresholds up to each distance let in, the nearest first. */
  finds: readonly { upTo: number; what: string }[]
}

/**
 * One way of recognising known content. A new one is one file with one of these, and a line in `signal-types/all.ts`.
 * A signal is text in a canonical form: equal signals are equal texts.
 */
export type SignalType<H extends Hits = Hits> = {
  /** Key in `signals` of bank entries and in `thresholds` of banks. */
  name: string
  /** Algorithm and version, as signals name it. */
  version: string
  /** Largest distance that matches unless the bank says otherwise, and the largest that a bank may ask for. */
  threshold: number
  thresholdMax: number
  /** Thresholds are multiples of this: 1 for bits, 0.01 for shares. */
  thresholdStep: number
  /** Names of its variants, where it has such (models): `type:variant` is the key of a variant's own threshold. */
  variantPattern?: RegExp
  /** Which part it looks at; parts of different kinds make different signals. */
  part: MatchedPart['kind']
  words: SignalWords
  /** What a distance means: `14 of 256 bits`. */
  describe: (distance: number) => string
  /** The canonical form of a signal from outside. Throws an InputError that names `field`, the value and the limit. */
  parse: (field: string, signal: string) => string
  /** Content that has this signal and nothing else, to look for what is near it. */
  contentOf: (signal: string) => LookupContent
  /** The signal of a piece of content with one part, for a bank entry made of it; undefined where it has none. */
  signalOf: (content: LookupContent) => string | undefined
  /** How far two signals in canonical form are from each other; symmetric unless the type says otherwise. */
  compare: (query: string, entry: string) => Comparison
  createIndex: () => SignalIndex<H>
}

/** One that searches in the thread that asks, and answers at once. */
export type SyncSignalType = SignalType<SignalHit[]>
