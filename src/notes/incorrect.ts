// Notes that raters standing near them call incorrect, more than these raters call notes incorrect anyway.
import type { Community } from './intake.ts'
import type { Parameters, Picked } from './picking.ts'
import type { RuleSettings } from './settings.ts'
import { notHelpfulMask, tagBit } from './table-format.ts'

/** By number of a note: tags, ratings with any tag, and tags over the log of one more than the raters' own shares. */
export type IncorrectTotals = {
  tags: Int32Array
  voters: Int32Array
  /** Sum of the raters' shares. */
  expected: Float64Array
  /** NaN where nobody near tagged the note. */
  score: Float64Array
}

/** Counts the tags of raters whose factor, cut to the clip, is nearer to the note's than the distance. */
export function incorrectTotals(
  community: Community,
  picked: Picked,
  raters: Parameters,
  noteParameters: Parameters,
  habits: { tagged: Int32Array; incorrect: Int32Array },
  settings: RuleSettings['incorrect'],
): IncorrectTotals {
  const { ratings, noteIds } = community
  const bit = tagBit('notHelpfulIncorrect')
  const cut = (value: number) => Math.min(settings.clip, Math.max(-settings.clip, value))
  const totals = {
    tags: new Int32Array(noteIds.count),
    voters: new Int32Array(noteIds.count),
    expected: new Float64Array(noteIds.count),
    score: new Float64Array(noteIds.count).fill(NaN),
  }
  for (let index = 0; index < picked.length; index++) {
    const at = picked[index]!
    const bits = ratings.tags[at]!
    if ((bits & notHelpfulMask) === 0) continue
    const rater = ratings.rater[at]!
    const note = ratings.note[at]!
    const distance = Math.abs(cut(raters[2 * rater + 1]!) - cut(noteParameters[2 * note + 1]!))
    if (!(distance < settings.distanceMax)) continue
    totals.voters[note]!++
    if ((bits & bit) !== 0) totals.tags[note]!++
    if (habits.tagged[rater]! > 0) totals.expected[note]! += habits.incorrect[rater]! / habits.tagged[rater]!
  }
  for (let note = 0; note < totals.score.length; note++)
    if (totals.voters[note]! > 0) totals.score[note] = totals.tags[note]! / Math.log(1 + totals.expected[note]!)
  return totals
}
