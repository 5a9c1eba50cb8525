// The skeleton of a text: what is left when everything goes that a writer can change without changing what a reader
// sees. It follows the idea of Unicode's confusable skeletons (UTS 39, section 4), goes on from the folding in
// `text-fold.ts`, and is much coarser: gaps, repetitions and digits go too. Different words may share a skeleton, so
// only long ones say something.
import { foldText, lookalikes, type FoldedText } from './text-fold.ts'

export type Skeleton = {
  text: string
  /** For each UTF-16 unit of `text`: where its source begins and ends in the original, in UTF-16 units. */
  starts: Uint32Array
  ends: Uint32Array
  /** Bits: 1 where a word may begin at this unit, 2 where one may end after it. */
  bounds: Uint8Array
}

const mayBegin = 1
const mayEnd = 2

/** Symbols that stand for letters when they touch one; folding would take them for gaps. */
const drawn: Record<string, string> = {
  '@': 'a',
  $: 's',
  '§': 's',
  '€': 'e',
  '∑': 'e',
  '¢': 'c',
  '£': 'l',
  '¥': 'y',
  '₿': 'b',
  '₽': 'p',
  '₮': 't',
  '₦': 'n',
  '†': 't',
  '✝': 't',
  '×': 'x',
  '√': 'v',
  '∂': 'd',
  '○': 'o',
  '●': 'o',
  '◯': 'o',
  '⊙': 'o',
}
const drawnRuns = new RegExp(
  `(?<=\\p{L})[${Object.keys(drawn).join('')}]+|[${Object.keys(drawn).join('')}]+(?=\\p{L})`,
  'gu',
)

/**
 * What looks like which Latin letters: the single letters among Unicode's confusables in the scripts that are used for
 * it, and phonetic signs, small capitals and letters on their heads.
 */
const drawnLike: Record<string, string> = {
  a: 'ɐᴀɑαаꭺᗅꓮ',
  aa: 'ꜳ',
  ae: 'æӕ',
  ao: 'ꜵ',
  au: 'ꜷ',
  av: 'ꜹꜻ',
  ay: 'ꜽ',
  b: 'ƃʙƀɓƅβвьꮟᏼᑲᖯᗷꓐꞵ',
  bl: 'ы',
  c: 'ɔᴄƈсꮯⲥꓚ',
  d: 'đɗᴅԁꭰꮷᑯᗞᗪꓒꓓ',
  dz: 'ʣ',
  e: 'ɛəǝɘᴇεеҽꭼⴹꓰꬲ',
  f: 'ɟƒꜰғϝքᖴẝꓝꞙꬵ',
  g: 'ɡɢƍԍցꮐᏻᶃꓖ',
  h: 'ħɥʜηнһհꮋꮒᕼⲏꓧ',
  i: 'ıᴉ',
  j: 'ɾᴊϳјꭻᒍꓙʝ',
  k: 'ʞƙᴋκкꮶᛕⲕꓗ',
  l: 'łƚʟɩǀɪιіӏꭵꮮᒪᛁⲓⳑⵏꓡꓲꙇ',
  ll: 'ǁ',
  lo: 'ю',
  ls: 'ʪ',
  lz: 'ʫ',
  m: 'ɯᴍμϻмꮇᗰᛖⲙꓟ',
  n: 'ɲŋɴνոռⲛꓠ',
  o: 'øᴏοσоօჿᴑⲟⵔꓳꬽ',
  oe: 'œ',
  oo: 'ꚙꝏ',
  p: 'ƥᴘþρрꮲᑭⲣꓑ',
  q: 'ꞯԛգզⵕ',
  r: 'ɹɽʀгꭱꮢᖇᴦⲅꓣꭇꭈꮁ',
  s: 'ꜱʂƽѕտꮥꮪꓢ',
  t: 'ŧʇᴛƭτтꭲⲧꓔ',
  tf: 'ꝷ',
  ts: 'ʦ',
  u: 'ʉᴜʋսᑌꓴꞟꭎꭒ',
  ue: 'ᵫ',
  uo: 'ꭣ',
  v: 'ʌᴠѵꮩᐯⴸꓦ',
  w: 'ʍᴡѡԝաꮃꮤꓪ',
  x: 'χхᕁᕽᚷⲭⵝꓫꭓ',
  y: 'ʎʏƴɣυγуүყꭹꮍᶌỿⲩꓬꭚ',
  z: 'ƶᴢζꮓꓜ',
}

/** Signs whose readings run together, each to one of them: digits as letters, `l` and `i`, `w` and two `v`. */
const merged: Record<string, string> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  i: 'l',
  w: 'v',
}

const classes = new Map<string, string>()
for (const [letters, signs] of Object.entries(drawnLike)) for (const sign of signs) classes.set(sign, letters)
// Folding has its own idea of some, inside mixed words; both must say the same.
for (const [sign, letter] of lookalikes) classes.set(sign, letter)
for (const [sign, letters] of classes) classes.set(sign, Array.from(letters, (one) => merged[one] ?? one).join(''))
for (const [sign, letter] of Object.entries(merged)) classes.set(sign, letter)

/** Signs that are syllables or words: repeating them says something, and any may begin a word. */
const isDense = (code: number) =>
  ((code >= 0x0e00 && code < 0x1f000) || code >= 0x20000) && !classes.has(String.fromCodePoint(code))

/** How much a skeleton says: its letters, those of scripts without spaces counted twice. */
export function skeletonWeight(skeleton: string): number {
  let weight = 0
  for (const char of skeleton) weight += isDense(char.codePointAt(0)!) ? 2 : 1
  return weight
}

/**
 * The skeleton of a text: folded, without gaps, each letter as the Latin one it looks like, digits as letters, `i` as
 * `l`, `m` as `rn`, `w` as `v`, and repeated letters once. A skeleton is its own skeleton. `fold` is
 * `foldText`, or the same by somebody who remembers what was folded.
 */
export function skeletonOf(original: string, fold: (text: string) => FoldedText = foldText): Skeleton {
  const { text, starts, ends } = fold(withDrawnLetters(original))
  const out: string[] = []
  const from: number[] = []
  const to: number[] = []
  const bounds: number[] = []
  /** Where the last letter begins in `out`. */
  let lastAt = 0
  let last = ''
  let gap = true
  for (let at = 0; at < text.length;) {
    const code = text.codePointAt(at)!
    const char = String.fromCodePoint(code)
    const next = at + char.length
    if (code === 32) gap = true
    else {
      const dense = isDense(code)
      for (const letter of classes.get(char) ?? char) {
        if (letter === last && !dense) {
          if (!gap) to[to.length - 1] = ends[next - 1]!
          else {
            // The end of one word and the beginning of the next in one letter.
            bounds[lastAt]! |= mayBegin
            bounds[bounds.length - 1]! |= mayEnd
          }
          continue
        }
        last = letter
        if (gap && bounds.length > 0) bounds[bounds.length - 1]! |= mayEnd
        lastAt = out.length
        const shown = letter === 'm' ? 'rn' : letter
        for (let unit = 0; unit < shown.length; unit++) {
          out.push(shown[unit]!)
          from.push(starts[at]!)
          to.push(ends[next - 1]!)
          bounds.push((unit === 0 && (gap || dense) ? mayBegin : 0) | (dense ? mayEnd : 0))
        }
        gap = false
      }
      gap = false
    }
    at = next
  }
  return {
    text: out.join(''),
    starts: Uint32Array.from(from),
    ends: Uint32Array.from(to),
    bounds: Uint8Array.from(bounds),
  }
}

/** Symbols and flags that stand for letters, as letters; every place in the text stays where it was. */
function withDrawnLetters(text: string): string {
  return text
    .replace(drawnRuns, (run) => Array.from(run, (sign) => drawn[sign]!).join(''))
    .replace(
      /[\u{1f1e6}-\u{1f1ff}]/gu,
      // A letter and something invisible: two units as before.
      (sign) => `${String.fromCharCode(97 + sign.codePointAt(0)! - 0x1f1e6)}\u200b`,
    )
}

/** Skeletons shorter than this are shared by too many words. */
export const skeletonWeightMin = 8
/** Shorter ones match only a text that says nothing else. */
export const skeletonContainedMin = 16
const keyUnits = 8

export type SkeletonHit = { id: number; start: number; end: number }
export type SkeletonIndex = {
  readonly size: number
  /** Adds a skeleton under an id of the caller; an id that is already there is replaced. */
  add: (id: number, skeleton: string) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  /** Every skeleton that this one equals, or contains from word to word when it weighs 16 or more; by place, then id. */
  search: (skeleton: Skeleton) => SkeletonHit[]
}

/** An empty index of skeletons: equality for short ones, passages for long ones. */
export function createSkeletonIndex(): SkeletonIndex {
  const held = new Map<number, string>()
  /** By whole skeleton, and by the first eight units of those that may be passages. */
  const whole = new Map<string, Set<number>>()
  const byKey = new Map<string, Set<string>>()
  const remove = (id: number): boolean => {
    const skeleton = held.get(id)
    if (skeleton === undefined) return false
    held.delete(id)
    const same = whole.get(skeleton)!
    same.delete(id)
    if (same.size > 0) return true
    whole.delete(skeleton)
    const key = skeleton.slice(0, keyUnits)
    const sharing = byKey.get(key)
    sharing?.delete(skeleton)
    if (sharing?.size === 0) byKey.delete(key)
    return true
  }
  return {
    get size() {
      return held.size
    },
    add(id, skeleton) {
      if (skeleton === '') throw new RangeError('A skeleton must hold at least one letter')
      remove(id)
      held.set(id, skeleton)
      const same = whole.get(skeleton)
      if (same !== undefined) {
        same.add(id)
        return
      }
      whole.set(skeleton, new Set([id]))
      if (skeleton.length < keyUnits || skeletonWeight(skeleton) < skeletonContainedMin) return
      const key = skeleton.slice(0, keyUnits)
      const sharing = byKey.get(key)
      if (sharing === undefined) byKey.set(key, new Set([skeleton]))
      else sharing.add(skeleton)
    },
    remove,
    search({ text, bounds }) {
      const hits: SkeletonHit[] = []
      for (const id of whole.get(text) ?? []) hits.push({ id, start: 0, end: text.length })
      if (byKey.size > 0)
        for (let start = 0; start + keyUnits <= text.length; start++) {
          if ((bounds[start]! & mayBegin) === 0) continue
          for (const skeleton of byKey.get(text.slice(start, start + keyUnits)) ?? []) {
            const end = start + skeleton.length
            if (skeleton.length === text.length || !text.startsWith(skeleton, start)) continue
            if (end < text.length && (bounds[end - 1]! & mayEnd) === 0 && (bounds[end]! & mayBegin) === 0) continue
            for (const id of whole.get(skeleton)!) hits.push({ id, start, end })
          }
        }
      return hits.sort((a, b) => a.start - b.start || a.id - b.id)
    },
  }
}
