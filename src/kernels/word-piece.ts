// Words cut into pieces of a fixed vocabulary, as BERT and the sentence models that follow it want them (Devlin, Chang,
// Lee, Toutanova 2019; longest match first, Wu et al. 2016, section 4.1).

export type WordPieceOptions = {
  /** Pieces by line number; those that go on a word begin with "##". */
  vocabulary: readonly string[]
  lowercase?: boolean
  /** Pieces beyond are cut off, the two marks at the ends included. */
  lengthMax: number
}

const wordLengthMax = 100
const isCjk = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3134f}]/u
const isPunctuation = /[\p{P}\u0021-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007e]/u

/**
 * A tokenizer: text to numbers of pieces, begun by [CLS] and ended by [SEP]. Throws a RangeError for a vocabulary
 * without the marks that it needs.
 */
export function createWordPiece(options: WordPieceOptions): (text: string) => number[] {
  const { vocabulary, lowercase = true, lengthMax } = options
  const idOf = new Map(vocabulary.map((piece, id) => [piece, id]))
  const markOf = (mark: string) => {
    const id = idOf.get(mark)
    if (id === undefined) throw new RangeError(`The vocabulary has no ${mark}`)
    return id
  }
  const [first, last, unknown] = [markOf('[CLS]'), markOf('[SEP]'), markOf('[UNK]')]

  const piecesOf = (word: string): number[] => {
    if (word.length > wordLengthMax) return [unknown]
    const pieces: number[] = []
    for (let start = 0; start < word.length;) {
      let end = word.length
      let id: number | undefined
      for (; end > start; end--) {
        id = idOf.get((start > 0 ? '##' : '') + word.slice(start, end))
        if (id !== undefined) break
      }
      if (id === undefined) return [unknown]
      pieces.push(id)
      start = end
    }
    return pieces
  }

  return (text) => {
    const ids = [first]
    for (const word of wordsOf(text, lowercase)) {
      if (ids.length >= lengthMax - 1) break
      ids.push(...piecesOf(word))
    }
    ids.length = Math.min(ids.length, lengthMax - 1)
    return [...ids, last]
  }
}

/** Words, and punctuation and ideographs one by one; accents go with the case. */
function wordsOf(text: string, lowercase: boolean): string[] {
  const plain = lowercase
    ? text
        .toLowerCase()
        .normalize('NFD')
        .replace(/\p{Mn}/gu, '')
    : text
  const words: string[] = []
  let word = ''
  const flush = () => {
    if (word !== '') words.push(word)
    word = ''
  }
  for (const character of plain) {
    if (/\s/.test(character)) flush()
    else if (/[\p{Cc}\p{Cf}\ufffd]/u.test(character)) continue
    else if (isPunctuation.test(character) || isCjk.test(character)) {
      flush()
      words.push(character)
    } else word += character
  }
  flush()
  return words
}
