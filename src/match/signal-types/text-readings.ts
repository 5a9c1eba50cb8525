import { foldText, type FoldedText } from '../../kernels/text-fold.ts'
import type { LookupContent } from './signal-type.ts'

/** What several signal types, asked about the same text one after the other, need of it. */
type Readings = { folded: Map<string, FoldedText>; made: Map<string, unknown> }

const readings = new WeakMap<LookupContent, Readings>()

function readingsOf(content: LookupContent): Readings {
  let known = readings.get(content)
  if (known === undefined) readings.set(content, (known = { folded: new Map(), made: new Map() }))
  return known
}

/**
 * `foldText` of the text of a content, or of what was made of it, done once for each content: most ways of reading a text
 * begin with it, and it is most of what they cost.
 */
export function folderOf(content: LookupContent): (text: string) => FoldedText {
  const { folded } = readingsOf(content)
  return (text) => {
    const known = folded.get(text)
    if (known !== undefined) return known
    const made = foldText(text)
    folded.set(text, made)
    return made
  }
}

/** What a signal type makes of a content, made once under a name of its own. */
export function onceFor<T>(content: LookupContent, name: string, make: () => T): T {
  const { made } = readingsOf(content)
  if (!made.has(name)) made.set(name, make())
  return made.get(name) as T
}

/** Lets a part share what is remembered of the content that it is the text of. */
export function shareReadings(part: LookupContent, content: LookupContent): LookupContent {
  readings.set(part, readingsOf(content))
  return part
}
