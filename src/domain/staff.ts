/** Roles of staff, each with what it may do. A person may have several. */
export const roles = ['viewer', 'reviewer', 'senior_reviewer', 'policy', 'investigator', 'engineer', 'admin'] as const
export type Role = (typeof roles)[number]

/** Verbs that API keys and roles are scoped to: `area:read` or `area:write`. */
export const scopes = [
  'events:write',
  'events:read',
  'decide:write',
  'uploads:write',
  'effects:read',
  'subjects:read',
  'gates:read',
  'match:read',
  'banks:read',
  'banks:write',
  'exchanges:read',
  'exchanges:write',
  'sharing:read',
  'sharing:write',
  'rules:read',
  'rules:write',
  'policies:read',
  'policies:write',
  'decisions:read',
  'decisions:write',
  'appeals:read',
  'appeals:write',
  'review:read',
  'review:write',
  'media:read',
  'media:reveal',
  'insight:read',
  'audit:read',
  'settings:read',
  'settings:write',
  'people:read',
  'people:write',
  'keys:write',
  'links:write',
  'webhooks:read',
  'webhooks:write',
  'sim:write',
] as const
export type Scope = (typeof scopes)[number]

const reads = scopes.filter(
  (scope) =>
    scope.endsWith(':read') &&
    !['audit:read', 'people:read', 'settings:read', 'media:read', 'webhooks:read'].includes(scope),
)

/** What each role may do. Least first: nobody sees more than their role needs. */
export const roleScopes = {
  viewer: reads,
  reviewer: [...reads, 'review:write', 'media:read', 'media:reveal'],
  senior_reviewer: [...reads, 'review:write', 'media:read', 'media:reveal', 'appeals:write', 'decisions:write'],
  policy: [...reads, 'policies:write', 'decisions:write', 'media:read', 'audit:read'],
  investigator: [...reads, 'decisions:write', 'banks:write', 'media:read', 'media:reveal', 'audit:read'],
  engineer: [
    ...reads,
    'rules:write',
    'banks:write',
    'exchanges:write',
    'events:write',
    'uploads:write',
    'decide:write',
    'media:read',
    'settings:read',
    'webhooks:read',
    'webhooks:write',
    'sim:write',
  ],
  admin: [...scopes],
} satisfies Record<Role, Scope[]> as Record<Role, Scope[]>

/** Everything that a person with these roles may do. */
export function scopesOf(held: readonly Role[]): Set<Scope> {
  return new Set(held.flatMap((role) => roleScopes[role]))
}
