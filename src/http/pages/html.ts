/** Text that is HTML already. Only `markup` makes it, so that everything else is escaped. */
export type Html = { readonly html: string }
type Piece = Html | string | number | false | null | undefined | readonly Piece[]

/** A template that escapes every value. Lists are joined; false and undefined leave nothing. */
export function markup(strings: TemplateStringsArray, ...values: Piece[]): Html {
  let text = strings[0]!
  values.forEach((value, index) => {
    text += piece(value) + strings[index + 1]!
  })
  return { html: text }
}

function piece(value: Piece): string {
  if (value === undefined || value === null || value === false) return ''
  if (typeof value === 'string') return escape(value)
  if (typeof value === 'number') return String(value)
  if (isList(value)) return value.map(piece).join('')
  return value.html
}

function isList(value: Html | readonly Piece[]): value is readonly Piece[] {
  return Array.isArray(value)
}

const named: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => named[character]!)
}

// Marks that turn the direction of the text around them (Unicode bidirectional algorithm, UAX #9, section 2), and control
// characters: in a name they could make a page say something else.
// oxlint-disable-next-line no-control-regex
const disturbing = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Words of people, cut to `lengthMax` characters and kept from disturbing the page around them. */
export function theirs(text: string, lengthMax: number): Html {
  return markup`<bdi>${plain(text, lengthMax)}</bdi>`
}

/** The same as text, for titles and attributes. */
export function plain(text: string, lengthMax: number): string {
  // Cut before and after: a megabyte is not worth searching, and a cut must not leave half a character.
  const clean = text
    .slice(0, lengthMax * 4)
    .toWellFormed()
    .replaceAll(disturbing, '')
  const characters = Array.from(clean)
  return characters.length > lengthMax || text.length > lengthMax * 4
    ? `${characters.slice(0, lengthMax).join('')}…`
    : clean
}

/** A link target as given by a policy, or nothing when it could run code or leave the web. */
export function webLink(url: string | undefined): string | undefined {
  return url !== undefined && /^https?:\/\/[^\s"'<>]+$/i.test(url) ? url : undefined
}
