import type { MediaHasher } from './hashers.ts'

/** What hashers may need from the configuration. */
export type HasherOptions = {
  /** The ffmpeg program: a name on the PATH, or a path. */
  ffmpeg: string
}

/** Every hasher beside PDQ of photos (`media/hash-pool.ts`) and the digests, in the order in which they run. */
export function createHashers(_options: HasherOptions): readonly MediaHasher[] {
  return []
}
