import type { PastMatches } from '../../../http/contract/banks.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf, exactText } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { EvidenceList, factsOf } from '../../parts/EvidenceList.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Sparkline } from '../../parts/Sparkline.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'

const shown = 6
const dayMs = 86_400_000

/** What an entry would have matched in the past: how much, on which days, and some of it. */
export function PastMatchesView({ past }: { past: PastMatches }) {
  const types = useSignalTypes()
  const { count, perDay, sample, near, sinceMs, available } = past
  const first = Math.floor(sinceMs / dayMs) * dayMs
  const last = Math.max(first, ...perDay.map((day) => day.dayMs))
  const byDay = new Map(perDay.map((day) => [Math.floor(day.dayMs / dayMs) * dayMs, day.matches]))
  const values = Array.from(
    { length: Math.max(2, (last - first) / dayMs + 1) },
    (_, at) => byDay.get(first + at * dayMs) ?? 0,
  )
  return (
    <div className="past" role="status">
      {!available ? (
        <p className="small muted" style={{ margin: 0 }}>
          No hashes of past content are kept here, so nobody can say what it would have matched.
        </p>
      ) : count === 0 ? (
        <p className="small" style={{ margin: 0 }}>
          <strong>It would have matched nothing</strong> <span className="muted">since {exactText(sinceMs)}.</span>
        </p>
      ) : (
        <>
          <div className="row wrap">
            <span>
              It would have matched <strong>{countOf(count, 'item')}</strong>{' '}
              <span className="muted">since {exactText(sinceMs)}.</span>
            </span>
            <Sparkline values={values} label="Matches per day" width={140} height={28} />
          </div>
          <ul className="past-samples" aria-label="Some of them">
            {sample.slice(0, shown).map((one, index) => (
              <li key={index}>
                <Sample sample={one} />
              </li>
            ))}
          </ul>
        </>
      )}
      {near.length === 0 ? null : (
        <p className="small" style={{ margin: 0 }}>
          It is near to{' '}
          {near.slice(0, 4).map((one, index) => (
            <span key={`${one.entryId}-${one.signalType}`}>
              {index > 0 ? ', ' : ''}
              <Go to={path`/banks/${one.bankId}/${one.entryId}`}>another entry</Go>{' '}
              <span className="muted">
                ({types.title(one.signalType)}: {one.described})
              </span>
            </span>
          ))}
          {near.length > 4 ? ` and ${near.length - 4} more` : ''}.
        </p>
      )}
    </div>
  )
}

/** One item of the past; installations may say more of it than what is known here. */
function Sample({ sample }: { sample: Record<string, unknown> }) {
  const { itemId, mediaSha256, ...rest } = sample
  return (
    <div className="stack" style={{ gap: 4 }}>
      {typeof mediaSha256 === 'string' ? (
        <MediaTile media={{ id: 'past item', kind: 'photo', upload: mediaSha256 }} sizePx={120} />
      ) : null}
      {typeof itemId === 'string' ? <SubjectChip subject={{ kind: 'item', id: itemId }} /> : null}
      <EvidenceList facts={factsOf(rest).slice(0, 4)} />
    </div>
  )
}
