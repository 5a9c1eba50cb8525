import sharp from 'sharp'
import { paintPicture } from '../src/kernels/picture.ts'

/** A photo, decoded and upright, from which edited copies are made. */
export type Source = { rgb: Buffer; width: number; height: number }

/** One way of editing at one strength; the copy is a file as somebody would upload it. */
export type Edit = { name: string; strength: string; make: (source: Source) => Promise<Buffer> }

const open = ({ rgb, width, height }: Source) => sharp(rgb, { raw: { width, height, channels: 3 } })
const jpeg = { quality: 82 } as const

/** Cuts a share of the width and height from every edge. */
const crop = (share: number) => (source: Source) => {
  const left = Math.round(source.width * share)
  const top = Math.round(source.height * share)
  return open(source)
    .extract({ left, top, width: source.width - 2 * left, height: source.height - 2 * top })
    .jpeg(jpeg)
    .toBuffer()
}

/** Cuts a share of the width or height from one edge alone. */
const cropSide = (share: number, side: 'left' | 'bottom') => (source: Source) => {
  const cutX = side === 'left' ? Math.round(source.width * share) : 0
  const cutY = side === 'bottom' ? Math.round(source.height * share) : 0
  return open(source)
    .extract({ left: cutX, top: 0, width: source.width - cutX, height: source.height - cutY })
    .jpeg(jpeg)
    .toBuffer()
}

const border = (share: number, background: string) => (source: Source) => {
  const thick = Math.max(1, Math.round(Math.min(source.width, source.height) * share))
  return open(source).extend({ top: thick, bottom: thick, left: thick, right: thick, background }).jpeg(jpeg).toBuffer()
}

const letterbox = (ratio: number) => (source: Source) => {
  const wide = source.width / source.height
  const thickY = wide > ratio ? Math.round((source.width / ratio - source.height) / 2) : 0
  const thickX = wide > ratio ? 0 : Math.round((source.height * ratio - source.width) / 2)
  return open(source)
    .extend({ top: thickY, bottom: thickY, left: thickX, right: thickX, background: '#000' })
    .jpeg(jpeg)
    .toBuffer()
}

/** Wide bars that show the photo itself, enlarged and blurred, as video apps fill a frame. */
const blurbox = (ratio: number) => async (source: Source) => {
  const height = Math.max(source.height, Math.round(source.width / ratio))
  const width = Math.max(source.width, Math.round(source.height * ratio))
  const back = await open(source)
    .resize(width, height, { fit: 'cover' })
    .blur(width / 40)
    .raw()
    .toBuffer()
  return sharp(back, { raw: { width, height, channels: 3 } })
    .composite([
      {
        input: source.rgb,
        raw: { width: source.width, height: source.height, channels: 3 },
        left: Math.round((width - source.width) / 2),
        top: Math.round((height - source.height) / 2),
      },
    ])
    .jpeg(jpeg)
    .toBuffer()
}

const words = [
  'when the meeting could have been an email',
  'nobody:   absolutely nobody:   me at 3 am',
  'WAIT FOR IT',
  'she really said that',
]
const text = (content: string, width: number, size: number, y: number, fill: string) =>
  `<text x="${width / 2}" y="${y}" font-family="DejaVu Sans, sans-serif" font-weight="bold" font-size="${size}" text-anchor="middle" fill="${fill}">${content}</text>`

/** A bar with text above or below the photo. */
const caption = (share: number, place: 'top' | 'bottom', dark: boolean) => async (source: Source) => {
  const tall = Math.round(source.height * share)
  const { width } = source
  const size = Math.min(tall * 0.4, width / 24)
  const line = words[(source.width + source.height) % words.length]!
  const bar = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${tall}"><rect width="100%" height="100%" fill="${dark ? '#111' : '#fff'}"/>${text(line, width, size, tall / 2 + size * 0.35, dark ? '#fff' : '#111')}</svg>`,
  )
  return sharp(
    await open(source)
      .extend({ [place]: tall, background: dark ? '#111' : '#fff' })
      .raw()
      .toBuffer(),
    { raw: { width, height: source.height + tall, channels: 3 } },
  )
    .composite([{ input: bar, left: 0, top: place === 'top' ? 0 : source.height }])
    .jpeg(jpeg)
    .toBuffer()
}

/** Turned by degrees; the corners show the background, or are cut away. */
const rotate = (degrees: number, cut: boolean) => async (source: Source) => {
  const { data, info } = await open(source)
    .rotate(degrees, { background: '#000' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const turned = sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
  if (!cut) return turned.jpeg(jpeg).toBuffer()
  // The largest upright rectangle of the same shape inside the turned one.
  const angle = (Math.abs(degrees) / 180) * Math.PI
  const { width, height } = source
  const shrink = Math.min(
    width / (width * Math.cos(angle) + height * Math.sin(angle)),
    height / (width * Math.sin(angle) + height * Math.cos(angle)),
  )
  const inner = { width: Math.floor(width * shrink) - 2, height: Math.floor(height * shrink) - 2 }
  return turned
    .extract({
      left: Math.round((info.width - inner.width) / 2),
      top: Math.round((info.height - inner.height) / 2),
      ...inner,
    })
    .jpeg(jpeg)
    .toBuffer()
}

/**
 * Seen from the side and a little from above, as a print on a wall: the far side is shorter by a share of its height, and
 * the photo narrower by half of that. Around it is the wall, or everything but the photo is cut away as far as a
 * rectangle can.
 */
const perspective = (share: number, cut: boolean) => (source: Source) => {
  const { width, height } = source
  const near = { x: 0, top: 0, bottom: 1 }
  const far = { x: 1 - share / 2, top: share * 0.7, bottom: 1 - share * 0.3 }
  // Places of the photo (u, v) at places of the view (x, y), as shares: lines stay lines, so depth grows as height shrinks.
  const depth = (near.bottom - near.top) / (far.bottom - far.top)
  const from = cut
    ? { left: 0, top: far.top, right: far.x, bottom: far.bottom }
    : { left: -0.06, top: -0.06, right: far.x + 0.06, bottom: 1.06 }
  const out = {
    width: Math.round((from.right - from.left) * width),
    height: Math.round((from.bottom - from.top) * height),
  }
  const pixels = Buffer.alloc(out.width * out.height * 3)
  for (let row = 0; row < out.height; row++)
    for (let column = 0; column < out.width; column++) {
      const x = from.left + ((column + 0.5) / out.width) * (from.right - from.left)
      const y = from.top + ((row + 0.5) / out.height) * (from.bottom - from.top)
      const along = (x - near.x) / (far.x - near.x)
      const u = along / (depth - (depth - 1) * along)
      const top = near.top + (far.top - near.top) * along
      const bottom = near.bottom + (far.bottom - near.bottom) * along
      const v = (y - top) / (bottom - top)
      const to = (row * out.width + column) * 3
      if (u < 0 || v < 0 || u >= 1 || v >= 1) {
        pixels.fill(0xc9, to, to + 3)
        continue
      }
      const sx = Math.max(0, Math.min(width - 1.001, u * width - 0.5))
      const sy = Math.max(0, Math.min(height - 1.001, v * height - 0.5))
      const [left, upper] = [Math.floor(sx), Math.floor(sy)]
      const [shareX, shareY] = [sx - left, sy - upper]
      for (let channel = 0; channel < 3; channel++) {
        const at = (upper * width + left) * 3 + channel
        const above = source.rgb[at]! * (1 - shareX) + source.rgb[at + 3]! * shareX
        const below = source.rgb[at + width * 3]! * (1 - shareX) + source.rgb[at + width * 3 + 3]! * shareX
        pixels[to + channel] = Math.round(above * (1 - shareY) + below * shareY)
      }
    }
  return sharp(pixels, { raw: { ...out, channels: 3 } })
    .jpeg(jpeg)
    .toBuffer()
}

/** Pictures that no bank of the benchmark holds. */
const stranger = (seed: number, width: number, height: number) => {
  const { rgb } = paintPicture(seed, 'room', width, height)
  return { input: Buffer.from(rgb), raw: { width, height, channels: 3 as const } }
}

/** One of four pictures of equal size. */
const collage = async (source: Source) => {
  const [width, height] = [480, 360]
  const own = await open(source).resize(width, height, { fit: 'cover' }).raw().toBuffer()
  return sharp({ create: { width: 2 * width + 8, height: 2 * height + 8, channels: 3, background: '#fff' } })
    .composite([
      { ...stranger(10_001, width, height), left: 0, top: 0 },
      { input: own, raw: { width, height, channels: 3 }, left: width + 8, top: 0 },
      { ...stranger(10_002, width, height), left: 0, top: height + 8 },
      { ...stranger(10_003, width, height), left: width + 8, top: height + 8 },
    ])
    .jpeg(jpeg)
    .toBuffer()
}

/** Small, in a corner of another picture. */
const inset = (share: number) => async (source: Source) => {
  const [width, height] = [960, 720]
  const { data, info } = await open(source)
    .resize(Math.round(width * share), Math.round(height * share), { fit: 'inside' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const raw = { width: info.width, height: info.height, channels: 3 as const }
  const back = stranger(10_004, width, height)
  return sharp(back.input, { raw: back.raw })
    .composite([{ input: data, raw, left: width - info.width - 24, top: height - info.height - 24 }])
    .jpeg(jpeg)
    .toBuffer()
}

/** The photo inside an app, as a phone keeps its screen: status bar, header, buttons, the next post. */
const screenshot = (dark: boolean, inset: number, screenWidth: number) => async (source: Source) => {
  const width = screenWidth
  const height = Math.round(screenWidth * 2.1)
  const photoWidth = Math.round(width * (1 - 2 * inset))
  const photoHeight = Math.min(Math.round(height * 0.62), Math.round((photoWidth * source.height) / source.width))
  const left = Math.round(width * inset)
  const top = Math.round(height * 0.14)
  const photo = await open(source).resize(photoWidth, photoHeight, { fit: 'cover' }).jpeg({ quality: 85 }).toBuffer()
  const back = dark ? '#15202b' : '#ffffff'
  const ink = dark ? '#e7e9ea' : '#0f1419'
  const dim = dark ? '#38444d' : '#cfd9de'
  const unit = width / 36
  const below = top + photoHeight
  const lines = Array.from(
    { length: 40 },
    (_, n) =>
      `<rect x="${unit}" y="${below + unit * (6 + n * 1.6)}" width="${width * (0.55 + 0.35 * ((n * 37) % 10)) * 0.1 + width * 0.5}" height="${unit * 0.7}" fill="${dim}"/>`,
  ).join('')
  const screen = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${back}"/>
    <text x="${unit * 2}" y="${unit * 1.8}" font-family="DejaVu Sans, sans-serif" font-size="${unit * 1.2}" fill="${ink}">9:41</text>
    <rect x="${width - unit * 5}" y="${unit * 0.9}" width="${unit * 2.4}" height="${unit}" rx="4" fill="${ink}"/>
    <circle cx="${unit * 3}" cy="${top - unit * 2.6}" r="${unit * 1.7}" fill="#1d9bf0"/>
    <text x="${unit * 6}" y="${top - unit * 3}" font-family="DejaVu Sans, sans-serif" font-weight="bold" font-size="${unit * 1.3}" fill="${ink}">Somebody Else</text>
    <text x="${unit * 6}" y="${top - unit * 1.3}" font-family="DejaVu Sans, sans-serif" font-size="${unit}" fill="${dim}">@somebody · 4h</text>
    <text x="${unit * 2}" y="${below + unit * 3}" font-family="DejaVu Sans, sans-serif" font-size="${unit * 1.6}" fill="${ink}">&#9825;  1,204     &#8635;  87     &#9993;</text>
    ${lines}</svg>`,
  )
  return sharp(screen)
    .composite([{ input: photo, left, top }])
    .flatten()
    .jpeg({ quality: 75 })
    .toBuffer()
}

/** The edits that a copy must be found after, mildest first within each. */
export const edits: readonly Edit[] = [
  ...[0.05, 0.1, 0.15, 0.2].map((share) => ({
    name: 'crop',
    strength: `${share * 100} % from every edge`,
    make: crop(share),
  })),
  { name: 'crop', strength: '20 % from the left', make: cropSide(0.2, 'left') },
  { name: 'crop', strength: '20 % from the bottom', make: cropSide(0.2, 'bottom') },
  { name: 'border', strength: '2 %, white', make: border(0.02, '#fff') },
  { name: 'border', strength: '5 %, black', make: border(0.05, '#000') },
  { name: 'border', strength: '10 %, red', make: border(0.1, '#b3261e') },
  { name: 'letterbox', strength: 'to 2.2 : 1', make: letterbox(2.2) },
  { name: 'letterbox', strength: 'to 1 : 1', make: letterbox(1) },
  { name: 'letterbox', strength: 'to 9 : 16', make: letterbox(9 / 16) },
  { name: 'letterbox', strength: 'to 1 : 1, blurred', make: blurbox(1) },
  { name: 'caption bar', strength: '12 % above, white', make: caption(0.12, 'top', false) },
  { name: 'caption bar', strength: '20 % below, black', make: caption(0.2, 'bottom', true) },
  { name: 'caption bar', strength: '30 % above, white', make: caption(0.3, 'top', false) },
  ...[2, 5, 10].flatMap((degrees) => [
    { name: 'rotate', strength: `${degrees} degrees, black corners`, make: rotate(degrees, false) },
    { name: 'rotate', strength: `${degrees} degrees, corners cut`, make: rotate(degrees, true) },
  ]),
  { name: 'perspective', strength: 'far side 15 % shorter', make: perspective(0.15, false) },
  { name: 'perspective', strength: 'far side 30 % shorter', make: perspective(0.3, false) },
  { name: 'perspective', strength: 'far side 30 % shorter, cut', make: perspective(0.3, true) },
  { name: 'mirror', strength: 'left to right', make: (source) => open(source).flop().jpeg(jpeg).toBuffer() },
  {
    name: 'invert',
    strength: 'colours',
    make: (source) => open(source).negate({ alpha: false }).jpeg(jpeg).toBuffer(),
  },
  { name: 'screenshot', strength: 'light app, edge to edge, 1080 wide', make: screenshot(false, 0, 1080) },
  { name: 'screenshot', strength: 'dark app, 8 % inset, 720 wide', make: screenshot(true, 0.08, 720) },
]

/** Edits that go further than the list which copies must be found after: measured, so that it is known how far it goes. */
export const furtherEdits: readonly Edit[] = [
  { name: 'collage', strength: 'one of four pictures', make: collage },
  { name: 'picture in picture', strength: 'half as wide', make: inset(0.5) },
  { name: 'picture in picture', strength: 'a third as wide', make: inset(1 / 3) },
]
