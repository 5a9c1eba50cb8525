import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { href, useUrl } from './url.ts'

/** A link within the console. Opens in place; with a modifier or the middle button the browser does as it always does. */
export function Go({
  to,
  search,
  ...rest
}: { to: string; search?: Record<string, string | undefined> } & Omit<
  AnchorHTMLAttributes<HTMLAnchorElement>,
  'href'
>) {
  const url = useUrl()
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    rest.onClick?.(event)
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return
    event.preventDefault()
    event.stopPropagation()
    url.go(to, search)
  }
  return <a {...rest} href={href(to, search)} onClick={follow} />
}
