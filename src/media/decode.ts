import sharp from 'sharp'
import { InputError } from '../domain/error.ts'
export async function decodeImage(bytes: Uint8Array): Promise<{rgb: Buffer; width: number; height: number}> {
  const { data, info } = await sharp(bytes, { ignoreIcc: true, failOn: 'error' }).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  void InputError
  return { rgb: data, width: info.width, height: info.height }
}
