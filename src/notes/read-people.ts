// The enrollment table: who writes and rates, and in which group.
import { grown } from '../kernels/intern.ts'
import { parseWhole } from '../kernels/tsv.ts'
import { columnOf, personOf, textOf, wordOf, type Reading } from './fields.ts'
import { createProblems, readTable, type TablePart } from './read-table.ts'
import { enrollmentFormat } from './table-format.ts'
import type { PeopleColumns } from './tables.ts'

export const enrollmentStates = [
  'earnedIn',
  'atRisk',
  'earnedOutNoAcknowledge',
  'earnedOutAcknowledged',
  'newUser',
  'removed',
  'apiTestUser',
  'apiEarnedIn',
  'apiEarnedOut',
] as const

/** Reads the table; arrays may be longer or shorter than there are people by the end. */
export async function readEnrollment(parts: readonly TablePart[], reading: Reading): Promise<PeopleColumns> {
  const { people, findings } = reading
  let enrolled = new Uint8Array(1024)
  let group = new Int32Array(1024).fill(-1)
  let state = new Uint8Array(1024)
  const column = (name: string) => columnOf(enrollmentFormat, name)
  const at = { id: column('participantId'), state: column('enrollmentState'), group: column('modelingGroup') }
  const problems = createProblems(enrollmentFormat, parts)
  await readTable(
    enrollmentFormat,
    parts,
    problems,
    (row) => {
      const person = personOf(row, at.id, people, problems)
      const now = wordOf(row, at.state, enrollmentStates, problems)
      const from = row.from[at.group]!
      const to = row.to[at.group]!
      const within = from === to ? -1 : parseWhole(row.bytes, from, to)
      if (!(within >= -1 && within <= 1_000_000)) return problems.add(row, at.group, 'is not a group (a whole number)')
      if (person < 0) return
      if (person >= group.length) {
        const size = group.length
        enrolled = grown(enrolled, person + 1)
        state = grown(state, person + 1)
        group = grown(group, person + 1)
        group.fill(-1, size)
      }
      if (enrolled[person] === 1) {
        if (group[person] === within && state[person] === now)
          findings.add('duplicate', parts[row.part]!.name, row.line, () => textOf(row, at.id))
        else problems.add(row, at.id, 'has two different rows')
        return
      }
      enrolled[person] = 1
      group[person] = within
      state[person] = now
    },
    reading.onBytes,
  )
  problems.check()
  return { enrolled, group, state }
}
