import type { BankEntry } from '../../../http/contract/banks.ts'
import { IntervalBar } from '../../parts/IntervalBar.tsx'

/** How often people and appeals agreed with matches of an entry. */
export function EntryPrecision({ entry }: { entry: Pick<BankEntry, 'precision'> }) {
  const { right, wrong, share, low, high } = entry.precision
  return (
    <IntervalBar
      label="Matches that people and appeals upheld"
      estimate={share}
      low={low}
      high={high}
      of={right + wrong}
      unknown="not judged yet"
    />
  )
}
