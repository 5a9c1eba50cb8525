import { exactText, relativeText, useNow } from '../frame/time.ts'

/** A time as `3 min ago`; the exact time, with its zone, on hover. */
export function RelativeTime({ timeMs, className }: { timeMs: number; className?: string }) {
  const now = useNow()
  return (
    <time
      dateTime={new Date(timeMs).toISOString()}
      title={exactText(timeMs)}
      className={className}
      style={{ whiteSpace: 'nowrap' }}
    >
      {relativeText(timeMs, now)}
    </time>
  )
}
