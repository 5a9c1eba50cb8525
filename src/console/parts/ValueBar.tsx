import { percentText } from '../frame/time.ts'
import './small.css'

/** A number from 0 to 1 as a small bar with its figure, in per cent where it is a share; anything else as text. */
export function ValueBar({ value, share = false }: { value: unknown; share?: boolean }) {
  if (typeof value === 'number' && value >= 0 && value <= 1)
    return (
      <span className="value-bar">
        <span>
          <i style={{ width: `${value * 100}%` }} />
        </span>
        <span>{share ? percentText(value) : value.toFixed(2)}</span>
      </span>
    )
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return (
    <span className="clip" title={text}>
      {typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: 3 }) : text}
    </span>
  )
}
