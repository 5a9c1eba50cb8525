import { photoEmbeddingType, textEmbeddingType } from './embedding.ts'
import { exactType, md5Type, sha1Type } from './exact.ts'
import { photoLocalType } from './photo-local.ts'
import { photoType } from './photo.ts'
import type { SignalType } from './signal-type.ts'
import { textType } from './text.ts'

/** Every signal type, in the order in which a match of the same entry and part is preferred. */
export const signalTypes: readonly SignalType[] = [
  photoType,
  exactType,
  sha1Type,
  md5Type,
  textType,
  photoLocalType,
  photoEmbeddingType,
  textEmbeddingType,
]
