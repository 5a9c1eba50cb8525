import { ar } from './languages/ar.ts'
import { de } from './languages/de.ts'
import { en } from './languages/en.ts'
import { es } from './languages/es.ts'
import { fr } from './languages/fr.ts'
import { hi } from './languages/hi.ts'
import { ja } from './languages/ja.ts'
import { pt } from './languages/pt.ts'
import type { Messages } from './message-type.ts'

export const languages = { en, es, de, fr, pt, ar, hi, ja } satisfies Record<string, Messages>
export type Language = keyof typeof languages

/** Whether pages exist in this language. */
export function isLanguage(text: string): text is Language {
  return Object.hasOwn(languages, text)
}

/**
 * The language of a page: the one asked for, else the best of Accept-Language (RFC 9110, section 12.5.4), else `otherwise`.
 * Regions are ignored: pt-BR is served as pt.
 */
export function chooseLanguage(
  asked: string | undefined,
  acceptLanguage: string | undefined,
  otherwise = 'en',
): Language {
  const base = (tag: string) => tag.trim().toLowerCase().split('-')[0]!
  if (asked !== undefined && isLanguage(base(asked))) return base(asked) as Language
  const wanted = (acceptLanguage ?? '')
    .slice(0, 1_000)
    .split(',')
    .map((part, place) => {
      const [tag = '', ...parameters] = part.split(';')
      const quality = Number(/^\s*q=([\d.]+)/.exec(parameters.join(';'))?.[1] ?? 1)
      return { language: base(tag), quality: Number.isNaN(quality) ? 0 : quality, place }
    })
    .filter(({ language, quality }) => quality > 0 && isLanguage(language))
    .sort((a, b) => b.quality - a.quality || a.place - b.place)
  const best = wanted[0]?.language ?? base(otherwise)
  return isLanguage(best) ? best : 'en'
}

/** Puts values into a message; what it does not name stays away. */
export function fill(message: string, values: Record<string, string>): string {
  return message.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}

/** A moment in the words of a language, in UTC and saying so. */
export function moment(language: Language, timeMs: number): string {
  return new Intl.DateTimeFormat(language, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(timeMs)
}
