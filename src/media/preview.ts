import sharp, { type Sharp } from 'sharp'
import { asRefusal, decodeImage, openImage, sniffMime } from './decode.ts'

/**
 * `blurred` and `thumb` are grey and blurred, for looking at before asking; `full` is the picture in colour. All are
 * encoded anew: no metadata, no bytes of the sender reach a browser.
 */
export const previewVariants = ['blurred', 'thumb', 'full'] as const
export type PreviewVariant = (typeof previewVariants)[number]
export const previewMime = 'image/webp'

const sides = { blurred: 640, thumb: 160, full: 2_048 } satisfies Record<PreviewVariant, number>
/** Blur by Gaussian sigma, in pixels of the preview: shapes stay, faces and text do not (measured by eye at 640 px). */
const blurs = { blurred: 14, thumb: 4, full: 0 } satisfies Record<PreviewVariant, number>

/** A WebP preview of an image, upright, no side above 2,048 pixels. Throws an InputError for what cannot be decoded. */
export async function previewImage(bytes: Uint8Array, variant: PreviewVariant): Promise<Uint8Array> {
  try {
    let picture = (await openUpright(bytes)).resize(sides[variant], sides[variant], {
      fit: 'inside',
      withoutEnlargement: true,
    })
    if (blurs[variant] > 0) picture = picture.flatten({ background: '#808080' }).greyscale().blur(blurs[variant])
    return await picture.webp({ quality: variant === 'full' ? 88 : 60 }).toBuffer()
  } catch (error) {
    throw asRefusal(error)
  }
}

/** A WebP in colour, upright, no side above `side` pixels, for reports that a person opens on purpose. */
export async function thumbnailOf(bytes: Uint8Array, side: number): Promise<Uint8Array> {
  try {
    const picture = (await openUpright(bytes)).resize(side, side, { fit: 'inside', withoutEnlargement: true })
    return await picture.webp({ quality: 62, effort: 2 }).toBuffer()
  } catch (error) {
    throw asRefusal(error)
  }
}

/** Interleaved 8-bit RGB of exactly this size, upright, cropped to its shape. Throws an InputError for what cannot be decoded. */
export async function pixelsOf(bytes: Uint8Array, size: { width: number; height: number }): Promise<Uint8Array> {
  try {
    return await (
      await openUpright(bytes)
    )
      .flatten({ background: '#808080' })
      .resize(size.width, size.height, { fit: 'cover' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer()
  } catch (error) {
    throw asRefusal(error)
  }
}

/** The picture as a person would see it. libvips has no HEIC decoder of its own. */
async function openUpright(bytes: Uint8Array): Promise<Sharp> {
  if (sniffMime(bytes) !== 'image/heic') return openImage(bytes, { ignoreIcc: false }).autoOrient()
  const { rgb, width, height } = await decodeImage(bytes)
  return sharp(rgb, { raw: { width, height, channels: 3 } })
}
