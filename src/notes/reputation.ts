// Whose ratings count in the second round: those who foresaw what became of notes, and whose own notes were helpful.
import type { Community } from './intake.ts'
import { byRater, countsOf, pick, type Parameters, type Picked } from './picking.ts'
import type { HarassmentSettings, ReputationSettings } from './settings.ts'
import { helpful, notHelpful } from './status.ts'

/** By number of a person. Counts are whole numbers; what is unknown is NaN. */
export type Reputation = {
  successfulHelpful: Int32Array
  successfulNotHelpful: Int32Array
  /** Called a note helpful that was found not to be … */
  unsuccessfulNotHelpful: Int32Array
  /** … and not helpful one that was found helpful: named by what the note was not, as the reference's columns are. */
  unsuccessfulHelpful: Int32Array
  agreeShare: Float64Array
  agreeShareWithPenalty: Float64Array
  penalty: Float64Array
  /** Share of authored notes found helpful less the weighted share found not helpful; NaN without scored notes. */
  ratioDifference: Float64Array
  meanNoteScore: Float64Array
  /** 1: above every threshold. */
  trusted: Uint8Array
}

/**
 * Ratings that say how well a rater foresees: early, before the note's last decision, yes or no, on notes that a status was
 * found for. Of notes from before histories were kept, the first few.
 */
export function validRatings(
  community: Community,
  picked: Picked,
  statuses: Uint8Array,
  settings: ReputationSettings,
): Picked {
  const { ratings, notes } = community
  const early = pick(picked, (at) => ratings.createdMs[at]! - notes.createdMs[ratings.note[at]!]! < settings.validForMs)
  const old = (at: number) => notes.createdMs[ratings.note[at]!]! < settings.oldNotesBeforeMs
  const firsts = new Set<number>()
  const counts = new Map<number, number>()
  const oldOnes = pick(early, old)
  // Ascending time; ties in the order of the file.
  const inTime = oldOnes.slice().sort((a, b) => ratings.createdMs[a]! - ratings.createdMs[b]! || a - b)
  for (const at of inTime) {
    const note = ratings.note[at]!
    const before = counts.get(note) ?? 0
    counts.set(note, before + 1)
    if (before < settings.oldNoteRatingsMax) firsts.add(at)
  }
  return pick(early, (at) => {
    const note = ratings.note[at]!
    if (statuses[note] !== helpful && statuses[note] !== notHelpful) return false
    if (ratings.value[at] === 1) return false
    if (old(at)) return firsts.has(at)
    const decidedMs = notes.history.latestStatusMs[note]!
    return Number.isNaN(decidedMs) || ratings.createdMs[at]! < decidedMs
  })
}

export type ReputationInput = {
  /** Valid ratings, and the statuses that made them so. */
  valid: Picked
  statuses: Uint8Array
  noteParameters: Parameters
  /** What harassing notes cost those who called them helpful: the ratings of the fit, and intercepts by note. */
  harassment?: { picked: Picked; intercepts: Float64Array; settings: HarassmentSettings }
}

/** Standing of everybody in the eyes of one model. Somebody without a valid rating is not trusted. */
export function reputationOf(community: Community, input: ReputationInput, settings: ReputationSettings): Reputation {
  const { ratings, notes, people, noteIds } = community
  const count = people.count
  const reputation: Reputation = {
    successfulHelpful: new Int32Array(count),
    successfulNotHelpful: new Int32Array(count),
    unsuccessfulHelpful: new Int32Array(count),
    unsuccessfulNotHelpful: new Int32Array(count),
    agreeShare: new Float64Array(count).fill(NaN),
    agreeShareWithPenalty: new Float64Array(count).fill(NaN),
    penalty: new Float64Array(count),
    ratioDifference: new Float64Array(count).fill(NaN),
    meanNoteScore: new Float64Array(count).fill(NaN),
    trusted: new Uint8Array(count),
  }
  for (const at of input.valid) {
    const rater = ratings.rater[at]!
    const saidHelpful = ratings.value[at] === 2
    const wasHelpful = input.statuses[ratings.note[at]!] === helpful
    if (wasHelpful) (saidHelpful ? reputation.successfulHelpful : reputation.unsuccessfulHelpful)[rater]!++
    else (saidHelpful ? reputation.unsuccessfulNotHelpful : reputation.successfulNotHelpful)[rater]!++
  }

  const written = new Int32Array(count)
  const found = [new Int32Array(count), new Int32Array(count)] as const
  const scores = new Float64Array(count)
  for (let note = 0; note < noteIds.count; note++) {
    const intercept = input.noteParameters[2 * note]!
    if (Number.isNaN(intercept)) continue
    const author = notes.author[note]!
    written[author]!++
    scores[author]! += intercept
    if (input.statuses[note] === helpful) found[0][author]!++
    if (input.statuses[note] === notHelpful) found[1][author]!++
  }

  if (input.harassment !== undefined) {
    const { picked, intercepts, settings: cost } = input.harassment
    for (const at of picked) {
      const intercept = intercepts[ratings.note[at]!]!
      if (ratings.value[at] !== 2 || !(intercept >= cost.interceptMin)) continue
      reputation.penalty[ratings.rater[at]!]! += cost.penalty * (cost.proportional ? intercept / cost.interceptMin : 1)
    }
  }

  for (let person = 0; person < count; person++) {
    const agreeing = reputation.successfulHelpful[person]! + reputation.successfulNotHelpful[person]!
    const valid = agreeing + reputation.unsuccessfulHelpful[person]! + reputation.unsuccessfulNotHelpful[person]!
    if (valid > 0) {
      reputation.agreeShare[person] = agreeing / valid
      reputation.agreeShareWithPenalty[person] = (agreeing - reputation.penalty[person]!) / valid
    }
    const own = written[person]!
    if (own > 0) {
      reputation.ratioDifference[person] =
        found[0][person]! / own - settings.notHelpfulWeight * (found[1][person]! / own)
      reputation.meanNoteScore[person] = scores[person]! / own
    }
    const goodAuthor =
      own === 0 ||
      (reputation.ratioDifference[person]! >= settings.ratioDifferenceMin &&
        reputation.meanNoteScore[person]! >= settings.meanNoteScoreMin)
    const goodRater =
      reputation.agreeShare[person]! >= settings.agreeShareMin &&
      reputation.agreeShareWithPenalty[person]! >= settings.agreeShareMin
    reputation.trusted[person] = goodAuthor && goodRater ? 1 : 0
  }
  return reputation
}

/** Ratings of trusted people, rater by rater. */
export function ofTrusted(community: Community, picked: Picked, trusted: Uint8Array): Picked {
  return byRater(
    community,
    pick(picked, (at) => trusted[community.ratings.rater[at]!] === 1),
  )
}

/** How many ratings with tags that speak against a note each person gave, and how many of those say it is incorrect. */
export function taggingHabits(
  community: Community,
  picked: Picked,
  anyMask: number,
  incorrectBit: number,
): { tagged: Int32Array; incorrect: Int32Array } {
  const { rater, tags } = community.ratings
  const count = community.people.count
  return {
    tagged: countsOf(
      pick(picked, (at) => (tags[at]! & anyMask) !== 0),
      rater,
      count,
    ),
    incorrect: countsOf(
      pick(picked, (at) => (tags[at]! & incorrectBit) !== 0),
      rater,
      count,
    ),
  }
}
