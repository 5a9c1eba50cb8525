// Numbers by place in segments: however long a column is, growing it copies a quarter of a megabyte a word at most.

const segmentBits = 16
const segmentRows = 2 ** segmentBits
const firstRows = 64

export type Column = {
  /** The value at a place that `reserve` made; a word of it where each has several. */
  get: (place: number, word?: number) => number
  set: (place: number, value: number, word?: number) => void
  /** Makes room for all places up to this one. */
  reserve: (place: number) => void
  /** For so many places there is room. */
  readonly rows: number
}

/** A column of signed 32-bit numbers, `words` at each place, that begin as `fill`. */
export function createColumn(fill = 0, words = 1): Column {
  const make = (rows: number) => {
    const segment = new Int32Array(rows * words)
    return fill === 0 ? segment : segment.fill(fill)
  }
  const segments = [make(firstRows)]
  let rows = firstRows
  return {
    get rows() {
      return rows
    },
    get: (place, word = 0) => segments[place >>> segmentBits]![(place & (segmentRows - 1)) * words + word]!,
    set(place, value, word = 0) {
      segments[place >>> segmentBits]![(place & (segmentRows - 1)) * words + word] = value
    },
    reserve(place) {
      while (rows <= place) {
        if (rows < segmentRows) {
          const wide = make(rows * 2)
          wide.set(segments[0]!)
          segments[0] = wide
          rows *= 2
        } else {
          segments.push(make(segmentRows))
          rows += segmentRows
        }
      }
    },
  }
}
