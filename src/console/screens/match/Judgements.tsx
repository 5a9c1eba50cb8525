import type { Static } from 'typebox'
import type { SimilarityJudgement } from '../../../http/contract/match.ts'
import { Go } from '../../frame/Go.tsx'
import { percentText } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { signedText } from './state.ts'

type Judgement = Static<typeof SimilarityJudgement>

/** What each similarity classifier says of a match, and what each signal added to its answer. */
export function Judgements({ judgements }: { judgements: readonly Judgement[] }) {
  if (judgements.length === 0)
    return (
      <p className="faint small" style={{ margin: 0 }}>
        No classifier looks at this kind of match yet.{' '}
        <Go to="/match/classifiers">Train one on what your people judged</Go>.
      </p>
    )
  return (
    <div className="stack" style={{ gap: 16 }}>
      {judgements.map((judgement) => (
        <Contributions key={judgement.classifierId} judgement={judgement} />
      ))}
    </div>
  )
}

function Contributions({ judgement }: { judgement: Judgement }) {
  const { base, contributions, probability } = judgement
  const types = useSignalTypes()
  const rows = contributions.toSorted((a, b) => Math.abs(b.logOdds) - Math.abs(a.logOdds))
  const widest = Math.max(1, Math.abs(base), ...rows.map(({ logOdds }) => Math.abs(logOdds)))
  return (
    <section className="contributions" aria-label={`Classifier for ${judgement.scope}, version ${judgement.version}`}>
      <div className="row wrap">
        <Go to={path`/match/classifiers/${judgement.classifierId}`}>
          {judgement.scope} v{judgement.version}
        </Go>
        <Badge tone={judgement.mode === 'live' ? 'accent' : 'plain'}>
          {judgement.mode === 'live' ? 'live' : 'shadow: changes nothing'}
        </Badge>
        <strong className="contributions-says">{percentText(probability)} the same content</strong>
      </div>
      <Row name="An average pair" logOdds={base} widest={widest} quiet />
      {rows.map(({ feature, value, logOdds }) => (
        <Row
          key={feature}
          name={types.title(feature)}
          value={value === null ? 'missing' : value.toFixed(2)}
          logOdds={logOdds}
          widest={widest}
        />
      ))}
      <p className="faint small" style={{ margin: 0 }}>
        Right of the middle speaks for the same content, left against it; in log-odds, which add up.
      </p>
    </section>
  )
}

function Row({
  name,
  value,
  logOdds,
  widest,
  quiet = false,
}: {
  name: string
  value?: string
  logOdds: number
  widest: number
  quiet?: boolean
}) {
  const share = (Math.abs(logOdds) / widest) * 50
  return (
    <div className="contribution" data-quiet={quiet ? '' : undefined}>
      <span className="clip" title={name}>
        {name}
      </span>
      <span className="faint num">{value}</span>
      <span className="contribution-bar" aria-hidden>
        <i
          data-against={logOdds < 0 ? '' : undefined}
          style={logOdds < 0 ? { right: '50%', width: `${share}%` } : { left: '50%', width: `${share}%` }}
        />
      </span>
      <span className="num">{signedText(logOdds)}</span>
    </div>
  )
}
