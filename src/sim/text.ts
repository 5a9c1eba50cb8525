import type { Random } from '../kernels/random.ts'
import { ar } from './words/ar.ts'
import { de } from './words/de.ts'
import { en } from './words/en.ts'
import { es } from './words/es.ts'
import { fr } from './words/fr.ts'
import { hi } from './words/hi.ts'
import { ja } from './words/ja.ts'
import { pt } from './words/pt.ts'
import type { Words } from './words/words.ts'

/** Languages of the simulated platform, with the share of its people who write them. */
export const languages: readonly { words: Words; share: number }[] = [
  { words: en, share: 0.4 },
  { words: es, share: 0.14 },
  { words: pt, share: 0.1 },
  { words: de, share: 0.09 },
  { words: fr, share: 0.09 },
  { words: ar, share: 0.07 },
  { words: hi, share: 0.06 },
  { words: ja, share: 0.05 },
]

/** Fills the `{slots}` of a template from the words of its language; slots given in `values` win. */
export function fillTemplate(
  template: string,
  words: Words,
  random: Random,
  values: Readonly<Record<string, string>> = {},
): string {
  return template.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const value = values[name]
    if (value !== undefined) return value
    const options = words.slots[name]
    return options === undefined ? whole : fillTemplate(random.pick(options), words, random, values)
  })
}

// Look-alikes that real spammers use; a skeleton in the sense of Unicode TR39 folds them back.
const lookAlikes: Readonly<Record<string, string>> = { a: 'а', e: 'е', o: 'о', c: 'с', p: 'р', x: 'х', i: 'і' }
const digits: Readonly<Record<string, string>> = { a: '4', e: '3', i: '1', o: '0', s: '5' }
const synonyms: readonly (readonly string[])[] = [
  ['guaranteed', 'assured', 'certain', 'promised'],
  ['cheap', 'affordable', 'low-cost', 'bargain'],
  ['best', 'finest', 'top', 'greatest'],
  ['start', 'begin', 'join'],
  ['order now', 'buy today', 'get yours', 'shop here'],
  ['parcel', 'package', 'delivery'],
  ['earn', 'make', 'receive'],
  ['claim', 'collect', 'pick up'],
  ['easy', 'simple', 'light'],
  ['people', 'members', 'persons'],
]
const trails = ['!', '!!', ' 🔥', ' ✅', ' 👇', ' 💸', ' …', '']

/**
 * Says the same thing in other letters, as people do who want to pass a filter. `strength` from 0 (unchanged) to 1:
 * synonyms and endings first, then spacing, look-alike letters, digits for letters and invisible characters.
 * Links are left alone: they must still work.
 */
export function varyText(text: string, random: Random, strength: number): string {
  return text
    .split(/(https?:\/\/\S+)/)
    .map((part, index) => (index % 2 === 1 ? part : varyPart(part, random, strength)))
    .join('')
}

function varyPart(part: string, random: Random, strength: number): string {
  if (part.trim() === '') return part
  let text = part
  for (const group of synonyms)
    for (const word of group) {
      const at = text.toLowerCase().indexOf(word)
      if (at < 0 || !random.chance(strength)) continue
      text = text.slice(0, at) + random.pick(group) + text.slice(at + word.length)
      break
    }
  if (strength > 0.3)
    text = [...text]
      .map((letter) => {
        const draw = random.float()
        const key = letter.toLowerCase()
        if (draw < strength * 0.06) return lookAlikes[key] ?? letter
        if (draw < strength * 0.1) return digits[key] ?? letter
        if (draw < strength * 0.12 && letter !== ' ') return `${letter}\u200b`
        if (draw < strength * 0.14 && letter === ' ') return '  '
        return letter
      })
      .join('')
  if (random.chance(strength * 0.25)) text = text.toUpperCase()
  if (random.chance(strength)) text = text.replace(/\s*$/, (space) => random.pick(trails) + space)
  return text
}
