import type { IncomingMessage, RequestOptions, ClientRequest } from 'node:http'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { Outcome } from '../domain/error.ts'
import { anyMediaBytesMax } from './kinds.ts'

export type FetchRefusal =
  | 'not-allowed'
  | 'private-address'
  | 'redirect'
  | 'bad-answer'
  | 'too-large'
  | 'timeout'
  | 'unreachable'
export type FetchedMedia = Outcome<{ bytes: Uint8Array; contentType: string }, FetchRefusal>
export type FetchMedia = (url: string) => Promise<FetchedMedia>

type Request = (options: RequestOptions, answer: (response: IncomingMessage) => void) => ClientRequest
export type MediaNetwork = {
  /** All addresses of a host: `dns.promises.lookup(host, { all: true })`. */
  resolve: (host: string) => Promise<{ address: string; family: number }[]>
  http: Request
  https: Request
}
export type FetchMediaOptions = {
  network: MediaNetwork
  /** Hosts that may be asked: `cdn.example.com`, `*.example.com`, with `:port` for ports other than 80 and 443. */
  hosts: readonly string[]
  /** Which addresses may be connected to; public ones unless said. */
  isAllowedAddress?: (address: string) => boolean
  timeoutMs?: number
  bytesMax?: number
}

/** Whether an address is one of the public internet: not private, loopback, link-local, reserved or a translation. */
export function isPublicAddress(address: string): boolean {
  try {
    return ipaddr.process(address).range() === 'unicast'
  } catch {
    return false
  }
}

/**
 * Asks for a URL and returns the answer once its head is there; the body is still to be read, or thrown away with
 * `destroy`. Connects only to addresses that it has checked itself: a name cannot change its address in between.
 */
export async function askServer(
  url: URL,
  {
    network,
    isAllowedAddress,
    signal,
    accept,
  }: { network: MediaNetwork; isAllowedAddress: (address: string) => boolean; signal: AbortSignal; accept: string },
): Promise<Outcome<{ response: IncomingMessage }, 'private-address' | 'timeout' | 'unreachable'>> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  let addresses: { address: string; family: number }[]
  try {
    addresses =
      isIP(host) > 0
        ? [{ address: host, family: isIP(host) }]
        : await Promise.race([network.resolve(host), rejectedBy(signal)])
  } catch (error) {
    if (signal.aborted) return { ok: false, reason: 'timeout', detail: 'the host was not resolved in time' }
    return { ok: false, reason: 'unreachable', detail: `the host cannot be resolved (${(error as Error).message})` }
  }
  // One bad address is enough to distrust the name.
  const bad = addresses.find(({ address }) => !isAllowedAddress(address))
  if (bad !== undefined)
    return {
      ok: false,
      reason: 'private-address',
      detail: `${url.hostname} is at ${bad.address}, which is not a public address`,
    }
  const [address] = addresses
  if (address === undefined) return { ok: false, reason: 'unreachable', detail: 'the host has no address' }

  // The connection goes to the checked address, whatever the name says by then.
  const lookup: LookupFunction = (_host, { all }, done) =>
    all === true ? done(null, [address]) : done(null, address.address, address.family)
  try {
    const response = await new Promise<IncomingMessage>((done, fail) => {
      const send = url.protocol === 'https:' ? network.https : network.http
      const request = send(
        {
          host,
          port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
          path: url.pathname + url.search,
          method: 'GET',
          headers: { host: url.host, accept, 'user-agent': 'custos' },
          lookup,
          signal,
          agent: false,
          ...(isIP(host) > 0 ? {} : { servername: host }),
        } as RequestOptions,
        done,
      )
      request.once('error', fail)
      request.end()
    })
    return { ok: true, response }
  } catch (error) {
    if (signal.aborted) return { ok: false, reason: 'timeout', detail: 'no answer in time' }
    return { ok: false, reason: 'unreachable', detail: (error as Error).message }
  }
}

/**
 * Makes the function that fetches media by URL. It asks only allowed hosts, connects only to addresses that it has
 * checked itself (a name cannot change its address in between), follows no redirects, and reads no more than the limit.
 */
export function createFetchMedia(options: FetchMediaOptions): FetchMedia {
  const { network, timeoutMs = 10_000, bytesMax = anyMediaBytesMax, isAllowedAddress = isPublicAddress } = options
  return async (text) => {
    const refuse = (reason: FetchRefusal, detail: string): FetchedMedia => ({
      ok: false,
      reason,
      detail: `Cannot fetch ${text.slice(0, 200)}: ${detail}`,
    })
    if (!URL.canParse(text)) return refuse('not-allowed', 'it is not a URL')
    const url = new URL(text)
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      return refuse('not-allowed', `${url.protocol} is neither http: nor https:`)
    if (url.username !== '' || url.password !== '') return refuse('not-allowed', 'it carries a user name or password')
    if (!isAllowedHost(url, options.hosts))
      return refuse('not-allowed', `the host "${url.host}" is not among the allowed media hosts`)

    const signal = AbortSignal.timeout(timeoutMs)
    const asked = await askServer(url, { network, isAllowedAddress, signal, accept: 'image/*, video/*, audio/*' })
    if (!asked.ok)
      return refuse(asked.reason, asked.reason === 'timeout' ? `no answer within ${timeoutMs} ms` : asked.detail)
    const { response } = asked
    try {
      const status = response.statusCode ?? 0
      if (status >= 300 && status < 400) {
        response.destroy()
        return refuse(
          'redirect',
          `it redirects to ${String(response.headers.location).slice(0, 200)}; redirects are not followed`,
        )
      }
      if (status !== 200) {
        response.destroy()
        return refuse('bad-answer', `the host answers ${status}`)
      }
      const declared = Number(response.headers['content-length'])
      const chunks: Uint8Array[] = []
      let length = 0
      if (!(declared > bytesMax))
        for await (const chunk of response as AsyncIterable<Uint8Array>) {
          length += chunk.length
          if (length > bytesMax) break
          chunks.push(chunk)
        }
      response.destroy()
      if (declared > bytesMax || length > bytesMax) return refuse('too-large', `it is larger than ${bytesMax} bytes`)
      if (declared > length) return refuse('bad-answer', `${length} of ${declared} bytes arrived`)
      return { ok: true, bytes: Buffer.concat(chunks), contentType: response.headers['content-type'] ?? '' }
    } catch (error) {
      if (signal.aborted) return refuse('timeout', `no complete answer within ${timeoutMs} ms`)
      return refuse('unreachable', (error as Error).message)
    }
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_done, fail) => {
    if (signal.aborted) fail(signal.reason as Error)
    else signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true })
  })
}

function isAllowedHost(url: URL, hosts: readonly string[]): boolean {
  const name = url.hostname.toLowerCase().replace(/\.$/, '')
  return hosts.some((entry) => {
    const [, pattern, port] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase().trim())!
    if ((port ?? '') !== url.port) return false
    return pattern!.startsWith('*.') ? name.endsWith(pattern!.slice(1)) : name === pattern
  })
}
