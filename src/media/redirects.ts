import type { Outcome } from '../domain/error.ts'
import { askServer, isPublicAddress, type MediaNetwork } from './fetch.ts'

export type RedirectRefusal = 'not-allowed' | 'private-address' | 'too-many' | 'loop' | 'timeout' | 'unreachable'
/** Where an address leads, step by step and without the address itself; with a refusal, the steps until then. */
export type RedirectChain = { redirects: string[]; refused?: { reason: RedirectRefusal; detail: string } }
export type ResolveRedirects = (url: string) => Promise<RedirectChain>

export type ResolveRedirectsOptions = {
  network: MediaNetwork
  /** Which addresses may be connected to; public ones unless said. */
  isAllowedAddress?: (address: string) => boolean
  /** Redirects followed at most. */
  hopsMax?: number
  /** For the whole chain. */
  timeoutMs?: number
}

/** Links of one item that are followed; the others are taken as they stand. */
export const followedLinksMax = 10

/** Links with the redirects that following them found, the first ten of those that come without. */
export function followLinks<Link extends { url: string; redirects?: readonly string[] }>(
  resolveRedirects: ResolveRedirects,
  links: readonly Link[],
): Promise<Link[]> {
  let left = followedLinksMax
  return Promise.all(
    links.map(async (link) => {
      if (link.redirects !== undefined || left-- <= 0) return link
      const { redirects } = await resolveRedirects(link.url)
      return redirects.length === 0 ? link : { ...link, redirects }
    }),
  )
}

const urlLengthMax = 16_384

/**
 * Makes the function that follows the redirects of links (HTTP 301, 302, 303, 307 and 308), reading heads and no
 * bodies. Private addresses are refused, also where a redirect leads to one; nothing is sent but the request itself, no
 * cookies and no user name. It asks servers that strangers named, so whoever calls it has decided to do so.
 */
export function createResolveRedirects(options: ResolveRedirectsOptions): ResolveRedirects {
  const { network, isAllowedAddress = isPublicAddress, hopsMax = 10, timeoutMs = 5_000 } = options
  return async (text) => {
    const redirects: string[] = []
    const refuse = (reason: RedirectRefusal, detail: string): RedirectChain => ({
      redirects,
      refused: { reason, detail: `Cannot follow ${text.slice(0, 200)}: ${detail}` },
    })
    const signal = AbortSignal.timeout(timeoutMs)
    const seen = new Set<string>()
    let at = webUrl(text)
    for (;;) {
      if (!at.ok) return refuse('not-allowed', at.detail)
      const { url } = at
      // A fragment is never sent, so that it makes no other request.
      url.hash = ''
      if (seen.has(url.href)) return refuse('loop', `it comes back to ${url.href.slice(0, 200)}`)
      seen.add(url.href)
      const asked = await askServer(url, { network, isAllowedAddress, signal, accept: 'text/html, */*' })
      if (!asked.ok)
        return refuse(asked.reason, asked.reason === 'timeout' ? `no end within ${timeoutMs} ms` : asked.detail)
      const { statusCode = 0, headers } = asked.response
      asked.response.destroy()
      if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return { redirects }
      const next = webUrl(headers.location, url)
      if (next.ok) redirects.push(next.url.href)
      if (redirects.length > hopsMax) {
        redirects.pop()
        return refuse('too-many', `it redirects more than ${hopsMax} times`)
      }
      at = next
    }
  }
}

function webUrl(text: string, base?: URL): Outcome<{ url: URL }, 'not-allowed'> {
  const refuse = (detail: string): Outcome<{ url: URL }, 'not-allowed'> => ({
    ok: false,
    reason: 'not-allowed',
    detail,
  })
  if (text.length > urlLengthMax) return refuse(`an address is longer than ${urlLengthMax} characters`)
  if (!URL.canParse(text, base)) return refuse(`${text.slice(0, 200)} is not a URL`)
  const url = new URL(text, base)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return refuse(`${url.protocol} is neither http: nor https:`)
  url.username = ''
  url.password = ''
  return { ok: true, url }
}
