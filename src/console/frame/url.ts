import { useRouter, useRouterState } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'

/** Where the server mounts the console. */
export const base = '/console'
export type Search = Record<string, string>

/** The search part of an address as flat text values: what is in the address bar is what the screen reads. */
export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text))
}

export function formatSearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search))
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value))
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}

/** The full address of a screen: `href('/decisions/d1')`. Ids in the path must be encoded by the caller: see `path`. */
export function href(to: string, search: Record<string, string | undefined> = {}): string {
  return base + to + formatSearch(search)
}

/** Builds a path with its ids encoded: path`/decisions/${id}`. */
export function path(parts: TemplateStringsArray, ...ids: string[]): string {
  return parts.reduce((all, part, index) => all + encodeURIComponent(ids[index - 1] ?? '') + part)
}

export type Url = {
  path: string
  search: Search
  /** Changes some search values and keeps the rest; empty or undefined removes one. */
  set: (patch: Record<string, string | undefined>, options?: { push?: boolean }) => void
  go: (to: string, search?: Record<string, string | undefined>) => void
  /** Goes elsewhere without leaving a step behind for Back. */
  replace: (to: string, search?: Record<string, string | undefined>) => void
  back: () => void
}

/** The address as state: every filter, selection and open drawer lives here, so that Back and sharing work. */
export function useUrl(): Url {
  const router = useRouter()
  const pathname = useRouterState({ select: (state) => state.location.pathname })
  const searchText = useRouterState({ select: (state) => state.location.searchStr })
  const search = useMemo(() => parseSearch(searchText), [searchText])
  const set = useCallback<Url['set']>(
    (patch, options) => {
      const now = router.history.location
      const next = { ...parseSearch(now.search), ...patch }
      const to = now.pathname + formatSearch(next)
      if (to === now.pathname + now.search) return
      if (options?.push) router.history.push(to)
      else router.history.replace(to)
    },
    [router],
  )
  const go = useCallback<Url['go']>((to, search) => router.history.push(href(to, search)), [router])
  const replace = useCallback<Url['replace']>((to, search) => router.history.replace(href(to, search)), [router])
  const back = useCallback(() => router.history.back(), [router])
  const path = pathname.startsWith(base) ? pathname.slice(base.length) || '/' : pathname
  return { path, search, set, go, replace, back }
}
