import type { ReactNode } from 'react'
import './states.css'

/** An empty place that explains itself: what will appear here, why there is nothing, and how to fill it. */
export function EmptyState({
  icon,
  title,
  why,
  children,
}: {
  icon?: ReactNode
  title: string
  why: ReactNode
  children?: ReactNode
}) {
  return (
    <div className="empty">
      {icon === undefined ? null : <div className="empty-icon">{icon}</div>}
      <h2>{title}</h2>
      <p>{why}</p>
      {children === undefined ? null : <div className="row wrap empty-acts">{children}</div>}
    </div>
  )
}
