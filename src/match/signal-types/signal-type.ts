/** One photo of an item, as hashed by `media/hash-pool.ts` or by the platform. */
export type PhotoContent = {
  sha256?: string
  /** 64 hexadecimal digits. */
  pdq?: string
  /** 0 to 100; unknown for hashes that the platform made. */
  quality?: number
  /** All eight dihedral hashes, the original first; estimated from `pdq` where missing. */
  dihedral?: readonly string[]
}

/** What is looked up in one go: all matchable parts of one item. */
export type LookupContent = { photos?: readonly PhotoContent[]; text?: string; links?: readonly string[] }

/** The part of the content that matched. */
export type MatchedPart =
  | { kind: 'photo'; index: number; mediaSha256?: string }
  /** Place in the original text, in UTF-16 units, and what stands there, cut to 200 characters. */
  | { kind: 'text'; start: number; end: number; excerpt: string }

export type SignalHit = {
  slot: number
  part: MatchedPart
  distance: number
  /** 0 to 1. */
  similarity: number
  /** 0 to 1: how sure it is that both are the same, given distance and quality. */
  confidence: number
  quality?: number
  /** How the photo was turned against the entry, in the names of `kernels/pdq.ts`. */
  transformation?: string
}

/** Thresholds that hold for the slots of an index, and the largest of them. */
export type Thresholds = { radiusMax: number; thresholdOf: (slot: number) => number }

/** The entries of one tenant under one signal type, searched in memory. */
export type SignalIndex = {
  add: (slot: number, signal: string, quality: number | null) => void
  remove: (slot: number) => void
  /** Hits within the threshold of each slot's bank, at most one for each slot and part. */
  search: (content: LookupContent, thresholds: Thresholds) => SignalHit[]
}

/**
 * One way of recognising known content. A new one is one file with one of these, and a line in `signal-types/all.ts`.
 */
export type SignalType = {
  /** Key in `signals` of bank entries and in `thresholds` of banks. */
  name: string
  /** Algorithm and version, as signals name it. */
  version: string
  /** Largest distance that matches unless the bank says otherwise, and the largest that a bank may ask for. */
  threshold: number
  thresholdMax: number
  /** Which part it looks at; parts of different kinds make different signals. */
  part: MatchedPart['kind']
  /** What a distance means: `14 of 256 bits`. */
  describe: (distance: number) => string
  createIndex: () => SignalIndex
}
