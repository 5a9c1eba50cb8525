import { IconBolt } from '@tabler/icons-react'
import { href, useUrl } from '../frame/url.ts'
import './small.css'

/** An event by its id; opens in the drawer. */
export function EventLink({ eventId }: { eventId: string }) {
  const url = useUrl()
  const key = `event:${eventId}`
  return (
    <a
      className="chip"
      href={href(url.path, { ...url.search, open: key })}
      aria-label={`Event ${eventId}`}
      onClick={(event) => {
        event.stopPropagation()
        if (event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        url.set({ open: key }, { push: true })
      }}
    >
      <IconBolt size={14} aria-hidden />
      <span className="chip-name mono small">{eventId}</span>
    </a>
  )
}
