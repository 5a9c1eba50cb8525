import { createAudioHasher } from './audio.ts'
import type { MediaHasher } from './hashers.ts'
import { createVideoHasher } from './video-hasher.ts'

/** What hashers may need from the configuration. */
export type HasherOptions = {
  /** The ffmpeg program: a name on the PATH, or a path. */
  ffmpeg: string
}

/** Every hasher beside PDQ of photos (`media/hash-pool.ts`) and the digests, in the order in which they run. */
export function createHashers({ ffmpeg }: HasherOptions): readonly MediaHasher[] {
  return [createVideoHasher({ ffmpeg }), createAudioHasher({ ffmpeg })]
}
