import { InputError, quote } from '../../domain/error.ts'
import { isAddress, linkChain, linkLengthMax, linkOf, linksInText, type Link } from '../links.ts'
import type { LookupContent, SignalHit, SignalIndex, SyncSignalType } from './signal-type.ts'

/** Deeper than this, paths are looked up as they are and not step by step. */
const pathDepthMax = 64

/**
 * The links of some content with all that they wrap and redirect to; those in its text follow those beside it. Each is
 * a part of the content under its number.
 */
function* linksOf({ links = [], text }: LookupContent): Generator<{ index: number; chain: Link[] }> {
  let index = 0
  for (const { url, redirects } of links) yield { index: index++, chain: linkChain(url, redirects) }
  if (text !== undefined) for (const url of linksInText(text)) yield { index: index++, chain: linkChain(url) }
}

/** A search for what is filed under keys: every key of a link that is known becomes a hit, the nearest one a slot. */
function createKeyIndex(
  keysOf: (link: Link) => Iterable<{ key: string; distance: number }>,
  confidences: readonly number[],
): SignalIndex<SignalHit[]> {
  const slots = new Map<string, Set<number>>()
  const signalOf = new Map<number, string>()
  return {
    add(slot, signal) {
      signalOf.set(slot, signal)
      const same = slots.get(signal)
      if (same === undefined) slots.set(signal, new Set([slot]))
      else same.add(slot)
    },
    remove(slot) {
      const signal = signalOf.get(slot)
      if (signal === undefined) return
      signalOf.delete(slot)
      const same = slots.get(signal)!
      same.delete(slot)
      if (same.size === 0) slots.delete(signal)
    },
    search(content, { thresholdOf, wanted }) {
      if (signalOf.size === 0) return []
      const hits: SignalHit[] = []
      for (const { index, chain } of linksOf(content)) {
        const best = new Map<number, SignalHit>()
        for (const link of chain)
          for (const { key, distance } of keysOf(link))
            for (const slot of slots.get(key) ?? []) {
              if (wanted?.(slot) === false || distance > thresholdOf(slot)) continue
              if ((best.get(slot)?.distance ?? Infinity) <= distance) continue
              const confidence = confidences[distance]!
              const part = { kind: 'link' as const, index, url: link.url }
              best.set(slot, { slot, part, distance, similarity: distance === 0 ? 1 : 0.9, confidence })
            }
        hits.push(...best.values())
      }
      return hits
    },
  }
}

const prefixMark = '/*'

/** The address itself, then what an entry for a path above it would be: `http://a.example/b/*`, `http://a.example/*`. */
function* urlKeys({ url }: Link): Generator<{ key: string; distance: number }> {
  yield { key: url, distance: 0 }
  const hostEnd = url.indexOf('/', 'http://'.length)
  const pathEnd = /[?#]/.exec(url)?.index ?? url.length
  let depth = 0
  // An entry for a path holds for that path too.
  for (let end = url[pathEnd - 1] === '/' ? pathEnd - 1 : pathEnd; end >= hostEnd && depth <= pathDepthMax; depth++) {
    yield { key: url.slice(0, end) + prefixMark, distance: 1 }
    end = url.lastIndexOf('/', end - 1)
  }
  if (depth > pathDepthMax) yield { key: url.slice(0, hostEnd) + prefixMark, distance: 1 }
}

function parseUrl(field: string, signal: string): string {
  const isPrefix = signal.endsWith(prefixMark)
  const link = linkOf(isPrefix ? signal.slice(0, -1) : signal)
  const refuse = (problem: string): never => {
    throw new InputError(`${field} ${problem}`, [{ field, problem, value: quote(signal), limit: linkLengthMax }])
  }
  if (link === undefined) return refuse('must be an http: or https: address')
  if (!isPrefix) return link.url
  if (/[?#]/.test(link.url)) return refuse('must not have parameters before "/*"')
  return link.url.replace(/\/$/, '') + prefixMark
}

/**
 * Links by canonical address, including what they wrap and redirect to, and those that stand in texts. An entry that
 * ends in `/*` holds for every address whose path begins so; its hits are at distance 1, those of equal addresses at 0.
 */
export const urlType: SyncSignalType = {
  name: 'url',
  version: 'url@1',
  threshold: 1,
  thresholdMax: 1,
  part: 'link',
  thresholdStep: 1,
  words: {
    title: 'Address',
    about: 'Links by their canonical address, also behind redirects, in wrappers and in texts.',
    media: ['link', 'text'],
    finds: [
      { upTo: 0, what: 'the same address' },
      { upTo: 1, what: 'also every address below a path, for entries that end in /*' },
    ],
  },
  describe: (distance) =>
    distance === 0 ? 'the same address' : distance === 1 ? 'an address below the path' : 'another address',
  parse: parseUrl,
  contentOf: (signal) => ({ links: [{ url: signal.endsWith(prefixMark) ? signal.slice(0, -1) : signal }] }),
  signalOf: ({ links }) =>
    links?.[0] === undefined ? undefined : linkChain(links[0].url, links[0].redirects).at(-1)?.url,
  compare(query, entry) {
    if (query === entry) return { distance: 0, similarity: 1 }
    const link = linkOf(query.endsWith(prefixMark) ? query.slice(0, -1) : query)
    const below = link !== undefined && [...urlKeys(link)].some(({ key }) => key === entry)
    return below ? { distance: 1, similarity: 0.9 } : { distance: 2, similarity: 0 }
  },
  createIndex: () => createKeyIndex(urlKeys, [1, 0.95]),
}

/** The host itself, then every domain above it up to the one that was registered. */
function* domainKeys({ host, domain }: Link): Generator<{ key: string; distance: number }> {
  yield { key: host, distance: 0 }
  if (domain === undefined) return
  for (let name = host; name.length > domain.length;) {
    name = name.slice(name.indexOf('.') + 1)
    yield { key: name, distance: 0 }
  }
}

/**
 * Links by site: an entry is a registered domain (`example.co.uk`, `somebody.blogspot.com`), a host below one, or an IP
 * address, and holds for every link to it or below it, anywhere in the chain of redirects. Only made on purpose: an
 * entry made of a link means that one address.
 */
export const urlDomainType: SyncSignalType = {
  name: 'url-domain',
  version: 'url-domain@1',
  threshold: 0,
  thresholdMax: 0,
  part: 'link',
  thresholdStep: 1,
  words: {
    title: 'Site',
    about: 'Any link to a site or below it, also behind redirects, in wrappers and in texts.',
    media: ['link', 'text'],
    finds: [{ upTo: 0, what: 'any address of the same site' }],
  },
  describe: (distance) => (distance === 0 ? 'the same site' : 'another site'),
  parse(field, signal) {
    const refuse = (problem: string): never => {
      throw new InputError(`${field} ${problem}`, [{ field, problem, value: quote(signal), limit: 253 }])
    }
    const link = linkOf(signal.replace(/^(?:\*\.)?/, ''))
    if (link === undefined) return refuse('must be a domain, like "example.com"')
    if (link.url !== `http://${link.host}/`) return refuse('must be a domain without a port or path')
    if (link.domain === undefined && !isAddress(link.host))
      return refuse('belongs to nobody or to many: it is no domain under a public suffix')
    return link.host
  },
  contentOf: (signal) => ({ links: [{ url: `http://${signal}/` }] }),
  signalOf: () => undefined,
  compare(query, entry) {
    const link = linkOf(query)
    const within = link !== undefined && [...domainKeys(link)].some(({ key }) => key === entry)
    return within ? { distance: 0, similarity: 1 } : { distance: 1, similarity: 0 }
  },
  createIndex: () => createKeyIndex(domainKeys, [0.9]),
}
