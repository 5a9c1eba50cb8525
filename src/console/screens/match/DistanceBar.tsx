import { useSignalTypes, type Near } from '../../parts/signal-types.ts'

const width = 96

/** Where a distance lies between the same (left) and the threshold (right), with words. */
export function DistanceBar({ match }: { match: Near }) {
  const words = useSignalTypes().near(match)
  const share = match.threshold === 0 ? 0 : Math.min(1, match.distance / match.threshold)
  const x = 4 + share * (width - 8)
  return (
    <span className="distance">
      <svg width={width} height="12" role="img" aria-label={words}>
        <line x1="4" x2={width - 4} y1="6" y2="6" className="distance-track" />
        <line x1="4" x2={x} y1="6" y2="6" className="distance-fill" />
        <line x1={width - 4} x2={width - 4} y1="2" y2="10" className="distance-end" />
        <circle cx={x} cy="6" r="3.5" />
      </svg>
      <span aria-hidden>{words}</span>
    </span>
  )
}
