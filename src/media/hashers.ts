import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MediaKind, MediaType } from './kinds.ts'

/** One file to hash. */
export type MediaSource = MediaType & {
  sha256: string
  bytes: Uint8Array
  /** A file that holds the bytes, for programs that read files; made when first asked for and removed afterwards. */
  path: () => Promise<string>
}

export type MediaHashes = {
  /** Canonical signals by the name of their type: `{ vpdq: '…' }`. */
  signals: Record<string, string>
  /** Where the hasher knows them. */
  width?: number
  height?: number
  durationMs?: number
  /** Why nothing could be made although the file is good (a program is missing); tried again at the next upload. */
  problem?: string
}

/**
 * One way of making signals of media. A new one is a file with one of these and a line in `media/all-hashers.ts`; what
 * it makes is kept with the medium and is looked up by the signal types of the same names.
 */
export type MediaHasher = {
  /** Algorithm and version, such as `vpdq@1`; what was made by another version is made anew when the file is sent again. */
  name: string
  /** Kinds that it takes. Animated photos go to hashers of photos and of videos. */
  kinds: readonly MediaKind[]
  /** Throws an InputError that names the limit for a file that is hostile or broken: the file is then refused. */
  hash: (source: MediaSource) => Promise<MediaHashes>
  /**
   * What an entry of a bank should hold in place of the signals of `hash`, where finding copies needs more of the known
   * side than of the asked one. Made once, when the entry is.
   */
  entry?: (source: MediaSource) => Promise<Record<string, string>>
  /** An image (JPEG, PNG or WebP) that stands for the medium on screens, where it can make one. */
  poster?: (source: MediaSource) => Promise<Uint8Array | undefined>
  /** What can be listened to, as WAV, where it can make it. */
  sound?: (source: MediaSource) => Promise<Uint8Array | undefined>
}

/** The hashers that take a file. */
export function hashersFor(hashers: readonly MediaHasher[], { kind, animated }: MediaType): readonly MediaHasher[] {
  return hashers.filter(({ kinds }) => kinds.includes(kind) || (animated && kinds.includes('video')))
}

/** Everything that the hashers make of one file, and the names of those that made something. */
export async function runHashers(
  hashers: readonly MediaHasher[],
  type: MediaType & { sha256: string },
  bytes: Uint8Array,
): Promise<Omit<MediaHashes, 'problem'> & { by: string[]; problems: string[] }> {
  const made: Awaited<ReturnType<typeof runHashers>> = { signals: {}, by: [], problems: [] }
  await withSource(type, bytes, async (source) => {
    for (const hasher of hashersFor(hashers, type)) {
      const { signals, problem, ...sizes } = await hasher.hash(source)
      Object.assign(made.signals, signals)
      Object.assign(made, sizes)
      if (problem === undefined) made.by.push(hasher.name)
      else made.problems.push(`${hasher.name}: ${problem}`)
    }
  })
  return made
}

/** Runs work on a source whose file, where one was made, is gone afterwards. */
export async function withSource<T>(
  type: MediaType & { sha256: string },
  bytes: Uint8Array,
  work: (source: MediaSource) => Promise<T>,
): Promise<T> {
  let folder: Promise<string> | undefined
  const path = async () => {
    folder ??= mkdtemp(join(tmpdir(), 'custos-hash-')).then(async (made) => {
      await writeFile(join(made, 'media'), bytes)
      return made
    })
    return join(await folder, 'media')
  }
  try {
    return await work({ ...type, bytes, path })
  } finally {
    if (folder !== undefined) await rm(await folder, { recursive: true, force: true })
  }
}

const sliceBytes = 4 * 1024 * 1024
export type Digests = { sha256: string; sha1: string; md5: string }

/** SHA-256, SHA-1 and MD5 of a file, a few megabytes at a time so that a large file holds nothing up. */
export async function digestsOf(bytes: Uint8Array): Promise<Digests> {
  const hashes = [createHash('sha256'), createHash('sha1'), createHash('md5')] as const
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    if (at > 0) await new Promise<void>((done) => setImmediate(done))
    for (const hash of hashes) hash.update(bytes.subarray(at, at + sliceBytes))
  }
  const [sha256, sha1, md5] = hashes.map((hash) => hash.digest('hex')) as [string, string, string]
  return { sha256, sha1, md5 }
}
