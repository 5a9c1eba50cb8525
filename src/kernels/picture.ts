import { createRandom, type Random } from './random.ts'

/** Compositions that the painter knows. They differ in layout, not only in colour, so that perceptual hashes differ. */
export const pictureStyles = ['landscape', 'portrait', 'product', 'food', 'room', 'poster'] as const
export type PictureStyle = (typeof pictureStyles)[number]

/** Packed 8-bit RGB, row by row. */
export type Picture = { rgb: Uint8Array; width: number; height: number }
type Colour = readonly [number, number, number]
type Canvas = { pixels: Float32Array; width: number; height: number }

/** Paints one picture from a seed: the same seed, style and size give the same bytes. Sizes in pixels. */
export function paintPicture(seed: number, style: PictureStyle, width: number, height: number): Picture {
  const random = createRandom(seed).fork(style)
  const canvas: Canvas = { pixels: new Float32Array(width * height * 3), width, height }
  const palette = makePalette(random)
  backdrop(canvas, palette, random)
  painters[style](canvas, palette, random)
  const rgb = finish(canvas, random)
  return { rgb, width, height }
}

/** What a sharer does to a picture: cut the edges, change the size, brighten. Shares and factors, 1 is unchanged. */
export type Alteration = { cropShare: number; scale: number; brightness: number; contrast: number }

/** An altered copy: crops the same share from every edge, then resizes (bilinear), then changes the tones. */
export function alterPicture(picture: Picture, change: Alteration): Picture {
  const cropX = picture.width * change.cropShare
  const cropY = picture.height * change.cropShare
  const width = Math.max(16, Math.round(picture.width * change.scale))
  const height = Math.max(16, Math.round(picture.height * change.scale))
  const stepX = (picture.width - 2 * cropX) / width
  const stepY = (picture.height - 2 * cropY) / height
  const rgb = new Uint8Array(width * height * 3)
  const { rgb: source, width: sourceWidth } = picture
  for (let y = 0; y < height; y++) {
    const fromY = Math.min(picture.height - 1.001, cropY + (y + 0.5) * stepY - 0.5)
    const y0 = Math.max(0, Math.floor(fromY))
    const shareY = Math.max(0, fromY - y0)
    for (let x = 0; x < width; x++) {
      const fromX = Math.min(sourceWidth - 1.001, cropX + (x + 0.5) * stepX - 0.5)
      const x0 = Math.max(0, Math.floor(fromX))
      const shareX = Math.max(0, fromX - x0)
      const at = (y0 * sourceWidth + x0) * 3
      const below = at + sourceWidth * 3
      for (let channel = 0; channel < 3; channel++) {
        const top = source[at + channel]! * (1 - shareX) + source[at + 3 + channel]! * shareX
        const bottom = source[below + channel]! * (1 - shareX) + source[below + 3 + channel]! * shareX
        const value = top * (1 - shareY) + bottom * shareY
        rgb[(y * width + x) * 3 + channel] = byteOf((value - 128) * change.contrast + 128 * change.brightness)
      }
    }
  }
  return { rgb, width, height }
}

const byteOf = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value))

function makePalette(random: Random): Colour[] {
  const base = random.float()
  return Array.from({ length: 6 }, (_, index) =>
    colourOf(base + index * 0.17 + random.float() * 0.1, random.between(0.25, 0.8), random.between(0.2, 0.85)),
  )
}

/** Hue, saturation and lightness, each 0 to 1, to RGB 0 to 255. */
function colourOf(hue: number, saturation: number, lightness: number): Colour {
  const amplitude = saturation * Math.min(lightness, 1 - lightness)
  const channel = (offset: number): number => {
    const k = (offset + (hue % 1) * 12) % 12
    return 255 * (lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1)))
  }
  return [channel(0), channel(8), channel(4)]
}

/** Smooth value noise over a lattice of random heights; answers 0 to 1. */
function noiseField(random: Random): (x: number, y: number) => number {
  const side = 32
  const heights = new Float32Array(side * side)
  for (let index = 0; index < heights.length; index++) heights[index] = random.float()
  return (x, y) => {
    const x0 = Math.floor(x)
    const y0 = Math.floor(y)
    const fx = x - x0
    const fy = y - y0
    const sx = fx * fx * (3 - 2 * fx)
    const sy = fy * fy * (3 - 2 * fy)
    const row = (y0 & 31) * side
    const next = ((y0 + 1) & 31) * side
    const column = x0 & 31
    const right = (x0 + 1) & 31
    const top = heights[row + column]! * (1 - sx) + heights[row + right]! * sx
    const bottom = heights[next + column]! * (1 - sx) + heights[next + right]! * sx
    return top * (1 - sy) + bottom * sy
  }
}

/** Two colours flowing into each other along a random direction, with clouds in them. */
function backdrop(canvas: Canvas, palette: Colour[], random: Random): void {
  const { pixels, width, height } = canvas
  const noise = noiseField(random)
  const from = palette[0]!
  const to = palette[1]!
  const slant = random.between(-0.6, 0.6)
  const cells = random.between(3, 6)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cloud = noise((x / width) * cells, (y / height) * cells) - 0.5
      const share = Math.min(1, Math.max(0, y / height + slant * (x / width - 0.5) + cloud * 0.9))
      const at = (y * width + x) * 3
      for (let channel = 0; channel < 3; channel++)
        pixels[at + channel] = from[channel]! * (1 - share) + to[channel]! * share
    }
}

/** Fills where `inside` answers more than 0 (its coverage, to 1), shaded by `shade` around 1. Bounds in pixels. */
function fill(
  canvas: Canvas,
  bounds: readonly [number, number, number, number],
  colour: Colour,
  inside: (x: number, y: number) => number,
  shade: (x: number, y: number) => number = () => 1,
): void {
  const x1 = Math.min(canvas.width, Math.ceil(bounds[2]))
  const y1 = Math.min(canvas.height, Math.ceil(bounds[3]))
  for (let y = Math.max(0, Math.floor(bounds[1])); y < y1; y++)
    for (let x = Math.max(0, Math.floor(bounds[0])); x < x1; x++) {
      const cover = inside(x, y)
      if (cover <= 0) continue
      const light = shade(x, y)
      const at = (y * canvas.width + x) * 3
      for (let channel = 0; channel < 3; channel++)
        canvas.pixels[at + channel] = canvas.pixels[at + channel]! * (1 - cover) + colour[channel]! * light * cover
    }
}

function ellipse(canvas: Canvas, cx: number, cy: number, rx: number, ry: number, colour: Colour, light = 0.5): void {
  fill(
    canvas,
    [cx - rx, cy - ry, cx + rx + 1, cy + ry + 1],
    colour,
    (x, y) => Math.min(1, Math.max(0, (1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2) * 6)),
    (x, y) => 1 - light * ((x - cx) / rx / 2 + (y - cy) / ry / 2),
  )
}

function box(canvas: Canvas, x: number, y: number, width: number, height: number, colour: Colour, light = 0.3): void {
  fill(
    canvas,
    [x, y, x + width, y + height],
    colour,
    () => 1,
    (px, py) => 1 + light * ((x + width / 2 - px) / width + (y + height / 2 - py) / height),
  )
}

const painters = {
  landscape(canvas, palette, random) {
    const { width, height } = canvas
    const radius = random.between(0.06, 0.14) * height
    ellipse(
      canvas,
      random.between(0.1, 0.9) * width,
      random.between(0.1, 0.35) * height,
      radius,
      radius,
      [255, 244, 214],
      0,
    )
    for (let ridge = 0; ridge < 4; ridge++) {
      const noise = noiseField(random)
      const base = (0.3 + ridge * 0.16 + random.between(-0.06, 0.06)) * height
      const rough = random.between(2.5, 7)
      const tall = random.between(0.12, 0.34) * height
      const line = Float32Array.from({ length: width }, (_, x) => {
        const at = (x / width) * rough
        return base - tall * (noise(at, ridge) + noise(at * 3, ridge + 9) * 0.35 - 0.5)
      })
      const colour = palette[2 + (ridge % 4)]!
      const dark = 1 - ridge * 0.2
      fill(
        canvas,
        [0, 0, width, height],
        colour,
        (x, y) => (y > line[x]! ? 1 : 0),
        (x, y) => dark * (0.75 + 0.5 * noise(x / 7, y / 7)),
      )
    }
    for (let tree = random.int(7); tree > 0; tree--) {
      const x = random.float() * width
      const y = random.between(0.6, 0.95) * height
      const size = random.between(0.05, 0.16) * height
      box(canvas, x - size * 0.08, y, size * 0.16, size * 0.7, [70, 48, 32])
      ellipse(canvas, x, y, size * 0.5, size * 0.8, [30 + random.int(50), 70 + random.int(70), 36])
    }
  },
  portrait(canvas, palette, random) {
    const { width, height } = canvas
    for (let blob = 0; blob < 9; blob++)
      ellipse(
        canvas,
        random.float() * width,
        random.float() * height,
        random.between(0.05, 0.2) * width,
        random.between(0.06, 0.25) * height,
        random.pick(palette),
        0.2,
      )
    const skin = random.pick<Colour>([
      [236, 200, 170],
      [198, 150, 112],
      [142, 98, 70],
      [92, 62, 46],
      [224, 178, 138],
    ])
    const hair = random.pick<Colour>([
      [32, 26, 24],
      [90, 58, 34],
      [180, 140, 84],
      [120, 120, 124],
      [140, 52, 34],
    ])
    const cx = random.between(0.25, 0.75) * width
    const size = random.between(0.2, 0.34) * height
    const cy = random.between(0.32, 0.5) * height
    ellipse(canvas, cx, cy + size * 2.3, size * 1.9, size * 1.5, palette[3]!)
    ellipse(canvas, cx, cy - size * 0.2, size * random.between(0.85, 1.15), size * random.between(1, 1.5), hair)
    box(canvas, cx - size * 0.25, cy + size * 0.5, size * 0.5, size * 0.7, skin)
    ellipse(canvas, cx, cy, size * 0.72, size * 0.95, skin, random.between(0.2, 0.7))
    for (const side of [-1, 1]) {
      ellipse(canvas, cx + side * size * 0.27, cy - size * 0.1, size * 0.11, size * 0.07, [245, 245, 245], 0)
      ellipse(canvas, cx + side * size * 0.27, cy - size * 0.1, size * 0.05, size * 0.06, [30, 30, 34], 0)
    }
    ellipse(canvas, cx, cy + size * 0.45, size * 0.25, size * 0.07, [170, 70, 70], 0)
    if (random.chance(0.35)) box(canvas, cx - size, cy - size * 1.05, size * 2, size * 0.35, palette[4]!)
  },
  product(canvas, palette, random) {
    const { width, height } = canvas
    const floor = random.between(0.55, 0.75) * height
    box(canvas, 0, floor, width, height - floor, palette[2]!, 0.5)
    const count = 1 + random.int(4)
    for (let index = 0; index < count; index++) {
      const w = random.between(0.1, 0.3) * width
      const h = random.between(0.25, 0.62) * height
      const x = random.between(0.05, 0.75) * width
      const y = floor + random.between(0.05, 0.25) * height - h
      ellipse(canvas, x + w * 0.7, y + h, w * 0.9, h * 0.09, [24, 22, 26], 0)
      if (random.chance(0.5)) {
        box(canvas, x, y + h * 0.3, w, h * 0.7, palette[3 + (index % 3)]!, 0.6)
        box(canvas, x + w * 0.35, y, w * 0.3, h * 0.32, palette[(index + 4) % 6]!, 0.6)
      } else {
        box(canvas, x, y, w, h, palette[3 + (index % 3)]!, 0.5)
        ellipse(canvas, x + w / 2, y + h * 0.45, w * 0.3, h * 0.2, palette[index % 3]!)
      }
      for (let line = 0; line < 3; line++)
        box(
          canvas,
          x + w * 0.15,
          y + h * (0.6 + line * 0.1),
          w * random.between(0.3, 0.7),
          h * 0.035,
          [238, 236, 228],
          0,
        )
    }
  },
  food(canvas, palette, random) {
    const { width, height } = canvas
    for (let stripe = 0; stripe < 7; stripe++)
      box(canvas, stripe * (width / 7), 0, width / 14 + random.float() * 9, height, palette[stripe % 6]!, 0.2)
    for (let plate = 0; plate < 1 + random.int(3); plate++) {
      const cx = random.between(0.2, 0.8) * width
      const cy = random.between(0.25, 0.75) * height
      const radius = random.between(0.2, 0.42) * height
      ellipse(canvas, cx, cy, radius, radius * 0.92, [240, 238, 232], 0.15)
      ellipse(canvas, cx, cy, radius * 0.8, radius * 0.74, palette[2]!, 0.3)
      for (let bit = 0; bit < 14; bit++) {
        const size = radius * random.between(0.06, 0.24)
        ellipse(
          canvas,
          cx + random.normal() * radius * 0.35,
          cy + random.normal() * radius * 0.3,
          size,
          size * random.between(0.5, 1),
          random.pick(palette),
        )
      }
    }
  },
  room(canvas, palette, random) {
    const { width, height } = canvas
    const corner = random.between(0.25, 0.75) * width
    const ground = random.between(0.6, 0.8) * height
    box(canvas, 0, 0, corner, ground, palette[2]!, 0.4)
    box(canvas, corner, 0, width - corner, ground, palette[3]!, 0.5)
    box(canvas, 0, ground, width, height - ground, [120, 86, 56], 0.5)
    for (let thing = 0; thing < 5 + random.int(6); thing++) {
      const w = random.between(0.06, 0.28) * width
      const h = random.between(0.08, 0.36) * height
      box(canvas, random.float() * (width - w), random.float() * (height - h), w, h, random.pick(palette), 0.6)
    }
    const window = random.between(0.12, 0.24) * width
    const x = random.float() * (width - window)
    const y = random.between(0.05, 0.25) * height
    box(canvas, x, y, window, window, [214, 232, 248], 0.3)
    box(canvas, x + window * 0.46, y, window * 0.08, window, [84, 70, 60], 0)
  },
  poster(canvas, palette, random) {
    const { width, height } = canvas
    box(canvas, 0, 0, width, height, palette[0]!, 0.3)
    const band = random.between(0.16, 0.34) * height
    box(canvas, 0, random.between(0, 0.6) * height, width, band, palette[2]!, 0.2)
    for (let shape = 0; shape < 5; shape++) {
      const size = random.between(0.08, 0.26) * height
      if (random.chance(0.5))
        ellipse(canvas, random.float() * width, random.float() * height, size, size, random.pick(palette))
      else box(canvas, random.float() * width, random.float() * height, size * 1.6, size, random.pick(palette))
    }
    // Bars that read as lines of print from afar; a perceptual hash sees no letters either.
    const left = random.between(0.05, 0.4) * width
    let y = random.between(0.05, 0.3) * height
    for (let line = 0; line < 3 + random.int(5); line++) {
      const tall = random.between(0.03, 0.1) * height
      box(canvas, left, y, random.between(0.2, 0.5) * width, tall, line % 3 === 0 ? [250, 250, 246] : [28, 28, 34], 0)
      y += tall * random.between(1.4, 2.2)
    }
  },
} satisfies Record<PictureStyle, (canvas: Canvas, palette: Colour[], random: Random) => void>

/** Light from one side, a darker rim and grain, as a camera would give; then bytes. */
function finish(canvas: Canvas, random: Random): Uint8Array {
  const { pixels, width, height } = canvas
  const rgb = new Uint8Array(width * height * 3)
  const noise = noiseField(random)
  const light = random.between(-0.25, 0.25)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const dx = x / width - 0.5
      const dy = y / height - 0.5
      const tone = (1 - 0.5 * (dx * dx + dy * dy) + light * dx) * (0.9 + 0.2 * noise(x / 9, y / 9))
      const at = (y * width + x) * 3
      for (let channel = 0; channel < 3; channel++) rgb[at + channel] = byteOf(pixels[at + channel]! * tone)
    }
  return rgb
}
