import sharp from 'sharp'

/** Packed RGB as JPEG without metadata: the same pixels and quality (1 to 100) give the same bytes. */
export async function encodeJpeg(rgb: Uint8Array, width: number, height: number, quality: number): Promise<Uint8Array> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer()
}
