// Addresses in one form, so that the same page has the same address however it was written: the URL Standard (WHATWG)
// parses, RFC 3986 section 6 says what may be normalised, the Public Suffix List says what belongs to one owner.
import { getDomain, parse as parseHost } from 'tldts'
import { wrappedAddress } from './link-wrappers.ts'

/** Longer addresses than this are not read. */
export const linkLengthMax = 16_384
/** How many addresses of one text are looked at. */
export const textLinksMax = 100
const wrappersMax = 5
/** RFC 1035, section 2.3.4. */
const hostLengthMax = 253

export type Link = {
  /** `http://example.com/a?b=1`: the scheme is always written so, whatever it was. */
  url: string
  /** In ASCII, without `www.` and the like: `xn--bcher-kva.example`. An IPv6 address is in brackets. */
  host: string
  /** What one owner registered: `example.co.uk`, `somebody.blogspot.com`; undefined for addresses and local names. */
  domain: string | undefined
}

/** Parameters that say where a visitor came from or who they are, and not what the page shows. */
const tracking =
  /^(?:utm_.*|fbclid|gclid|gclsrc|gbraid|wbraid|dclid|msclkid|yclid|ysclid|twclid|ttclid|li_fat_id|igshid|igsh|mibextid|mc_cid|mc_eid|mkt_tok|_ga|_gl|_hsenc|_hsmi|__hs.*|__s|vero_id|vero_conv|oly_.*_id|wickedid|s_cid|ref_src|ref_url|spm|scm|cmpid|ncid|fb_action_.*|fb_source|fb_ref|__tn__|__cft__.*|__xts__.*|phpsessid|jsessionid|aspsessionid.*|trk|trkcampaign|_branch_match_id|_openstat|rb_clickid|ml_subscriber.*|epik|pk_.*|mtm_.*|matomo_.*|piwik_.*)$/i

const invisible = /[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+/gu
const scheme = /^([a-z][a-z0-9+.-]*):/i
const disguisedScheme = /^(?:h(?:tt|xx|\*\*|__|--)p(s?))\s*(?:\[:\]|:)\s*(?:\[\/\/\]|\/\/)/i
const disguisedDots = /\s*(?:\[\s*(?:dot|\.)\s*\]|\(\s*(?:dot|\.)\s*\)|\{\s*(?:dot|\.)\s*\})\s*/gi
const disguisedBreaks = /\[:\/\/\]/g

/** Undoes the usual ways of writing an address so that nobody can click it: `hxxps[:]//evil[.]example`. */
export function refanged(text: string): string {
  return text.replace(disguisedBreaks, '://').replace(disguisedDots, '.').replace(disguisedScheme, 'http$1://')
}

/**
 * The canonical form of an address: refanged, host in ASCII and lower case without `www.` or `m.`, default ports and
 * user names gone, path without dot segments, session and trailing slash, parameters sorted and without tracking,
 * percent-encoding one way, no fragment unless it addresses a page (`#!`, `#/`). Undefined for what is not of the web:
 * `javascript:`, `data:`, `mailto:`, nonsense, or longer than 16,384 characters. A canonical form is its own.
 */
export function linkOf(address: string): Link | undefined {
  let link = readOnce(address)
  // What one step uncovers (an encoded separator, a disguise within a disguise) the next one puts in order.
  for (let step = 0; link !== undefined && step < stepsMax; step++) {
    const again = readOnce(link.url)
    if (again?.url === link.url) return link
    link = again
  }
  return undefined
}

const stepsMax = 4

function readOnce(address: string): Link | undefined {
  if (address.length > linkLengthMax) return undefined
  const text = refanged(address.trim())
  let written = text.replace(invisible, (run) => (/^ +$/.test(run) ? '%20' : ''))
  const named = scheme.exec(written)?.[1]!.toLowerCase()
  if (named !== 'http' && named !== 'https') {
    // `example.com:8080/a` has a port and no scheme; `javascript:alert(1)` has a scheme and no host.
    if (named !== undefined && !/^[^/?#]*\.[^/?#:]*:\d+(?:[/?#]|$)/.test(written)) return undefined
    written = `http://${written.replace(/^\/\//, '')}`
  }
  if (!URL.canParse(written)) return undefined
  const url = new URL(written)
  const host = plainHost(url.hostname)
  if (host === '' || host.length > hostLengthMax) return undefined
  const port = url.port === '' || url.port === '80' || url.port === '443' ? '' : `:${url.port}`
  const hash = /^#[!/]./.test(url.hash) ? percents(url.hash) : ''
  return {
    url: `http://${host}${port}${plainPath(url.pathname)}${plainQuery(url.search)}${hash}`,
    host,
    domain: domainOf(host),
  }
}

/**
 * The registrable domain of a host, with the private part of the Public Suffix List: who registers under `blogspot.com`
 * owns what is below. Undefined for IP addresses, public suffixes and single names.
 */
export function domainOf(host: string): string | undefined {
  return getDomain(host, { allowPrivateDomains: true }) ?? undefined
}

/** Whether a host is an IP address, as it stands in a canonical address. */
export function isAddress(host: string): boolean {
  return host.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(host)
}

function plainHost(hostname: string): string {
  const host = hostname.toLowerCase().replace(/\.+$/, '')
  if (isAddress(host)) return host
  const domain = domainOf(host)
  if (domain === undefined || host === domain) return host
  // Copies of a site for browsers and phones: `www.`, `m.`, `en.m.`.
  const labels = host.slice(0, -domain.length - 1).split('.')
  const kept = labels.filter((label) => !/^(?:www\d?|m|mobile|touch|amp)$/.test(label))
  return [...kept, domain].join('.')
}

function plainPath(path: string): string {
  const plain = percents(path.replace(/;(?:jsessionid|phpsessid|sid)=[^/;]*/gi, ''))
    .replace(/\/{2,}/g, '/')
    .replace(/(?<=.)\/$/, '')
  return plain === '/' ? '/' : plain
}

function plainQuery(search: string): string {
  if (search.length < 2) return ''
  const kept = search
    .slice(1)
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const pair = percents(part.replaceAll('+', '%20'))
      const cut = pair.indexOf('=')
      return { name: cut < 0 ? pair : pair.slice(0, cut), pair: cut === pair.length - 1 ? pair.slice(0, -1) : pair }
    })
    .filter(({ name, pair }) => pair !== '' && !tracking.test(name))
  // Parameters of one name keep their order: it may say something.
  kept.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return kept.length === 0 ? '' : `?${kept.map(({ pair }) => pair).join('&')}`
}

/** Percent-encoding in upper case, and only where it is needed (RFC 3986, section 6.2.2). */
function percents(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (whole, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16))
    return /[A-Za-z0-9_~.-]/.test(char) ? char : whole.toUpperCase()
  })
}

/**
 * An address, what it wraps (`google.com/url?q=…`), and where it redirects to, each in canonical form: the first is what
 * stands there, the last is where it leads. Empty for what is not of the web.
 */
export function linkChain(address: string, redirects: readonly string[] = []): Link[] {
  const chain = new Map<string, Link>()
  for (const step of [address, ...redirects]) {
    let next: string | undefined = step
    for (let depth = 0; next !== undefined && depth <= wrappersMax; depth++) {
      const link = linkOf(next)
      if (link === undefined) break
      // The last step stands last, also when it was met before.
      chain.delete(link.url)
      chain.set(link.url, link)
      next = wrappedAddress(new URL(link.url))
    }
  }
  return [...chain.values()]
}

const written =
  /(?:h(?:tt|xx|\*\*|__|--)ps?(?:\[:\]|:)(?:\[\/\/\]|\/\/)|(?<![\p{L}\p{N}@._-])(?=[\p{L}\p{N}-]+\.))[^\s<>"'`“”„«»‹›|\\^]+/giu
const bareHost =
  /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+\p{L}[\p{L}\p{N}-]{1,62}(?::\d{1,5})?(?=[/?#]|$)/u

/**
 * The addresses that a text holds, in order, at most 100: with a scheme, or bare ones under a public suffix
 * (`example.com/a`), also when they are written so that nobody can click them. E-mail addresses are none.
 */
export function linksInText(text: string): string[] {
  const plain = text
    .replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu, '')
    .normalize('NFKC')
    .replace(disguisedBreaks, '://')
    .replace(disguisedDots, '.')
  const found: string[] = []
  for (const [run] of plain.matchAll(written)) {
    const address = withoutTail(run)
    if (disguisedScheme.test(address)) found.push(refanged(address))
    else {
      const host = bareHost.exec(address)?.[0]
      if (host === undefined || parseHost(host).isIcann !== true || parseHost(host).domain === null) continue
      found.push(address)
    }
    if (found.length === textLinksMax) break
  }
  return found
}

/** An address in a sentence, without the signs that end the sentence or the bracket around it. */
function withoutTail(run: string): string {
  let end = run.length
  let open = 0
  for (const char of run) open += char === '(' ? 1 : char === ')' ? -1 : 0
  for (; end > 0; end--) {
    const char = run[end - 1]!
    if (char === ')' && open < 0) open++
    else if (!/[.,;:!?*_~\]}…。、，]/.test(char)) break
  }
  return run.slice(0, end)
}
