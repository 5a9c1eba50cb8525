import type { MatchRef } from '../../../domain/entry.ts'
import { turnText } from '../../../domain/plain-words.ts'
import { getBank, getBankEntry } from '../../../http/contract/banks.ts'
import type { DecisionDetail, StepView } from '../../../http/contract/decisions.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useMay } from '../../frame/session.tsx'
import { path } from '../../frame/url.ts'
import { CopyId } from '../../parts/CopyId.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { MarkedText } from '../../parts/MarkedText.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Panel } from '../../parts/Page.tsx'
import { eventOf, evidenceOf } from './state.ts'

// Two of them fit beside each other in the narrow column.
const tilePx = 144

/** The item beside the bank entry that it matches, with how near they are: what a person compares before they agree. */
export function MatchPanel({ detail, match }: { detail: DecisionDetail; match: MatchRef }) {
  const { decision } = detail
  const tree = detail.explanation.tree as StepView
  const { bankId, entryId, distance, threshold, signalType, mediaSha256 } = match
  const mayBanks = useMay('banks:read')
  const bank = useRead(getBank, { params: { bankId } }, { enabled: mayBanks, staleMs: 60_000 })
  const entry = useRead(getBankEntry, { params: { bankId, entryId } }, { enabled: mayBanks, staleMs: 60_000 })
  const evidence = evidenceOf(tree, entryId)
  const item = eventOf(tree)?.item
  const media = item?.media?.[evidence?.mediaIndex ?? 0]
  const known = entry.data
  return (
    <Panel title="The match it rests on" acts={<Go to={path`/banks/${bankId}/${entryId}`}>Open bank entry</Go>}>
      <div className="side-by-side">
        <section>
          <h3>This item</h3>
          {mediaSha256 !== undefined ? (
            <MediaTile
              media={{ id: decision.itemId ?? 'this item', kind: 'photo', upload: mediaSha256 }}
              sizePx={tilePx}
            />
          ) : signalType !== 'text' && media !== undefined ? (
            <MediaTile media={media} sizePx={tilePx} />
          ) : signalType === 'text' && item?.text ? (
            <MarkedText text={item.text} language={item.language} start={evidence?.start} end={evidence?.end} />
          ) : (
            <p className="faint small">Its content is not kept.</p>
          )}
        </section>
        <section>
          <h3>Known content</h3>
          {known?.mediaSha256 ? (
            <MediaTile media={{ id: 'known content', kind: 'photo', upload: known.mediaSha256 }} sizePx={tilePx} />
          ) : known?.text ? (
            <MarkedText text={known.text} />
          ) : (
            <p className="faint small">
              {entry.isLoading
                ? 'Reading…'
                : known === undefined
                  ? 'It cannot be read here.'
                  : 'Only the hash of this entry is kept.'}
            </p>
          )}
        </section>
      </div>
      <EvidenceList
        facts={[
          [
            'Bank',
            <Go key="b" to={path`/banks/${bankId}`}>
              {bank.data?.name ?? 'Open bank'}
            </Go>,
          ],
          ['Nearness', nearness(signalType, distance, threshold)],
          ['Turned', evidence?.transformation === undefined ? undefined : turnText(evidence.transformation)],
          ['Labels', known?.labels.join(', ')],
          ['Entry', <CopyId key="e" id={entryId} label="entry id" />],
        ]}
      />
    </Panel>
  )
}

function nearness(signalType: string, distance: number, threshold: number): string {
  if (signalType === 'text') return 'reads the same'
  if (threshold === 0) return 'the same file'
  return `distance ${distance} of at most ${threshold} (${signalType}${distance === 0 ? ', the same picture' : ''})`
}
