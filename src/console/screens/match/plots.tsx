import type { ClassifierView, getClassifier } from '../../../http/contract/classifiers.ts'
import type { ResponseOf } from '../../../http/contract/route.ts'
import { percentText } from '../../frame/time.ts'
import { wilson } from '../banks/state.ts'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { signedText } from './state.ts'

type Calibration = ClassifierView['report']['calibration']
type Shape = ResponseOf<typeof getClassifier>['shapes'][number]

const side = 240
const left = 34
const bottom = 30
const top = 8
const right = 12

/** What a classifier said against what held, band by band with its 95 % interval; a perfect one lies on the line. */
export function CalibrationPlot({ calibration }: { calibration: Calibration }) {
  const bands = calibration.filter(({ count }) => count > 0)
  const x = (share: number) => left + share * side
  const y = (share: number) => top + (1 - share) * side
  const most = Math.max(1, ...bands.map(({ count }) => count))
  const label = bands
    .map(({ said, held, count }) => `said ${percentText(said)}, held ${percentText(held)} of ${count}`)
    .join('; ')
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  return (
    <svg
      className="plot"
      viewBox={`0 0 ${left + side + right} ${top + side + bottom}`}
      role="img"
      aria-label={`Calibration: ${label}`}
    >
      {ticks.map((tick) => (
        <g key={tick}>
          <line className="plot-grid" x1={x(0)} x2={x(1)} y1={y(tick)} y2={y(tick)} />
          <text x={left - 6} y={y(tick) + 4} textAnchor="end">
            {tick * 100}
          </text>
          <text x={x(tick)} y={top + side + 14} textAnchor="middle">
            {tick * 100}
          </text>
        </g>
      ))}
      <line className="plot-ideal" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
      <text className="plot-name" x={x(1)} y={top + side + 28} textAnchor="end">
        it said, %
      </text>
      <text className="plot-name" x={x(0) + 4} y={top + 10}>
        it held, %
      </text>
      {bands.map(({ said, held, count }, index) => {
        const interval = wilson(held * count, count)!
        return (
          <g key={index}>
            <title>
              said {percentText(said)}, held {percentText(held)} ({percentText(interval.low)} to{' '}
              {percentText(interval.high)}) of {count} pairs
            </title>
            <line className="plot-interval" x1={x(said)} x2={x(said)} y1={y(interval.low)} y2={y(interval.high)} />
            <circle className="plot-dot" cx={x(said)} cy={y(held)} r={3 + 5 * Math.sqrt(count / most)} />
          </g>
        )
      })}
    </svg>
  )
}

const shapeWide = 180
const shapeHigh = 84

/** What a feature adds to the log-odds over its range, on one scale for all; the hollow dot is "missing". */
export function ShapePlot({ shape, low, high }: { shape: Shape; low: number; high: number }) {
  const types = useSignalTypes()
  const points = shape.points
  const range = Math.max(1e-9, high - low)
  const y = (value: number) => 6 + (1 - (value - low) / range) * (shapeHigh - 12)
  const x = (value: number) => 22 + Math.max(0, Math.min(1, value)) * (shapeWide - 28)
  const first = points[0]
  const last = points.at(-1)
  const line = [
    ...(first === undefined ? [] : [{ value: 0, logOdds: first.logOdds }]),
    ...points,
    ...(last === undefined ? [] : [{ value: 1, logOdds: last.logOdds }]),
  ]
  const flat = line.every(({ logOdds }) => Math.abs(logOdds) < 0.005)
  return (
    <figure className="shape">
      <figcaption>
        <span className="clip" title={shape.feature}>
          {types.title(shape.feature)}
        </span>
        <span className="faint">{flat ? 'adds nothing' : `up to ${signedText(last?.logOdds ?? 0)}`}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${shapeWide} ${shapeHigh}`}
        role="img"
        aria-label={`${types.title(shape.feature)}: ${signedText(first?.logOdds ?? 0)} at 0, ${signedText(last?.logOdds ?? 0)} at 1, ${signedText(shape.missing)} where missing`}
      >
        <line className="plot-grid" x1="0" x2={shapeWide} y1={y(0)} y2={y(0)} />
        <polyline
          className="plot-line"
          points={line.map(({ value, logOdds }) => `${x(value).toFixed(1)},${y(logOdds).toFixed(1)}`).join(' ')}
        />
        <circle className="plot-missing" cx="8" cy={y(shape.missing)} r="3" />
      </svg>
    </figure>
  )
}
