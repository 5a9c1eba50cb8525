import { chromaprintType } from './chromaprint.ts'
import { photoEmbeddingType, textEmbeddingType } from './embedding.ts'
import { exactType, md5Type, sha1Type } from './exact.ts'
import { photoLocalType } from './photo-local.ts'
import { photoType } from './photo.ts'
import type { SignalType } from './signal-type.ts'
import { textNearType } from './text-near.ts'
import { textSkeletonType } from './text-skeleton.ts'
import { textType } from './text.ts'
import { tlshType } from './tlsh.ts'
import { tmkType } from './tmk.ts'
import { urlDomainType, urlType } from './url.ts'
import { vpdqType } from './vpdq.ts'

/** Every signal type, in the order in which a match of the same entry and part is preferred. */
export const signalTypes: readonly SignalType[] = [
  photoType,
  vpdqType,
  tmkType,
  chromaprintType,
  exactType,
  sha1Type,
  md5Type,
  textType,
  photoLocalType,
  textSkeletonType,
  textNearType,
  tlshType,
  urlType,
  urlDomainType,
  photoEmbeddingType,
  textEmbeddingType,
]
