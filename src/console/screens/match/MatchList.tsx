import { turnText } from '../../../domain/plain-words.ts'
import { useKeys } from '../../frame/keys.ts'
import { percentText } from '../../frame/time.ts'
import { Badge } from '../../parts/Badge.tsx'
import { actionWords } from '../banks/state.ts'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { DistanceBar } from './DistanceBar.tsx'
import type { Found } from './state.ts'

/** What was found, surest first; one is chosen and shown beside. */
export function MatchList({
  found,
  chosen,
  onChoose,
}: {
  found: readonly Found[]
  chosen: string | undefined
  onChoose: (entryId: string) => void
}) {
  const types = useSignalTypes()
  const at = found.findIndex(({ entryId }) => entryId === chosen)
  const go = (step: number) => {
    const next = found[Math.max(0, Math.min(found.length - 1, at + step))]
    if (next === undefined) return
    onChoose(next.entryId)
    document.getElementById(`found-${next.entryId}`)?.scrollIntoView({ block: 'nearest' })
  }
  useKeys('Matches', [
    { keys: 'j', does: 'Next match', run: () => go(1) },
    { keys: 'k', does: 'Match before', run: () => go(-1) },
  ])
  return (
    <ol className="found-list" aria-label="Matches, surest first">
      {found.map(({ entryId, bank, best, matches }) => (
        <li key={entryId}>
          <button
            id={`found-${entryId}`}
            type="button"
            className="found"
            aria-current={entryId === chosen ? 'true' : undefined}
            onClick={() => onChoose(entryId)}
          >
            <span className="found-head">
              <strong className="clip">{bank.name}</strong>
              <span className="found-sure" title="How sure it is that both are the same">
                {percentText(best.confidence)} sure
              </span>
            </span>
            <span className="found-labels">
              {best.labels.length === 0 ? <span className="faint">no label</span> : best.labels.join(', ')}
              <span className="faint"> · should {actionWords[bank.action] ?? bank.action}</span> <Marks best={best} />
            </span>
            {matches.map((match) => (
              <span key={match.signalType} className="found-signal">
                <span className="muted clip">{types.title(match.signalType)}</span>
                <DistanceBar match={match} />
              </span>
            ))}
          </button>
        </li>
      ))}
    </ol>
  )
}

function Marks({ best }: { best: Found['best'] }) {
  return (
    <>
      {best.transformation === undefined ? null : <Badge tone="attention">{turnText(best.transformation)}</Badge>}{' '}
      {best.exchange === null ? null : <Badge>from an exchange</Badge>}{' '}
      {best.record.disputed > 0 ? (
        <Badge tone="attention">{best.record.disputed} disputed</Badge>
      ) : best.record.confirmed > 0 ? (
        <Badge>{best.record.confirmed} confirmed</Badge>
      ) : null}
    </>
  )
}
