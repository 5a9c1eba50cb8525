import './entry.css'

/** Text around the marked part that is still shown; the rest of a long text only costs time to read. */
const aroundCharacters = 400

/** A text as inert content, with the part from `start` to `end` (UTF-16 units) marked; without them as it is. */
export function MarkedText({
  text,
  language,
  start,
  end,
}: {
  text: string
  language?: string
  start?: number
  end?: number
}) {
  const from = start ?? 0
  const to = end ?? 0
  const first = Math.max(0, from - aroundCharacters)
  const last = Math.min(text.length, Math.max(to, from) + aroundCharacters)
  return (
    <p className="item-text" dir="auto" lang={language}>
      {first > 0 ? '…' : ''}
      {text.slice(first, from)}
      {to > from ? <mark>{text.slice(from, to)}</mark> : null}
      {text.slice(Math.max(from, to), last)}
      {last < text.length ? '…' : ''}
    </p>
  )
}
