import { Button } from '@mantine/core'
import { IconWand } from '@tabler/icons-react'
import { listBankEntries, listBanks } from '../../../http/contract/banks.ts'
import { useRead } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import { DemoButton } from '../../parts/DemoButton.tsx'
import type { TypedKind } from './state.ts'

const lastDigits = 'ffe1'

/** A hash near that of a known photo, to see what an answer looks like; the demo where there is no entry yet. */
export function Example({ onWords }: { onWords: (as: TypedKind, words: string) => void }) {
  const may = useMay('banks:read')
  const banks = useRead(listBanks, { query: { limit: 50 } }, { enabled: may, staleMs: 60_000 })
  const bank = banks.data?.items.find(({ entries, negative }) => entries.active > 0 && !negative)
  const entries = useRead(
    listBankEntries,
    { params: { bankId: bank?.bankId ?? '' }, query: { status: 'active', limit: 50 } },
    { enabled: bank !== undefined, staleMs: 60_000 },
  )
  const entry = entries.data?.items.find(
    ({ signals, quality }) => signals['pdq'] !== undefined && (quality ?? 100) >= 50,
  )
  if (!may || banks.isLoading || entries.isLoading) return null
  if (entry === undefined)
    return (
      <div className="stack" style={{ alignItems: 'flex-start' }}>
        <p className="muted small" style={{ margin: 0 }}>
          No bank has a photo yet, so nothing can be found. Add entries to a bank, or fill banks with the demo:
        </p>
        <DemoButton />
      </div>
    )
  // The finest waves of the picture changed, as a new compression would.
  const near = lastDigits + entry.signals['pdq']!.slice(lastDigits.length)
  return (
    <Button leftSection={<IconWand size={14} aria-hidden />} onClick={() => onWords('hash', near)}>
      Try it with a hash that is near a known photo
    </Button>
  )
}
