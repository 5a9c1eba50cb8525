import type { BankEntry, Precision } from '../../../http/contract/banks.ts'
import { IntervalBar } from '../../parts/IntervalBar.tsx'
import { precisionSources } from './state.ts'

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
