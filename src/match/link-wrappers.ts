/** Where addresses of others are wrapped: whose host, which path, and which parameter holds the address. */
const wrappers: { host: RegExp; path: RegExp; parameters: readonly string[] }[] = [
  { host: /^google\.[a-z]{2,3}(?:\.[a-z]{2})?$/, path: /^\/(?:url|imgres)$/, parameters: ['q', 'url', 'imgrefurl'] },
  { host: /^translate\.google\.[a-z.]+$/, path: /^\/translate$/, parameters: ['u'] },
  { host: /^(?:l|lm|web)?\.?facebook\.com$/, path: /^\/l\.php$/, parameters: ['u'] },
  { host: /^l\.(?:instagram|threads|messenger)\.(?:com|net)$/, path: /./, parameters: ['u'] },
  { host: /^l\.wl\.co$/, path: /./, parameters: ['u'] },
  { host: /^youtube\.com$/, path: /^\/redirect$/, parameters: ['q'] },
  { host: /^out\.reddit\.com$/, path: /./, parameters: ['url'] },
  { host: /^(?:t\.umblr|href\.li|tumblr)\.?(?:com)?$/, path: /^\/(?:redirect)?$/, parameters: ['z'] },
  { host: /^vk\.com$/, path: /^\/away(?:\.php)?$/, parameters: ['to'] },
  { host: /^ok\.ru$/, path: /^\/dk$/, parameters: ['st.link'] },
  { host: /^linkedin\.com$/, path: /^\/(?:redir\/redirect|safety\/go)$/, parameters: ['url'] },
  { host: /^steamcommunity\.com$/, path: /^\/linkfilter$/, parameters: ['u', 'url'] },
  { host: /^slack-redir\.net$/, path: /^\/link$/, parameters: ['url'] },
  { host: /^duckduckgo\.com$/, path: /^\/l$/, parameters: ['uddg'] },
  { host: /^bing\.com$/, path: /^\/ck\/a$/, parameters: ['u'] },
  { host: /\.safelinks\.protection\.outlook\.com$/, path: /./, parameters: ['url'] },
  { host: /^urldefense\.proofpoint\.com$/, path: /^\/v2\/url$/, parameters: ['u'] },
  { host: /^(?:go\.skimresources\.com|click\.linksynergy\.com)$/, path: /./, parameters: ['url', 'murl'] },
  { host: /^disq\.us$/, path: /./, parameters: ['url'] },
]

const isWeb = (text: string) => /^https?:\/\//i.test(text)

/** The address that a canonical address of a redirect, translation, cache or archive service wraps, if it is one. */
export function wrappedAddress({ hostname, pathname, searchParams, search }: URL): string | undefined {
  for (const { host, path, parameters } of wrappers) {
    if (!host.test(hostname) || !path.test(pathname)) continue
    for (const name of parameters) {
      const value = searchParams.get(name)
      if (value === null) continue
      const address = unpacked(hostname, value)
      if (isWeb(address)) return address
    }
  }
  const amp = /^\/(?:amp|c|i|v|wp)\/(?:(s)\/)?([^/]+\.[^/]+\/?.*)$/.exec(pathname)
  if (amp !== null && (/^google\.[a-z.]+$/.test(hostname) || hostname.endsWith('.cdn.ampproject.org')))
    return `http://${amp[2]!}${search}`
  const archived = /^\/(?:web|save)\/(?:\d{4,14}[a-z_]*\/)?(https?:\/{1,2}.+)$/i.exec(pathname)
  if (archived !== null && hostname === 'web.archive.org')
    return archived[1]!.replace(/^(https?):\/+/i, '$1://') + search
  const translated = /^(.+)\.translate\.goog$/.exec(hostname)
  // A dot is written as one hyphen there, and a hyphen as two.
  if (translated !== null)
    return `http://${translated[1]!.replaceAll('--', '\0').replaceAll('-', '.').replaceAll('\0', '-')}${pathname}`
  return undefined
}

function unpacked(hostname: string, value: string): string {
  if (hostname === 'bing.com' && value.startsWith('a1'))
    return Buffer.from(value.slice(2), 'base64url').toString('utf8')
  if (hostname === 'urldefense.proofpoint.com') {
    const escaped = value.replaceAll('-', '%').replaceAll('_', '/')
    try {
      return decodeURIComponent(escaped)
    } catch {
      return escaped
    }
  }
  return value
}
