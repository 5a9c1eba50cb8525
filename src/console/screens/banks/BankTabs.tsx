import { hygieneBoard } from '../../../http/contract/hygiene.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useMay } from '../../frame/session.tsx'
import { useUrl } from '../../frame/url.ts'

/** How much on the board waits for somebody. */
export function useCareCount(): number {
  const board = useRead(hygieneBoard, { query: { limit: 0 } }, { everyMs: 30_000, staleMs: 20_000 })
  if (board.data === undefined) return 0
  const { quarantined, floods, lowPrecision, canariesFailing, duplicateGroups, disputed } = board.data.counts
  return quarantined + floods + lowPrecision + canariesFailing + duplicateGroups + disputed
}

/** The three places of known content: banks, what needs care in them, and where entries come from. */
export function BankTabs() {
  const { path } = useUrl()
  const exchanges = useMay('exchanges:read')
  const care = useCareCount()
  const tabs = [
    { to: '/banks', title: 'Banks', here: path === '/banks' },
    { to: '/banks/hygiene', title: 'Hygiene', here: path === '/banks/hygiene', count: care },
    ...(exchanges ? [{ to: '/banks/exchanges', title: 'Exchanges', here: path.startsWith('/banks/exchanges') }] : []),
  ]
  return (
    <nav className="bank-tabs" aria-label="Known content">
      {tabs.map((tab) => (
        <Go key={tab.to} to={tab.to} aria-current={tab.here ? 'page' : undefined}>
          {tab.title}
          {'count' in tab && tab.count !== undefined && tab.count > 0 ? (
            <span className="bank-tab-count">
              {tab.count.toLocaleString('en')}
              <span className="hidden-visually"> need care</span>
            </span>
          ) : null}
        </Go>
      ))}
    </nav>
  )
}
