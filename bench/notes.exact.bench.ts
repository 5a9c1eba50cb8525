// Exact mode beside the public reference: losses of every stored fit, and on which side of the thresholds notes fall.
import { exactLosses, thresholdAgreement } from '../test/conformance/notes-compare.ts'
import { sets, skip } from '../test/conformance/notes-vectors.ts'
import { claim, say } from './load.ts'

if (skip !== false) {
  say(skip)
  process.exit(1)
}
let loss = 0
let agreement = 1
for (const set of sets) {
  for (const { fit, ratio } of exactLosses(set)) {
    say(`${set} ${fit}: ${ratio.toFixed(6)} of the reference's loss`)
    loss = Math.max(loss, ratio)
  }
  const share = thresholdAgreement(set)
  say(`${set}: ${(100 * share).toFixed(2)} % of notes on the same side of the thresholds`)
  agreement = Math.min(agreement, share)
}
claim('notes.exact.loss', loss, 'ratio')
claim('notes.exact.agreement', agreement, 'share')
