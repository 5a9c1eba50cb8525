// The ratings table: millions of rows, of which no string is made.
import { quote } from '../domain/error.ts'
import { grown } from '../kernels/intern.ts'
import { columnOf, noteOf, personOf, textOf, timeOf, wordOf, type Reading } from './fields.ts'
import { createProblems, readTable, type Row, type TablePart } from './read-table.ts'
import { ratingFormat, tags } from './table-format.ts'
import type { RatingColumns } from './tables.ts'

const levels = ['', 'NOT_HELPFUL', 'SOMEWHAT_HELPFUL', 'HELPFUL'] as const
const sourceWords = ['DEFAULT', 'POPULATION_SAMPLED'] as const

/** Reads the table, of notes that are known already. */
export async function readRatings(parts: readonly TablePart[], reading: Reading): Promise<RatingColumns> {
  const { noteIds, people, findings } = reading
  let size = 4096
  let note = new Int32Array(size)
  let rater = new Int32Array(size)
  let createdMs = new Float64Array(size)
  let value = new Uint8Array(size)
  let level = new Uint8Array(size)
  let marks = new Int32Array(size)
  let sampled = new Uint8Array(size)
  let part = new Uint8Array(size)
  let line = new Int32Array(size)
  let count = 0
  const column = (name: string) => columnOf(ratingFormat, name)
  const at = {
    note: column('noteId'),
    rater: column('raterParticipantId'),
    created: column('createdAtMillis'),
    helpful: column('helpful'),
    notHelpful: column('notHelpful'),
    level: column('helpfulnessLevel'),
    source: column('ratingSourceBucketed'),
  }
  const firstTag = column(tags[0]!)
  const problems = createProblems(ratingFormat, parts)
  const flag = (row: Row, from: number): 0 | 1 => {
    const begin = row.from[from]!
    const length = row.to[from]! - begin
    const byte = row.bytes[begin]
    if (length === 0 || (length === 1 && byte === 48)) return 0
    if (length === 1 && byte === 49) return 1
    problems.add(row, from, 'is neither 0 nor 1')
    return 0
  }
  await readTable(
    ratingFormat,
    parts,
    problems,
    (row) => {
      const before = problems.count
      const about = noteOf(row, at.note, noteIds, problems, false)
      const by = personOf(row, at.rater, people, problems)
      const created = timeOf(row, at.created, problems)
      const written = wordOf(row, at.level, levels, problems)
      let bits = 0
      for (let tag = 0; tag < tags.length; tag++) bits |= flag(row, firstTag + tag) << tag
      const asked = wordOf(row, at.source, sourceWords, problems)
      const legacyHelpful = flag(row, at.helpful)
      const legacyNot = flag(row, at.notHelpful)
      if (Number.isNaN(created)) problems.add(row, at.created, 'is empty')
      if (problems.count > before) return
      const name = parts[row.part]!.name
      if (about === -2) return findings.add('rating-of-unknown-note', name, row.line, () => textOf(row, at.note))
      if (written === 0 && legacyHelpful === 0 && legacyNot === 0)
        return findings.add('rating-without-answer', name, row.line, () => textOf(row, at.note))
      if (created > reading.nowMs + reading.futureToleranceMs)
        return findings.add('time-in-future', name, row.line, () => textOf(row, at.created))
      if (count === size) {
        size *= 2
        note = grown(note, size)
        rater = grown(rater, size)
        createdMs = grown(createdMs, size)
        value = grown(value, size)
        level = grown(level, size)
        marks = grown(marks, size)
        sampled = grown(sampled, size)
        part = grown(part, size)
        line = grown(line, size)
      }
      note[count] = about
      rater[count] = by
      createdMs[count] = created
      value[count] = written > 0 ? written - 1 : legacyNot === 1 ? 0 : 2
      level[count] = written
      marks[count] = bits
      sampled[count] = asked
      part[count] = row.part
      line[count] = row.line
      count++
    },
    reading.onBytes,
  )
  problems.check()
  const ratings = { count, note, rater, createdMs, value, level, tags: marks, sampled, part, line }
  return withoutRepetitions(ratings, parts, reading)
}

/** Drops ratings that say again what another one said; two that differ are a problem. */
function withoutRepetitions(ratings: RatingColumns, parts: readonly TablePart[], reading: Reading): RatingColumns {
  const { note, rater, count } = ratings
  const problems = createProblems(ratingFormat, parts)
  // An open-addressing set over pairs: no sorting of millions of rows to find the few that repeat.
  const mask = 2 ** Math.ceil(Math.log2(Math.max(16, count * 2))) - 1
  const slots = new Int32Array(mask + 1).fill(-1)
  const dropped: number[] = []
  for (let at = 0; at < count; at++) {
    let slot = (Math.imul(note[at]!, 0x9e3779b1) ^ Math.imul(rater[at]!, 0x85ebca6b)) >>> 0
    slot = (slot ^ (slot >>> 15)) & mask
    let other = slots[slot]!
    while (other !== -1 && (note[other] !== note[at] || rater[other] !== rater[at])) {
      slot = (slot + 1) & mask
      other = slots[slot]!
    }
    if (other === -1) {
      slots[slot] = at
      continue
    }
    dropped.push(at)
    const name = parts[ratings.part[at]!]!.name
    const same =
      ratings.createdMs[at] === ratings.createdMs[other] &&
      ratings.value[at] === ratings.value[other] &&
      ratings.tags[at] === ratings.tags[other] &&
      ratings.level[at] === ratings.level[other] &&
      ratings.sampled[at] === ratings.sampled[other]
    if (same) reading.findings.add('duplicate', name, ratings.line[at]!, () => reading.noteIds.text(note[at]!))
    else
      problems.addAt(
        ratings.part[at]!,
        ratings.line[at]!,
        undefined,
        'raterParticipantId',
        `${quote(reading.people.text(rater[at]!))} rated note ${reading.noteIds.text(note[at]!)} before, differently: ${parts[ratings.part[other]!]!.name}, line ${ratings.line[other]}`,
      )
  }
  problems.check()
  const kept = new Uint8Array(count).fill(1)
  for (const at of dropped) kept[at] = 0
  return selectRatings(ratings, kept)
}

/** The ratings marked with 1, in their order. */
export function selectRatings(ratings: RatingColumns, kept: Uint8Array): RatingColumns {
  const order = new Int32Array(ratings.count)
  let count = 0
  for (let at = 0; at < ratings.count; at++) if (kept[at] === 1) order[count++] = at
  return arrangeRatings(ratings, order.subarray(0, count))
}

/** The ratings at these positions, in this order, in arrays of just their size. */
export function arrangeRatings(ratings: RatingColumns, order: Int32Array): RatingColumns {
  const pick = <T extends Uint8Array | Int32Array | Float64Array>(from: T): T => {
    const to = new (from.constructor as new (length: number) => T)(order.length)
    for (let at = 0; at < order.length; at++) to[at] = from[order[at]!]!
    return to
  }
  return {
    count: order.length,
    note: pick(ratings.note),
    rater: pick(ratings.rater),
    createdMs: pick(ratings.createdMs),
    value: pick(ratings.value),
    level: pick(ratings.level),
    tags: pick(ratings.tags),
    sampled: pick(ratings.sampled),
    part: pick(ratings.part),
    line: pick(ratings.line),
  }
}
