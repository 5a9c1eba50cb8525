import type { ReactNode } from 'react'
import './small.css'

export type Tone = 'plain' | 'accent' | 'attention' | 'harm' | 'resolved'

/** A state in a word. The shape of its icon says the same as its colour. */
export function Badge({
  tone = 'plain',
  icon,
  children,
  title,
}: {
  tone?: Tone
  icon?: ReactNode
  children: ReactNode
  title?: string
}) {
  return (
    <span className="badge" data-tone={tone} title={title}>
      {icon}
      {children}
    </span>
  )
}
