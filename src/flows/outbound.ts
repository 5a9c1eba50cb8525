import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Agent, request } from 'undici'
import type { Call } from '../match/exchange/call.ts'

export type OutboundMessage = { headers: Record<string, string>; body: string; timeoutMs: number }
export type OutboundAnswer = { status: number; retryAfter: string | null }
/** Posts a message to an address of somebody else's choice. Rejects when no answer comes. */
export type Post = (url: string, message: OutboundMessage) => Promise<OutboundAnswer>

export type OutboundRules = {
  /**
   * `none`: public addresses only. `loopback`: this machine too; for installations that nobody else can reach anyway.
   * `all`: every address; for installations whose operator says so.
   */
  privateAddresses: 'none' | 'loopback' | 'all'
}

/** Why an address must not be called; undefined when it may be. Only plain unicast addresses of the Internet may. */
export function addressTrouble(address: string, rules: OutboundRules): string | undefined {
  if (rules.privateAddresses === 'all') return undefined
  if (!ipaddr.isValid(address)) return `"${address}" is no address`
  // ::ffff:10.0.0.1 is 10.0.0.1.
  const range = ipaddr.process(address).range()
  if (range === 'unicast') return undefined
  if (range === 'loopback' && rules.privateAddresses === 'loopback') return undefined
  return `${address} is not a public address (${range})`
}

/** Why a webhook URL cannot be used, as far as its text tells; undefined when it can. */
export function urlTrouble(text: string, rules: OutboundRules): string | undefined {
  if (!URL.canParse(text)) return 'must be an absolute URL'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must start with https:// or http://'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const loopback = host === 'localhost' || host.endsWith('.localhost')
  if (loopback) return rules.privateAddresses === 'none' ? `${host} is not a public address` : undefined
  const trouble = isIP(host) === 0 ? undefined : addressTrouble(host, rules)
  if (trouble !== undefined) return trouble
  if (url.protocol === 'http:' && rules.privateAddresses === 'none') return 'must start with https://'
  return undefined
}

function guardedAgent(rules: OutboundRules): Agent {
  return new Agent({
    connections: 8,
    keepAliveTimeout: 10_000,
    connect: {
      lookup(hostname, _options, done) {
        lookup(hostname, { all: true, verbatim: true }).then(
          (found) => {
            const usable = found.filter(({ address }) => addressTrouble(address, rules) === undefined)
            if (usable.length > 0) done(null, usable)
            else done(new Error(addressTrouble(found[0]!.address, rules)), [])
          },
          (error: Error) => done(error, []),
        )
      },
    },
  })
}

/**
 * Posts under the rules. The addresses that a name resolves to are checked at the moment of connecting and the connection
 * goes to the one that was checked, so that a name cannot change its mind in between. Redirects are not followed.
 */
export function createPost(rules: OutboundRules): { post: Post; close: () => Promise<void> } {
  const agent = guardedAgent(rules)
  return {
    async post(url, { headers, body, timeoutMs }) {
      const trouble = urlTrouble(url, rules)
      if (trouble !== undefined) throw new Error(trouble)
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        const answer = await request(url, { method: 'POST', dispatcher: agent, headers, body, signal })
        // Nothing of the answer's body is needed; a little is read so that the connection can be used again.
        await answer.body.dump({ limit: 16_384, signal }).catch(() => {})
        const retryAfter = answer.headers['retry-after']
        return { status: answer.statusCode, retryAfter: typeof retryAfter === 'string' ? retryAfter : null }
      } catch (error) {
        if (signal.aborted) throw new Error(`no answer within ${timeoutMs} ms`, { cause: error })
        throw error
      }
    },
    close: () => agent.destroy(),
  }
}

/** Answers of exchanges begin within this, and no pause inside them is longer. */
const callTimeoutMs = 60_000

/** Asks under the same rules and hands over the answer as it streams in. Redirects are not followed. */
export function createCall(rules: OutboundRules): { call: Call; close: () => Promise<void> } {
  const agent = guardedAgent(rules)
  return {
    async call({ method, url, headers, body }) {
      const trouble = urlTrouble(url, rules)
      if (trouble !== undefined) throw new Error(trouble)
      const answer = await request(url, {
        method,
        dispatcher: agent,
        headers: { 'user-agent': 'Custos/1', ...headers },
        body: body ?? null,
        headersTimeout: callTimeoutMs,
        bodyTimeout: callTimeoutMs,
      })
      const header = (name: string) => {
        const value = answer.headers[name]
        return typeof value === 'string' ? value : (value?.[0] ?? null)
      }
      // A body that was given up ends with an error that nobody needs to hear.
      answer.body.on('error', () => {})
      return { status: answer.statusCode, header, body: answer.body, drop: () => void answer.body.destroy() }
    },
    close: () => agent.destroy(),
  }
}
