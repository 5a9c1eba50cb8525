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
  clip: 'a clip of it',
  faster: 'played faster',
  slower: 'played slower',
}

/** How a photo is turned against the one it matches; the name itself when it is none of the known ones. */
export function turnText(transformation: string): string {
  return turns[transformation] ?? transformation
}
