import { useEffect, type ReactNode } from 'react'
import './page.css'

/** A screen: title line, filters, and a body that fills the rest. `scroll` lets the body scroll as a whole. */
export function Page({
  title,
  crumbs,
  about,
  acts,
  filters,
  scroll = false,
  children,
}: {
  title: string
  crumbs?: ReactNode
  about?: ReactNode
  acts?: ReactNode
  filters?: ReactNode
  scroll?: boolean
  children: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Custos`
  }, [title])
  return (
    <div className="page">
      <header className="page-head">
        <div className="page-title">
          {crumbs === undefined ? null : <nav aria-label="Where this is">{crumbs}</nav>}
          <h1 tabIndex={-1} id="page-title">
            {title}
          </h1>
          {about === undefined ? null : <span className="muted small page-about">{about}</span>}
        </div>
        {acts === undefined ? null : <div className="row wrap">{acts}</div>}
      </header>
      {filters === undefined ? null : (
        <div className="page-filters" role="search" aria-label={`Filter ${title.toLowerCase()}`}>
          {filters}
        </div>
      )}
      {scroll ? (
        // Scrolls by keyboard as well: it can be focused.
        <div className="page-scroll" tabIndex={0} role="region" aria-label={title}>
          {children}
        </div>
      ) : (
        <div className="page-body">{children}</div>
      )}
    </div>
  )
}

/** A titled box. */
export function Panel({
  title,
  acts,
  flush = false,
  children,
}: {
  title?: ReactNode
  acts?: ReactNode
  flush?: boolean
  children: ReactNode
}) {
  return (
    <section className="panel" data-flush={flush ? '' : undefined}>
      {title === undefined ? null : (
        <div className="panel-head">
          <h2>{title}</h2>
          {acts === undefined ? null : <div className="row">{acts}</div>}
        </div>
      )}
      <div className="panel-body">{children}</div>
    </section>
  )
}
