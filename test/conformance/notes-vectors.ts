// Reads what the public reference made of three data sets; see ../shared/data/notes/README.md.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Factorization } from '../../src/kernels/factorization.ts'
import type { Observations } from '../../src/kernels/observations.ts'

const folder = fileURLToPath(new URL('../../../shared/data/notes/', import.meta.url))
export const skip = existsSync(folder) ? false : `${folder} is absent`

export const sets = ['small', 'medium', 'real-2021'] as const
export type SetName = (typeof sets)[number]
/** When the reference ran on each set. */
export const nowMs: Record<SetName, number> = {
  small: 1_782_864_000_000,
  medium: 1_782_864_000_000,
  'real-2021': 1_630_454_400_000,
}
/** Folder of the four inputs. */
export const inputFolder = (set: SetName) => `${folder}${set}/${set === 'real-2021' ? '' : 'in/'}`

/** Rows of a table of the reference by name of column; what is missing is the empty string. */
export function table(set: SetName, name: string): Record<string, string>[] {
  const text = gunzipSync(readFileSync(`${folder}${set}/${name}.tsv.gz`)).toString('utf8')
  const [head, ...lines] = text.split('\n')
  const names = head!.split('\t')
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const cells = line.split('\t')
      return Object.fromEntries(names.map((column, at) => [column, cells[at] ?? '']))
    })
}

export const json = (set: SetName, name: string) =>
  JSON.parse(readFileSync(`${folder}${set}/${name}.json`, 'utf8')) as unknown

/** One fit of the reference: what it was given, what it found. */
export type Fit = {
  name: string
  cells: Observations
  model: Factorization
  /** Ratings a note that the note penalties pretend; 0: as many as there are. */
  ratio: number
  loss: number
  raterCodes: Float64Array
  noteIds: BigInt64Array
}

/** Every stored matrix factorisation of a set, by name without its prefix. */
export function fits(set: SetName): Map<string, Fit> {
  const index = json(set, 'mf/index') as {
    name: string
    R: number
    U: number
    N: number
    mu: number
    ratio: number
    loss: number
  }[]
  return new Map(
    index.map(({ name, R, U, N, mu, ratio, loss }) => {
      const packed = gunzipSync(readFileSync(`${folder}${set}/mf/${name}.bin.gz`))
      const bytes = packed.buffer.slice(packed.byteOffset, packed.byteOffset + packed.length)
      const view = new DataView(bytes)
      let at = 0
      const take = (count: number, size: number) => bytes.slice(at, (at += count * size))
      const row = new Int32Array(take(R, 4))
      const column = new Int32Array(take(R, 4))
      const value = new Float32Array(take(R, 4))
      const pairs = (count: number) => {
        const intercepts = new Float64Array(take(count, 8))
        const factors = new Float64Array(take(count, 8))
        const side = new Float64Array(2 * count)
        for (let element = 0; element < count; element++) {
          side[2 * element] = intercepts[element]!
          side[2 * element + 1] = factors[element]!
        }
        return side
      }
      const rows = pairs(U)
      const columns = pairs(N)
      const raterCodes = new Float64Array(take(U, 8))
      const noteIds = new BigInt64Array(take(N, 8))
      if (at !== view.byteLength) throw new Error(`${name} has ${view.byteLength} bytes, not ${at}`)
      const short = name.replace('MFCoreScorer_', '').replace('final_helpfulness_filtered_mf', 'final')
      const cells = { row, column, value, rowCount: U, columnCount: N }
      return [short, { name: short, cells, model: { mean: mu, rows, columns }, ratio, loss, raterCodes, noteIds }]
    }),
  )
}

/** The reference's solution of one fit as the start of another: what it did not know begins at zero. */
export function startFrom(source: Fit, target: Fit, mean: number): Factorization {
  const raters = new Map(Array.from(source.raterCodes, (code, at) => [code, at]))
  const notes = new Map(Array.from(source.noteIds, (id, at) => [id, at]))
  const side = (from: Float64Array, places: (number | undefined)[]) => {
    const to = new Float64Array(2 * places.length)
    for (const [at, place] of places.entries())
      if (place !== undefined) to.set(from.subarray(2 * place, 2 * place + 2), 2 * at)
    return to
  }
  return {
    mean,
    rows: side(
      source.model.rows,
      Array.from(target.raterCodes, (code) => raters.get(code)),
    ),
    columns: side(
      source.model.columns,
      Array.from(target.noteIds, (id) => notes.get(id)),
    ),
  }
}
