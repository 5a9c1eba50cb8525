import { InputError, quote, type FieldProblem } from './error.ts'

/** A bucket that refills at `perSecond` and holds at most `burst`. */
export type RateLimit = { perSecond: number; burst: number }

/** What a tenant may set for itself. Every change is a `settings.changed` entry in the ledger. */
export type TenantSettings = {
  /** Whether events of a type that is neither built in nor declared are accepted. */
  acceptUnknownTypes: boolean
  /** Event types of this tenant's own, by name. */
  eventTypes: Record<string, { description?: string; schema?: Record<string, unknown> }>
  /** Hosts that media may be fetched from: `cdn.example`, or `*.example` for all below. */
  mediaHosts: string[]
  rateLimits: {
    /** Requests of one API key. */
    key: RateLimit
    /** Requests of one signed-in person. */
    person: RateLimit
    /** Events of the whole tenant, however they arrive. */
    events: RateLimit
  }
  banks: BankHygieneSettings
  match: MatchSettings
}

/** Limits of banks, and when their entries are held back by themselves. */
export type BankHygieneSettings = {
  /** Entries of a tenant that are not retired. */
  entriesMax: number
  flood: {
    enabled: boolean
    windowMinutes: number
    /** Fewer matches within the window are never a flood. */
    matchesMin: number
    /** How many times more than expected. */
    factorMin: number
    /** The probability, by a Poisson distribution around what was expected, of as many or more. */
    tailMax: number
    /** Days of its own past that say what to expect. */
    baselineDays: number
  }
  precision: {
    enabled: boolean
    /** Verdicts and appeals since its last release, before an entry is judged by them. */
    verdictsMin: number
    /** Held when even the upper end of the 95 % interval of its precision lies below. */
    upperMin: number
  }
  /** How often canaries are looked up. */
  canaryMinutes: number
}

export const defaultBankHygiene: BankHygieneSettings = {
  entriesMax: 5_000_000,
  flood: { enabled: true, windowMinutes: 60, matchesMin: 200, factorMin: 10, tailMax: 1e-9, baselineDays: 7 },
  precision: { enabled: true, verdictsMin: 5, upperMin: 0.5 },
  canaryMinutes: 10,
}

/** What a tenant may look up, and what is kept of content that passed. */
export type MatchSettings = {
  lookupsPerMinute: number
  /** Whether the redirects of links in events are followed before they are looked up: it asks servers of strangers. */
  followLinks: boolean
  /** Hashes of content that passed are kept so long, for entries that come later; 0 keeps none. */
  seenDays: number
  /** Past items that one new entry may be applied to at once. */
  retroItemsMax: number
  /** What the opinion of an installation that follows a bank counts beside a verdict; 0 leaves them out. */
  peerOpinionWeight: number
  /** Banks whose new entries are applied to past items by themselves, by id. */
  retroBanks: Record<string, { violation?: string; route: 'review' | 'auto' }>
}

export const defaultMatchSettings: MatchSettings = {
  lookupsPerMinute: 6_000_000,
  followLinks: false,
  seenDays: 180,
  retroItemsMax: 10_000,
  peerOpinionWeight: 0.25,
  retroBanks: {},
}

export const defaultSettings: TenantSettings = {
  acceptUnknownTypes: false,
  eventTypes: {},
  mediaHosts: [],
  rateLimits: {
    key: { perSecond: 10_000, burst: 20_000 },
    person: { perSecond: 100, burst: 400 },
    events: { perSecond: 100_000, burst: 1_000_000 },
  },
  banks: defaultBankHygiene,
  match: defaultMatchSettings,
}

/** Requests of one address on public pages and at sign-in: belongs to no tenant, so no tenant can lift it. */
export const publicRateLimit: RateLimit = { perSecond: 20, burst: 100 }

/** Stored settings with the defaults filled in. */
export function fillSettings(stored: Partial<TenantSettings>): TenantSettings {
  return {
    ...defaultSettings,
    ...stored,
    rateLimits: { ...defaultSettings.rateLimits, ...stored.rateLimits },
    banks: {
      ...defaultBankHygiene,
      ...stored.banks,
      flood: { ...defaultBankHygiene.flood, ...stored.banks?.flood },
      precision: { ...defaultBankHygiene.precision, ...stored.banks?.precision },
    },
    match: { ...defaultMatchSettings, ...stored.match },
  }
}

const hostPattern = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:\d{1,5})?$/
const eventTypePattern = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/

/** Checks what a JSON Schema of the API cannot say about settings; throws an InputError naming every bad field. */
export function checkSettings(changes: Partial<TenantSettings>): void {
  const problems: FieldProblem[] = []
  for (const [index, host] of (changes.mediaHosts ?? []).entries())
    if (!hostPattern.test(host))
      problems.push({
        field: `mediaHosts[${index}]`,
        problem: 'must be a host in lower case such as "cdn.example" or "*.example"',
        value: quote(host),
      })
  for (const name of Object.keys(changes.eventTypes ?? {}))
    if (!eventTypePattern.test(name) || name.length > 100)
      problems.push({
        field: `eventTypes.${quote(name)}`,
        problem: 'must look like "message.sent" (lower case, dotted)',
        value: quote(name),
        limit: 100,
      })
  if (problems.length > 0) throw new InputError('The settings cannot be accepted', problems)
}
