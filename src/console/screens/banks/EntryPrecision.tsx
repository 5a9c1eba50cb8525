import type { BankEntry, Precision } from '../../../http/contract/banks.ts'
import { countOf } from '../../frame/time.ts'
import { IntervalBar } from '../../parts/IntervalBar.tsx'

/** How often matches of an entry were found right, by all who judged them. */
export function EntryPrecision({ entry }: { entry: Pick<BankEntry, 'precision'> }) {
  return <PrecisionBar precision={entry.precision} label="Matches that were found right" />
}

/** A precision with its interval; whose verdicts it rests on is said where the pointer rests. */
export function PrecisionBar({ precision, label }: { precision: Precision | undefined; label: string }) {
  const sources = precision === undefined ? [] : precisionSources(precision)
  return (
    <IntervalBar
      label={[label, ...sources.map(([name, words]) => `${name}: ${words}`)].join('; ')}
      estimate={precision?.share}
      low={precision?.low}
      high={precision?.high}
      of={precision === undefined ? 0 : Number((precision.right + precision.wrong).toFixed(2))}
      unknown="not judged yet"
    />
  )
}

/** Who found what of its matches, each source in words; only those who found something. */
export function precisionSources({ own, teams, peers }: Precision): [name: string, words: string][] {
  const found = ({ right, wrong }: { right: number; wrong: number }, one: string, many: string) =>
    right + wrong === 0 ? '' : `${countOf(right, one, many)} right, ${wrong.toLocaleString('en')} wrong`
  const weight = peers.weight === 0 ? 'not counted' : `each counts ${peers.weight.toLocaleString('en')} of a verdict`
  const followers = found(peers, 'says', 'say')
  const sources: [string, string][] = [
    ['Found here', found(own, 'match is', 'matches are')],
    ['Other teams', found(teams, 'match is', 'matches are')],
    ['Followers', followers && `${followers}, ${weight}`],
  ]
  return sources.filter(([, words]) => words !== '')
}
