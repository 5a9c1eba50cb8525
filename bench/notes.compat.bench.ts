// Compat mode beside the public reference: fits made again from where its fits began, and statuses of the core model.
import { prescore } from '../src/notes/prescore.ts'
import { scoreNotes } from '../src/notes/score-notes.ts'
import { coreModel } from '../src/notes/settings.ts'
import { coreDifference, stepDifferences } from '../test/conformance/notes-compare.ts'
import { communityOf, fittingOf, stableStart } from '../test/conformance/notes-run.ts'
import { skip, type SetName } from '../test/conformance/notes-vectors.ts'
import { claim, say } from './load.ts'

if (skip !== false) {
  say(skip)
  process.exit(1)
}
const statusesOf = async (set: SetName, cold: boolean) => {
  const community = await communityOf(set)
  const fitting = fittingOf('compat')
  const prescored = prescore(fitting, community, coreModel, cold ? undefined : stableStart(community, set))!
  const scored = scoreNotes(fitting, community, prescored, coreModel)
  const { notes, statuses, intercept, examples } = coreDifference(community, scored, set)
  say(
    `${set}, ${cold ? 'from the seed alone' : "from the reference's first fit"}: ${statuses} of ${notes} statuses; end to end the largest difference of an intercept is ${intercept.toExponential(2)}`,
  )
  for (const example of examples) say(`  ${example}`)
  return statuses / notes
}

let intercept = 0
for (const set of ['small', 'medium'] as const)
  for (const { fit, intercept: worst, loss } of stepDifferences(set)) {
    say(`${set} ${fit}: intercepts within ${worst.toExponential(2)}, loss within ${Math.abs(loss).toExponential(1)}`)
    intercept = Math.max(intercept, worst)
  }
claim('notes.compat.intercept', intercept, 'abs')
claim('notes.compat.statuses', Math.min(await statusesOf('small', false), await statusesOf('medium', false)), 'share')
claim('notes.compat.real2021', await statusesOf('real-2021', true), 'share')
