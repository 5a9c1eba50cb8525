import { useNamed } from '../frame/people.ts'
import { ValueBar } from './ValueBar.tsx'
import './small.css'

/** One measurement: its name, its value as a small bar, and why. Reasons of a decision have the same shape. */
export function SignalRow({
  name,
  value,
  because,
  confidence,
}: {
  name: string
  value: unknown
  because: string
  confidence?: number
}) {
  const named = useNamed()
  return (
    <div className="signal-row" role="listitem">
      <span className="signal-name">{name}</span>
      <span>
        <ValueBar value={value} />
      </span>
      <span className="because">
        {named(because)}
        {confidence === undefined || confidence === 1 ? null : (
          <span className="faint"> · {Math.round(confidence * 100)} % sure</span>
        )}
      </span>
    </div>
  )
}

export function SignalList({
  signals,
  label,
}: {
  signals: { name: string; value: unknown; because: string; confidence?: number }[]
  label: string
}) {
  if (signals.length === 0) return <p className="faint small">No signals.</p>
  return (
    <div role="list" aria-label={label} className="signal-list">
      {signals.map((signal, index) => (
        <SignalRow key={index} {...signal} />
      ))}
    </div>
  )
}
