import { percentText } from '../../frame/time.ts'
import type { Asked } from './asked.ts'

/** How far a lookup is: sending, or hashing and comparing. */
export function SentBar({ asked }: { asked: Asked }) {
  const words =
    asked.state === 'waiting'
      ? 'Waiting'
      : asked.state === 'sending'
        ? `Sending, ${percentText(Math.round(asked.sent * 100) / 100)}`
        : asked.file === undefined
          ? 'Comparing…'
          : 'Hashing and comparing…'
  return (
    <span className="sent" role="status">
      <span className="small muted">{words}</span>
      <span className="sent-track" aria-hidden>
        <i
          data-working={asked.state === 'hashing' ? '' : undefined}
          style={{ width: `${asked.state === 'hashing' ? 100 : asked.sent * 100}%` }}
        />
      </span>
    </span>
  )
}
