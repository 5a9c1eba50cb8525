import { Type, type Static } from 'typebox'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const RateLimit = Type.Object(
  {
    perSecond: Type.Number({ minimum: 0.1, maximum: 10_000_000 }),
    burst: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
  },
  { additionalProperties: false },
)
const settingFields = {
  acceptUnknownTypes: Type.Boolean({
    description: 'Whether events of a type that is neither built in nor declared are accepted.',
  }),
  eventTypes: Type.Record(
    Type.String({ maxLength: 100 }),
    Type.Object(
      {
        description: Type.Optional(Type.String({ maxLength: 1_000 })),
        schema: Type.Optional(
          Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema of the attributes.' }),
        ),
      },
      { additionalProperties: false },
    ),
    { maxProperties: 500, description: 'Event types of this tenant, by name.' },
  ),
  mediaHosts: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
    maxItems: 200,
    description: 'Hosts that media may be fetched from; "*.example" for all below.',
  }),
  banks: Type.Object(
    {
      entriesMax: Type.Integer({ minimum: 0, maximum: 100_000_000, description: 'Entries that are not retired.' }),
      flood: Type.Object(
        {
          enabled: Type.Boolean(),
          windowMinutes: Type.Integer({ minimum: 10, maximum: 1_440 }),
          matchesMin: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
          factorMin: Type.Number({ minimum: 1, maximum: 1_000_000 }),
          tailMax: Type.Number({ exclusiveMinimum: 0, maximum: 0.5 }),
          baselineDays: Type.Integer({ minimum: 1, maximum: 28 }),
        },
        {
          additionalProperties: false,
          description: 'When an entry matches so much more than its own past that it is held.',
        },
      ),
      precision: Type.Object(
        {
          enabled: Type.Boolean(),
          verdictsMin: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
          upperMin: Type.Number({ minimum: 0, maximum: 1 }),
        },
        { additionalProperties: false, description: 'When an entry was wrong so often that it is held.' },
      ),
      canaryMinutes: Type.Integer({ minimum: 1, maximum: 10_080, description: 'How often canaries are looked up.' }),
    },
    { additionalProperties: false, description: 'Quota of bank entries, and when they are held back by themselves.' },
  ),
  rateLimits: Type.Object({ key: RateLimit, person: RateLimit, events: RateLimit }, { additionalProperties: false }),
  match: Type.Object(
    {
      lookupsPerMinute: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
      followLinks: Type.Boolean({
        description:
          'Follow the redirects of links in events. It asks servers that strangers named, and takes its time.',
      }),
      seenDays: Type.Integer({
        minimum: 0,
        maximum: 3_650,
        description: 'Hashes of content that passed are kept so long, for bank entries that come later; 0 keeps none.',
      }),
      retroItemsMax: Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description: 'Past items that one entry may be applied to at once.',
      }),
      peerOpinionWeight: Type.Number({
        minimum: 0,
        maximum: 1,
        description:
          'What the opinion of an installation that follows a bank counts in the precision of an entry, where a verdict counts 1; 0 leaves them out.',
      }),
      retroBanks: Type.Record(
        Type.String({ maxLength: 100 }),
        Type.Object(
          {
            violation: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
            route: Type.Union([Type.Literal('review'), Type.Literal('auto')]),
          },
          { additionalProperties: false },
        ),
        { maxProperties: 1_000, description: 'Banks whose new entries are applied to past items at once, by id.' },
      ),
    },
    { additionalProperties: false, description: 'Quota of lookups, and what is kept of content that passed.' },
  ),
}
const Settings = Type.Object(settingFields)
const tenantIdPattern = '^[a-z0-9][a-z0-9-]{0,62}$'
const TenantName = Type.String({ minLength: 1, maxLength: 200 })

export const Tenant = Type.Object({
  id: Type.String(),
  name: Type.String(),
  settings: Settings,
  createdMs: TimeMs,
})
export type Tenant = Static<typeof Tenant>

export const listTenants = route({
  id: 'tenants.list',
  method: 'GET',
  path: '/v1/tenants',
  summary: 'Tenants',
  description: 'All of them for administrators of the installation (tenant "default"), else the one of the caller.',
  scope: 'settings:read',
  query: PageQuery,
  response: Page(Tenant),
})
export const createTenant = route({
  id: 'tenants.create',
  method: 'POST',
  path: '/v1/tenants',
  summary: 'Make a tenant',
  description: 'For administrators of the installation, who become administrators of the new tenant too.',
  scope: 'settings:write',
  body: Type.Object(
    { id: Type.String({ pattern: tenantIdPattern }), name: TenantName },
    { additionalProperties: false },
  ),
  response: Tenant,
  status: 201,
  idempotent: true,
})
export const getSettings = route({
  id: 'settings.get',
  method: 'GET',
  path: '/v1/settings',
  summary: 'Name and settings of this tenant',
  scope: 'settings:read',
  response: Tenant,
})
export const updateSettings = route({
  id: 'settings.update',
  method: 'PATCH',
  path: '/v1/settings',
  summary: 'Change settings of this tenant',
  description: 'Needs If-Match. What is not given stays. The change is in the audit log with what was before.',
  scope: 'settings:write',
  body: Type.Object(
    {
      name: Type.Optional(TenantName),
      acceptUnknownTypes: Type.Optional(settingFields.acceptUnknownTypes),
      eventTypes: Type.Optional(settingFields.eventTypes),
      mediaHosts: Type.Optional(settingFields.mediaHosts),
      rateLimits: Type.Optional(settingFields.rateLimits),
      banks: Type.Optional(settingFields.banks),
      match: Type.Optional(settingFields.match),
    },
    { additionalProperties: false },
  ),
  response: Tenant,
})
