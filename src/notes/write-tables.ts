// What scoring found, as tab-separated tables with the columns that the reference gives its core model.
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ruleNames } from './rules.ts'
import type { Scored } from './score.ts'
import { firmReject, needsHelp, needsMore, statusWords } from './status.ts'
import { notHelpfulTags } from './table-format.ts'

const number = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '' : String(value))
/** As many digits as single precision holds, which is how the reference writes fitted values. */
const single = (value: number | undefined) =>
  value === undefined || Number.isNaN(value) ? '' : String(Number(value.toPrecision(9)))

/** One row a note that the model speaks about. */
function* scoredNotes({ community, core }: Scored): Generator<string> {
  yield row(
    'noteId',
    'coreNoteIntercept',
    'coreNoteFactor1',
    'coreRatingStatus',
    'coreActiveRules',
    'activeFilterTags',
    'coreNoteInterceptMin',
    'coreNoteInterceptMax',
    'coreNumFinalRoundRatings',
    'coreNoteInterceptNoHighVol',
    'coreNoteInterceptNoCorrelated',
    'coreNoteInterceptPopulationSampled',
    'finalRatingStatus',
    'numRatings',
  )
  if (core === undefined) return
  const { scored } = core
  for (const [note, verdict] of scored.verdicts.entries()) {
    if (verdict === undefined) continue
    const internal = verdict.status === firmReject || verdict.status === needsHelp
    yield row(
      community.noteIds.text(note),
      single(scored.parameters[2 * note]),
      single(scored.parameters[2 * note + 1]),
      statusWords[verdict.status],
      verdict.rulings.map(({ rule }) => ruleNames[rule]).join(','),
      notHelpfulTags.filter((_, tag) => (verdict.outlierTags & (1 << tag)) !== 0).join(','),
      single(scored.lowerBound[note]),
      single(scored.upperBound[note]),
      number(scored.finalRatings[note]),
      single(scored.withoutHighVolume[note]),
      single(scored.withoutCorrelated[note]),
      single(scored.sampled[note]),
      statusWords[internal ? needsMore : verdict.status],
      number(scored.ratings[note]),
    )
  }
}

/** One row a note with tags weighed by distance, and what the filters saw. */
function* noteDetails({ community, core }: Scored): Generator<string> {
  yield row(
    'noteId',
    'ratingWeight',
    ...notHelpfulTags.map((tag) => `${tag}Adjusted`),
    ...notHelpfulTags.map((tag) => `${tag}AdjustedRatio`),
    'notHelpfulIncorrect_interval',
    'p_incorrect_user_interval',
    'num_voters_interval',
    'tf_idf_incorrect_interval',
    'lowDiligenceIntercept',
    'coreNegFactor_populationSampledRatingCount',
    'corePosFactor_populationSampledRatingCount',
  )
  if (core === undefined) return
  const { scored } = core
  const width = notHelpfulTags.length
  for (const [note, verdict] of scored.verdicts.entries()) {
    if (verdict === undefined) continue
    const total = scored.tags.total[note]!
    const weights = Array.from(scored.tags.adjusted.subarray(note * width, (note + 1) * width))
    const weighed = total > 0
    const seen = scored.incorrect.voters[note]! > 0
    yield row(
      community.noteIds.text(note),
      weighed ? single(total) : '',
      ...weights.map((weight) => (weighed ? single(weight) : '')),
      ...weights.map((weight) => (weighed ? single(weight / total) : '')),
      seen ? number(scored.incorrect.tags[note]) : '',
      seen ? number(scored.incorrect.expected[note]) : '',
      seen ? number(scored.incorrect.voters[note]) : '',
      number(scored.incorrect.score[note]),
      single(scored.diligence[note]),
      number(scored.sampledSides[0][note]),
      number(scored.sampledSides[1][note]),
    )
  }
}

/** One row a person whom the model knows as a rater or author. */
function* contributors({ community, core }: Scored): Generator<string> {
  yield row(
    'raterParticipantId',
    'coreRaterIntercept',
    'coreRaterFactor1',
    'crhCrnhRatioDifference',
    'meanNoteScore',
    'raterAgreeRatio',
    'aboveHelpfulnessThreshold',
    'coreFirstRoundRaterIntercept',
    'coreFirstRoundRaterFactor1',
    'successfulRatingHelpfulCount',
    'successfulRatingNotHelpfulCount',
    'unsuccessfulRatingHelpfulCount',
    'unsuccessfulRatingNotHelpfulCount',
  )
  if (core === undefined) return
  const { prescored } = core
  const { reputation, raters, firstRaters } = prescored
  for (let person = 0; person < community.people.count; person++) {
    const judged =
      reputation !== undefined &&
      !(Number.isNaN(reputation.agreeShare[person]!) && Number.isNaN(reputation.ratioDifference[person]!))
    if (!judged && Number.isNaN(firstRaters[2 * person]!)) continue
    yield row(
      community.people.text(person),
      single(raters[2 * person]),
      single(raters[2 * person + 1]),
      number(reputation?.ratioDifference[person]),
      number(reputation?.meanNoteScore[person]),
      number(reputation?.agreeShare[person]),
      reputation === undefined ? '' : reputation.trusted[person] === 1 ? 'True' : 'False',
      single(firstRaters[2 * person]),
      single(firstRaters[2 * person + 1]),
      number(reputation?.successfulHelpful[person]),
      number(reputation?.successfulNotHelpful[person]),
      number(reputation?.unsuccessfulHelpful[person]),
      number(reputation?.unsuccessfulNotHelpful[person]),
    )
  }
}

const row = (...cells: string[]) => `${cells.join('\t')}\n`

/**
 * Writes `scored_notes.tsv`, `aux_note_info.tsv` and `helpfulness_scores.tsv` into a folder, which is made if need be.
 * Each appears under its name when it is complete; one that could not be written leaves nothing behind.
 */
export async function writeTables(folder: string, scored: Scored): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const tables = {
    'scored_notes.tsv': scoredNotes,
    'aux_note_info.tsv': noteDetails,
    'helpfulness_scores.tsv': contributors,
  }
  for (const [name, rows] of Object.entries(tables)) {
    const path = join(folder, name)
    const partial = `${path}.partial`
    try {
      await pipeline(Readable.from(inBlocks(rows(scored))), createWriteStream(partial))
      await rename(partial, path)
    } catch (error) {
      await rm(partial, { force: true })
      throw new Error(`Cannot write ${path}: ${(error as Error).message}`, { cause: error })
    }
  }
  return Object.keys(tables)
}

/** Rows in pieces worth a system call. */
function* inBlocks(rows: Generator<string>): Generator<string> {
  let block = ''
  for (const text of rows) {
    block += text
    if (block.length < 256 * 1024) continue
    yield block
    block = ''
  }
  yield block
}
