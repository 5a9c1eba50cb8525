// Folding of text for exact matching: what a reader takes for the same words becomes the same string. It follows
// Unicode NFKC (UAX 15) and case folding, and undoes the cheapest evasions; whole words of other scripts stay.

export type FoldedText = {
  text: string
  /** For each UTF-16 unit of `text`: where its source begins and ends in the original, in UTF-16 units. */
  starts: Uint32Array
  ends: Uint32Array
}

/** Marks of one letter beyond these are decoration; Tibetan and Thai need no more than this. */
const marksPerLetterMax = 4

const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800\u0640]/u
const mark = /\p{M}/u
// Blocks of marks that belong to no script; letters of living languages that need them are composed by NFKC.
const strayMark = /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]/gu
const latinOrGreek = /[\p{Script=Latin}\p{Script=Greek}]/u
const apostrophes = new Set(["'", '\u2018', '\u2019', '\u02bc', '\uff07', '`', '\u00b4'])
const joiner = /[\s\p{P}\p{S}\p{Z}\p{Cc}]/u
const picture = /\p{Extended_Pictographic}/u
// These scripts write no space between words, and a sign of theirs says about as much as two letters.
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

// What a code point is, worked out when it is first met: property escapes cost a hundred times a look into a table.
const isKnown = 1
const isMark = 2
const isJoiner = 4
const isUnspaced = 8
const isApostrophe = 16
const isLetter = 32
const traits = new Uint8Array(0x110000)
const foldedPoints = new Map<number, string>()

function traitsOf(code: number): number {
  const held = traits[code]!
  if (held !== 0) return held
  const char = String.fromCodePoint(code)
  return (traits[code] =
    isKnown |
    (mark.test(char) ? isMark : 0) |
    (joiner.test(char) && !picture.test(char) ? isJoiner : 0) |
    (unspaced.test(char) ? isUnspaced : 0) |
    (apostrophes.has(char) ? isApostrophe : 0) |
    (/\p{L}/u.test(char) ? isLetter : 0))
}

/** Signs that stand for a letter when they lie within a Latin word. */
const leet: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '€': 'e',
  '!': 'i',
  '|': 'l',
}

/** Cyrillic and Greek letters that look Latin; used only inside words that also hold Latin letters (UTS 39, section 4). */
export const lookalikes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    а: 'a',
    в: 'b',
    с: 'c',
    ԁ: 'd',
    е: 'e',
    ё: 'e',
    һ: 'h',
    і: 'i',
    ї: 'i',
    ј: 'j',
    к: 'k',
    ӏ: 'l',
    м: 'm',
    н: 'h',
    о: 'o',
    р: 'p',
    ԛ: 'q',
    г: 'r',
    ѕ: 's',
    т: 't',
    у: 'y',
    ѵ: 'v',
    ԝ: 'w',
    х: 'x',
    α: 'a',
    β: 'b',
    ε: 'e',
    η: 'n',
    ι: 'i',
    κ: 'k',
    ν: 'v',
    ο: 'o',
    ρ: 'p',
    τ: 't',
    υ: 'u',
    χ: 'x',
    γ: 'y',
    ω: 'w',
    σ: 'o',
  }),
)
const latin = /\p{Script=Latin}/u
// A word may begin and end with @ and $, but holds the other signs only inside: there they are mostly what they seem.
const lettersOrLeet = /[@$]?[\p{L}\p{N}\p{M}](?:[\p{L}\p{N}\p{M}@$€!|]*[\p{L}\p{N}\p{M}@$])?/gu

/**
 * Folds text and remembers where each character came from. Compatibility forms, case, accents of Latin and Greek,
 * invisible and direction characters, and stray marks go; runs of space, punctuation and symbols become one space;
 * digits and look-alikes inside Latin words become the letters that they imitate. Emoji stay.
 */
export function foldText(original: string): FoldedText {
  const units: number[] = []
  const starts: number[] = []
  const ends: number[] = []
  for (let at = 0; at < original.length;) {
    const code = original.codePointAt(at)!
    let end = at + (code > 0xffff ? 2 : 1)
    const base = end
    for (let next; end < original.length && traitsOf((next = original.codePointAt(end)!)) & isMark;)
      end += next > 0xffff ? 2 : 1
    if (code < 0x80 && end === base) {
      units.push(code >= 65 && code <= 90 ? code + 32 : code)
      starts.push(at)
      ends.push(end)
    } else {
      const folded = end === base ? foldPoint(code) : foldCluster(original.slice(at, end))
      for (let unit = 0; unit < folded.length; unit++) {
        units.push(folded.charCodeAt(unit))
        starts.push(at)
        ends.push(end)
      }
    }
    at = end
  }
  return collapse(unmask(stringOf(units)), starts, ends)
}

function stringOf(units: readonly number[]): string {
  let text = ''
  // More arguments than this may not fit on the stack.
  for (let at = 0; at < units.length; at += 8_192) text += String.fromCharCode(...units.slice(at, at + 8_192))
  return text
}

function foldPoint(code: number): string {
  const held = foldedPoints.get(code)
  if (held !== undefined) return held
  const folded = foldCluster(String.fromCodePoint(code))
  foldedPoints.set(code, folded)
  return folded
}

/** Compatibility, case and marks of one letter with its marks; never shorter than what a reader sees of it. */
function foldCluster(whole: string): string {
  const visible = Array.from(squared(whole))
    .filter((char) => !invisible.test(char))
    .join('')
  if (visible === '') return ''
  let text = visible.normalize('NFKC')
  // Upper then lower is full case folding for everything but the final sigma, which stands alone here and so folds too.
  text = Array.from(text.toUpperCase())
    .map((char) => char.toLowerCase())
    .join('')
    .normalize('NFKC')
  if (latinOrGreek.test(text)) text = text.normalize('NFD')
  text = text.replace(strayMark, '').normalize('NFKC')
  let marks = 0
  return Array.from(text)
    .filter((char) => !mark.test(char) || ++marks <= marksPerLetterMax)
    .join('')
}

/** Letters in dark circles and squares, which NFKC leaves alone (U+1F150 to U+1F189). */
function squared(text: string): string {
  return text.replace(/[\u{1f150}-\u{1f169}\u{1f170}-\u{1f189}]/gu, (char) => {
    const code = char.codePointAt(0)!
    return `${String.fromCharCode(97 + (code >= 0x1f170 ? code - 0x1f170 : code - 0x1f150))} `
  })
}

// Without one of these neighbourhoods no word holds an imitation. Looked for first: most texts have none.
const mask =
  /[0-9@$€]\p{L}|\p{L}[0-9@$€]|\p{L}[!|]+[\p{L}\p{N}@$]|\p{Script=Latin}[\u0370-\u0527]|[\u0370-\u0527]\p{Script=Latin}/u

/** Replaces imitations inside Latin words, unit by unit, so that places stay. */
function unmask(text: string): string {
  if (!mask.test(text)) return text
  return text.replace(lettersOrLeet, (word) => {
    if (!mask.test(word) || !latin.test(word)) return word
    const chars = Array.from(word).map((char) => lookalikes.get(char) ?? char)
    const letters = chars.filter((char) => latin.test(char)).length
    const signs = chars.filter((char) => leet[char] !== undefined || /\p{N}/u.test(char)).length
    // More digits than letters is an amount, a model or a code.
    return chars.map((char) => (signs > letters ? char : (leet[char] ?? char))).join('')
  })
}

function collapse(text: string, starts: readonly number[], ends: readonly number[]): FoldedText {
  const out: number[] = []
  const from: number[] = []
  const to: number[] = []
  let gap = -1
  for (let at = 0; at < text.length;) {
    const code = text.codePointAt(at)!
    const next = at + (code > 0xffff ? 2 : 1)
    const trait = traitsOf(code)
    const isInWord =
      (trait & isApostrophe) !== 0 &&
      out.length > 0 &&
      gap < 0 &&
      next < text.length &&
      (traitsOf(text.codePointAt(next)!) & isLetter) !== 0
    if (isInWord) {
      at = next
      continue
    }
    if ((trait & isJoiner) !== 0) {
      if (gap < 0) gap = at
    } else {
      if (gap >= 0 && out.length > 0) {
        out.push(32)
        from.push(starts[gap]!)
        to.push(ends[at - 1]!)
      }
      gap = -1
      for (let unit = at; unit < next; unit++) {
        out.push(text.charCodeAt(unit))
        from.push(starts[unit]!)
        to.push(ends[unit]!)
      }
    }
    at = next
  }
  return { text: stringOf(out), starts: Uint32Array.from(from), ends: Uint32Array.from(to) }
}

/** Entries shorter than this match only a text that says nothing else: short phrases occur innocently in others. */
export const containedWeightMin = 12
const keyUnits = 6
export type PhraseHit = { id: number; start: number; end: number }

export type PhraseIndex = {
  readonly size: number
  /** Adds a folded phrase under an id of the caller; an id that is already there is replaced. */
  add: (id: number, folded: string) => void
  remove: (id: number) => boolean
  /** Every phrase that the folded text equals or, when long enough, contains as whole words; by place, then id. */
  search: (folded: string) => PhraseHit[]
}

/** How much a folded phrase says: characters, those of scripts without spaces counted twice. */
export function phraseWeight(folded: string): number {
  let weight = 0
  for (const char of folded) weight += (traitsOf(char.codePointAt(0)!) & isUnspaced) === 0 ? 1 : 2
  return weight
}

/** An index of phrases: equality for short ones, containment at word bounds for those of weight 12 or more. */
export function createPhraseIndex(): PhraseIndex {
  const phrases = new Map<number, string>()
  const whole = new Map<string, Set<number>>()
  const byKey = new Map<string, Set<number>>()
  const into = (map: Map<string, Set<number>>, key: string, id: number) => {
    const ids = map.get(key)
    if (ids === undefined) map.set(key, new Set([id]))
    else ids.add(id)
  }
  const outOf = (map: Map<string, Set<number>>, key: string, id: number) => {
    const ids = map.get(key)
    ids?.delete(id)
    if (ids?.size === 0) map.delete(key)
  }
  const isContainable = (phrase: string) => phrase.length >= keyUnits && phraseWeight(phrase) >= containedWeightMin
  const remove = (id: number): boolean => {
    const phrase = phrases.get(id)
    if (phrase === undefined) return false
    phrases.delete(id)
    outOf(whole, phrase, id)
    if (isContainable(phrase)) outOf(byKey, phrase.slice(0, keyUnits), id)
    return true
  }

  return {
    get size() {
      return phrases.size
    },
    add(id, folded) {
      if (folded === '') throw new RangeError('A phrase must hold at least one letter or digit')
      remove(id)
      phrases.set(id, folded)
      into(whole, folded, id)
      if (isContainable(folded)) into(byKey, folded.slice(0, keyUnits), id)
    },
    remove,
    search(folded) {
      const hits: PhraseHit[] = []
      for (const id of whole.get(folded) ?? []) hits.push({ id, start: 0, end: folded.length })
      if (byKey.size > 0)
        for (let start = 0; start + keyUnits <= folded.length; start++) {
          if (!isBound(folded, start)) continue
          for (const id of byKey.get(folded.slice(start, start + keyUnits)) ?? []) {
            const phrase = phrases.get(id)!
            const end = start + phrase.length
            if (phrase.length === folded.length) continue
            if (folded.startsWith(phrase, start) && isBound(folded, end)) hits.push({ id, start, end })
          }
        }
      return hits.sort((a, b) => a.start - b.start || a.id - b.id)
    },
  }
}

/** Whether a word may begin or end at this place of a folded text. */
function isBound(folded: string, at: number): boolean {
  if (at === 0 || at === folded.length) return true
  const before = folded.charCodeAt(at - 1)
  const after = folded.charCodeAt(at)
  return before === 32 || after === 32 || ((traitsOf(before) | traitsOf(after)) & isUnspaced) !== 0
}
