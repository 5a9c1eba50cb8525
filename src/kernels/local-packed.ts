import { descriptorWords, emptyFeatures, type LocalFeatures } from './local-features.ts'

/** Bytes of one packed feature: place 2 x 12 bits, size and direction 8 bits each, description. */
export const packedFeatureBytes = 5 + descriptorWords * 4
const headBytes = 5
/** The first byte of packed features. */
export const packedLayout = 1
const placeSteps = 4_096
const sizeSteps = 24

/**
 * The first `countMax` features in 5 bytes and 37 more for each: layout, width and height (16 bits each, low byte first).
 * Places are kept to 1/4096 of the longer side, directions to 1/256 of a turn, sizes to 1/24 of an octave.
 */
export function packFeatures(features: LocalFeatures, countMax: number): Uint8Array {
  const { width, height } = features
  const count = Math.min(features.count, countMax)
  const bytes = new Uint8Array(headBytes + count * packedFeatureBytes)
  const longer = Math.max(width, height)
  bytes.set([packedLayout, width & 255, width >>> 8, height & 255, height >>> 8])
  for (let feature = 0, at = headBytes; feature < count; feature++, at += packedFeatureBytes) {
    const x = stepOf(features.x[feature]! / longer)
    const y = stepOf(features.y[feature]! / longer)
    bytes[at] = x & 255
    bytes[at + 1] = (x >>> 8) | ((y & 15) << 4)
    bytes[at + 2] = y >>> 4
    bytes[at + 3] = Math.max(0, Math.min(255, Math.round(sizeSteps * Math.log2(features.size[feature]!))))
    bytes[at + 4] = Math.round((features.angle[feature]! / (2 * Math.PI)) * 256) & 255
    for (let word = 0; word < descriptorWords; word++) {
      const value = features.descriptors[feature * descriptorWords + word]!
      for (let byte = 0; byte < 4; byte++) bytes[at + 5 + word * 4 + byte] = (value >>> (byte * 8)) & 255
    }
  }
  return bytes
}

const stepOf = (share: number) => Math.max(0, Math.min(placeSteps - 1, Math.round(share * placeSteps)))

/** The features in packed bytes, or undefined where the bytes are no such thing. */
export function unpackFeatures(bytes: Uint8Array): LocalFeatures | undefined {
  const count = (bytes.length - headBytes) / packedFeatureBytes
  if (!Number.isInteger(count) || count < 0 || bytes[0] !== packedLayout) return undefined
  const width = bytes[1]! | (bytes[2]! << 8)
  const height = bytes[3]! | (bytes[4]! << 8)
  if (width === 0 || height === 0) return undefined
  const features = emptyFeatures(count, width, height)
  const step = Math.max(width, height) / placeSteps
  for (let feature = 0, at = headBytes; feature < count; feature++, at += packedFeatureBytes) {
    features.x[feature] = (bytes[at]! | ((bytes[at + 1]! & 15) << 8)) * step
    features.y[feature] = ((bytes[at + 1]! >>> 4) | (bytes[at + 2]! << 4)) * step
    features.size[feature] = 2 ** (bytes[at + 3]! / sizeSteps)
    features.angle[feature] = (bytes[at + 4]! / 256) * 2 * Math.PI
    for (let word = 0; word < descriptorWords; word++) {
      const from = at + 5 + word * 4
      features.descriptors[feature * descriptorWords + word] =
        bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | (bytes[from + 3]! << 24)
    }
  }
  return features
}
