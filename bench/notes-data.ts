// Notes, ratings and people of a made-up platform, in the published tables: a quality and a slant a note, a viewpoint and a
// leniency a rater, tags that follow them, activity with a long tail. Proportions are those of the reference's large set.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '../src/kernels/random.ts'
import {
  enrollmentFormat,
  helpfulTags,
  historyFormat,
  noteFormat,
  notHelpfulTags,
  ratingFormat,
  tags,
} from '../src/notes/table-format.ts'

export type NotesData = {
  folder: string
  notes: number
  raters: number
  ratings: number
  seed: number
  nowMs: number
}

const dayMs = 86_400_000

/** Writes the four tables into the folder; answers how many ratings there are. The same seed writes the same bytes. */
export function writeNotesData({ folder, notes, raters, ratings, seed, nowMs }: NotesData): number {
  mkdirSync(folder, { recursive: true })
  const random = createRandom(seed)
  const hex = '0123456789ABCDEF'
  const people = Array.from({ length: raters }, () => {
    let id = ''
    for (let word = 0; word < 8; word++) id += random.uint32().toString(16).padStart(8, '0').toUpperCase()
    return id.replaceAll(/[^0-9A-F]/g, hex[0]!)
  })
  const view = Float64Array.from(people, () => (random.chance(0.55) ? -0.8 : 0.8) + 0.5 * random.normal())
  const leniency = Float64Array.from(people, () => 0.5 * random.normal())
  const careless = Float64Array.from(people, () => (random.chance(0.2) ? random.between(0.2, 0.6) : 0.03))
  // Activity by a power of a uniform: few rate thousands, most a handful.
  const activity = Float64Array.from(people, () => random.float() ** -0.55)
  const total = activity.reduce((sum, one) => sum + one, 0)
  const cumulated = new Float64Array(raters)
  for (let at = 0, sum = 0; at < raters; at++) cumulated[at] = sum += activity[at]! / total
  const groupOf = Int32Array.from(people, () => (random.chance(0.86) ? 13 : random.pick([1, 2, 3, 6, 8, 14, 19, 4])))

  const out = (name: string) => tableAt(join(folder, `${name}-00000.tsv`))
  const enrollment = out('userEnrollment')
  enrollment.write(enrollmentFormat.columns.map(({ name }) => name))
  for (const [at, id] of people.entries())
    enrollment.write([id, 'earnedIn', '5', String(nowMs - 90 * dayMs), '1', 'CORE', `${groupOf[at]!}.0`, '0'])
  enrollment.close()

  const noteTable = out('notes')
  const history = out('noteStatusHistory')
  const ratingTable = out('ratings')
  noteTable.write(noteFormat.columns.map(({ name }) => name))
  history.write(historyFormat.columns.map(({ name }) => name))
  ratingTable.write(ratingFormat.columns.map(({ name }) => name))
  let written = 0
  const seen = new Int32Array(raters).fill(-1)
  let tweet = 0n
  const words = ['police', 'context', 'company', 'figure', 'post', 'year', 'city', 'claim', 'video', 'original']
  for (let note = 0; note < notes; note++) {
    const createdMs = Math.floor(nowMs - random.float() * 120 * dayMs - 3_600_000)
    // Ids as clocks make them: milliseconds since 2010 in the upper bits, so most exceed 2^53.
    const id = String((BigInt(createdMs - 1_288_834_974_657) << 22n) + BigInt(random.int(2 ** 22)))
    if (note === 0 || random.chance(0.59))
      tweet = (BigInt(createdMs - 1_288_834_974_657) << 22n) - BigInt(random.int(1e6))
    const quality = 0.9 * random.normal()
    const slant = random.chance(0.4) ? 0.2 * random.normal() : (random.chance(0.5) ? 1 : -1) + 0.3 * random.normal()
    const author = people[random.int(raters)]!
    const misleading = !random.chance(0.06)
    const kind = misleading ? 'MISINFORMED_OR_POTENTIALLY_MISLEADING' : 'NOT_MISLEADING'
    if (!random.chance(0.03)) {
      const summary = `${Array.from({ length: 12 }, () => random.pick(words)).join(' ')} https://example.org/${note}`
      const cells = [id, author, String(createdMs), String(tweet), kind, '', '', '']
      noteTable.write([...cells, ...Array.from({ length: 12 }, () => '0'), '1', summary, '0', '0'])
    }
    history.write([
      id,
      author,
      String(createdMs),
      ...Array.from({ length: historyFormat.columns.length - 3 }, () => ''),
    ])
    const wanted = Math.max(1, Math.round((ratings / notes) * random.exponential(1)))
    for (let tried = 0, made = 0; tried < 3 * wanted && made < wanted; tried++) {
      const rater = search(cumulated, random.float())
      if (seen[rater] === note) continue
      seen[rater] = note
      made++
      const liking = quality + leniency[rater]! + 1.1 * slant * view[rater]! + 0.7 * random.normal()
      const level = liking > 0.35 ? 2 : liking > -0.1 ? 1 : 0
      const marks = tags.map(() => '0')
      if (level > 0) marks[random.int(helpfulTags.length)] = '1'
      if (level < 2) {
        const bad =
          quality < -0.6 || random.chance(careless[rater]!)
            ? random.pick([1, 2, 10])
            : random.int(notHelpfulTags.length)
        if (level === 0 || random.chance(0.4)) marks[helpfulTags.length + bad] = '1'
      }
      const ratedMs = Math.min(nowMs - 1, Math.floor(createdMs + 60_000 + random.exponential(0.8 * dayMs)))
      const answer = ['NOT_HELPFUL', 'SOMEWHAT_HELPFUL', 'HELPFUL'][level]!
      const source = random.chance(0.015) ? 'POPULATION_SAMPLED' : 'DEFAULT'
      const head = [id, people[rater]!, String(ratedMs), '2', '0', '0', '0', '0', answer]
      ratingTable.write([...head, ...marks, String(tweet), source, '', ''])
      written++
    }
  }
  for (const table of [noteTable, history, ratingTable]) table.close()
  return written
}

function search(cumulated: Float64Array, value: number): number {
  let low = 0
  let high = cumulated.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (cumulated[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

function tableAt(path: string): { write: (cells: string[]) => void; close: () => void } {
  const file = openSync(path, 'w')
  let block = ''
  const flush = () => {
    writeSync(file, block)
    block = ''
  }
  return {
    write(cells) {
      block += `${cells.join('\t')}\n`
      if (block.length > 1_000_000) flush()
    },
    close() {
      flush()
      closeSync(file)
    },
  }
}
