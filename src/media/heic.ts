/** Packed RGB of a picture. */
export type HeicPicture = { width: number; height: number; rgb: Uint8Array }

/**
 * The first picture of a HEIC or HEIF file as packed RGB: alpha dropped, turned as the container says (`irot`, `imir`
 * are part of the picture there, as they are not in EXIF). `check` sees the size before anything is decoded. The decoder
 * is WebAssembly: slow, and loaded when the first such file comes. Throws what `check` throws, or an Error for damage.
 */
export async function decodeHeic(
  bytes: Uint8Array,
  check: (width: number, height: number) => void,
): Promise<HeicPicture> {
  const { default: heic } = await import('heic-decode')
  const pictures = await heic.all({ buffer: bytes })
  try {
    const picture = pictures[0]!
    check(picture.width, picture.height)
    const { width, height, data } = await picture.decode()
    const rgb = new Uint8Array(width * height * 3)
    for (let at = 0, from = 0; at < rgb.length; at += 3, from += 4) {
      rgb[at] = data[from]!
      rgb[at + 1] = data[from + 1]!
      rgb[at + 2] = data[from + 2]!
    }
    return { width, height, rgb }
  } finally {
    pictures.dispose()
  }
}
