import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../domain/ids.ts'
import { publicRateLimit, type RateLimit, type TenantSettings } from '../domain/settings.ts'
import type { Principal } from './principal.ts'
import { HttpProblem } from './problem.ts'
import { addressKey } from './throttle.ts'

export type RateLimits = {
  /** Counts one request of its caller, sets the RateLimit headers, and throws 429 when there were too many. */
  admit: (request: FastifyRequest, reply: FastifyReply, principal: Principal | undefined) => void
  /** Counts events against the tenant's own limit, once they are known to be that many; throws 429 for too many. */
  countEvents: (tenantId: string, events: number) => void
  /** Counts lookups against the tenant's quota; throws 429 for too many. */
  countLookups: (tenantId: string, lookups: number) => void
}

export type Taken = { ok: boolean; remaining: number; resetS: number; retryS: number }

type Bucket = { tokens: number; atMs: number }
const bucketsMax = 100_000

/**
 * Token buckets in memory, one a key. A bucket refills continuously; taking is a few multiplications. Each process counts
 * for itself: with several, a caller may get as many times the limit as there are processes.
 */
export function createBuckets(clock: Clock): (key: string, limit: RateLimit, cost: number) => Taken {
  const buckets = new Map<string, Bucket>()
  return (key, { perSecond, burst }, cost) => {
    const nowMs = clock()
    let bucket = buckets.get(key)
    if (bucket === undefined) {
      bucket = { tokens: burst, atMs: nowMs }
      // A full bucket and no bucket are the same, so that forgetting the oldest is a gift, not a lockout.
      if (buckets.size >= bucketsMax) buckets.delete(buckets.keys().next().value!)
      buckets.set(key, bucket)
    } else {
      const passedS = Math.max(0, nowMs - bucket.atMs) / 1_000
      bucket.tokens = Math.min(burst, bucket.tokens + passedS * perSecond)
      bucket.atMs = nowMs
    }
    // What costs more than a full bucket passes when the bucket is full, and is paid off afterwards.
    const ok = bucket.tokens >= Math.min(cost, burst)
    if (ok) bucket.tokens -= cost
    return {
      ok,
      remaining: Math.max(0, Math.floor(bucket.tokens)),
      resetS: Math.ceil((burst - bucket.tokens) / perSecond),
      retryS: ok ? 0 : Math.max(1, Math.ceil((Math.min(cost, burst) - bucket.tokens) / perSecond)),
    }
  }
}

/** Limits on how often one caller may ask: per key and per person as their tenant sets, per address for everyone else. */
export function createRateLimits(deps: {
  clock: Clock
  /** The tenant's settings as last known; must not wait. */
  settings: (tenantId: string) => TenantSettings
}): RateLimits {
  const take = createBuckets(deps.clock)
  return {
    admit(request, reply, principal) {
      const limit =
        principal === undefined ? publicRateLimit : deps.settings(principal.tenantId).rateLimits[principal.kind]
      const key = principal === undefined ? addressKey(request.ip) : principal.id
      const taken = take(key, limit, 1)
      // The names of draft-ietf-httpapi-ratelimit-headers before it became one structured field: what clients read.
      reply.header('ratelimit-limit', limit.burst)
      reply.header('ratelimit-remaining', taken.remaining)
      reply.header('ratelimit-reset', taken.resetS)
      if (!taken.ok)
        throw tooMany(`At most ${limit.perSecond} requests a second, ${limit.burst} at once.`, taken.retryS)
    },
    countEvents(tenantId, events) {
      const limit = deps.settings(tenantId).rateLimits.events
      const taken = take(`events ${tenantId}`, limit, events)
      if (!taken.ok)
        throw tooMany(
          `At most ${limit.perSecond} events a second, ${limit.burst} at once; nothing was taken.`,
          taken.retryS,
        )
    },
    countLookups(tenantId, lookups) {
      const { lookupsPerMinute } = deps.settings(tenantId).match
      const limit = { perSecond: lookupsPerMinute / 60, burst: lookupsPerMinute }
      const taken = take(`lookups ${tenantId}`, limit, lookups)
      if (!taken.ok) throw tooMany(`At most ${lookupsPerMinute} lookups a minute; nothing was looked up.`, taken.retryS)
    },
  }
}

function tooMany(detail: string, retryS: number): HttpProblem {
  return new HttpProblem(429, 'Too many requests', `${detail} Try again in ${retryS} s.`, undefined, {
    'retry-after': String(retryS),
  })
}
