import {
  dihedrals,
  pdqDihedral,
  pdqStages,
  pdqToHex,
  pdqWords,
  type PdqConvention,
  type PdqStages,
} from '../kernels/pdq.ts'
import { pdqStagesOfJpeg } from '../kernels/pdq-jpeg.ts'
import { checkImageBytes, withPixels } from './decode.ts'
import { derivativesOf } from './derivatives.ts'
import type { HashedImage } from './hash-pool.ts'

/**
 * Type, size and PDQ of an image in this thread; with `derivatives` also what finds edited copies. Most photos are hashed
 * as they are decoded; where pixels are needed for more, or the file is out of the ordinary, a picture is decoded first.
 * Throws an InputError for what is hostile or broken.
 */
export async function hashImage(
  bytes: Uint8Array,
  { convention = 'full', derivatives = false }: { convention?: PdqConvention; derivatives?: boolean } = {},
): Promise<HashedImage> {
  const mime = checkImageBytes(bytes)
  const whole = mime === 'image/jpeg' && convention === 'full' && !derivatives ? pdqStagesOfJpeg(bytes) : undefined
  if (whole !== undefined) return { mime, width: whole.width, height: whole.height, pdq: pdqOf(whole.stages) }
  return withPixels(bytes, ({ width, height, rgb }): HashedImage => {
    const stages = pdqStages(rgb, width, height, convention)
    if (stages === undefined) return { mime, width, height }
    const pdq = pdqOf(stages)
    return { mime, width, height, pdq, ...(derivatives ? derivativesOf({ rgb, width, height }, stages) : {}) }
  })
}

function pdqOf(stages: PdqStages): HashedImage['pdq'] {
  const words = pdqDihedral(stages)
  const dihedral = dihedrals.map((_, index) => pdqToHex(words, index * pdqWords))
  return { hash: dihedral[0]!, quality: stages.quality, dihedral }
}
