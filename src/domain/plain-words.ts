/** A moment inside a sentence, in UTC: `21 Nov 2026 06:44 UTC`. The console shows it in the zone of its reader. */
export function momentText(timeMs: number): string {
  return `${new Date(timeMs).toUTCString().slice(5, 22)} UTC`
}

/** `1 point`, `2.5 points`. Rounded to thousandths. */
export function pointsText(points: number): string {
  const rounded = Math.round(points * 1_000) / 1_000
  return `${rounded} ${rounded === 1 ? 'point' : 'points'}`
}

const turns: Record<string, string> = {
  rotate90: 'rotated by 90 degrees',
  rotate180: 'rotated by 180 degrees',
  rotate270: 'rotated by 270 degrees',
  flipX: 'flipped upside down',
  flipY: 'mirrored',
  flipPlus1: 'mirrored and rotated',
  flipMinus1: 'mirrored and rotated',
  invert: 'inverted',
  border: 'with a border',
  letterbox: 'with bars at two sides',
  caption: 'with a caption added',
  frame: 'inside a larger picture',
  clip: 'a clip of it',
  faster: 'played faster',
  slower: 'played slower',
}
const measuredTurns: Record<string, (amount: string) => string> = {
  rotate: (degrees) => `rotated by ${degrees} degrees`,
  crop: (percent) => `cropped to ${percent} %`,
}

/**
 * How a photo was changed against the one it matches: names joined by plus signs, some with an amount
 * (`flipY+rotate:4`). Names that are none of the known ones are left as they are.
 */
export function turnText(transformation: string): string {
  const words = transformation.split('+').map((part) => {
    const [name, amount] = part.split(':') as [string, string?]
    return (amount === undefined ? turns[name] : measuredTurns[name]?.(amount)) ?? part
  })
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
