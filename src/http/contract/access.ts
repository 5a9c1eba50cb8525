import { Type, type Static } from 'typebox'
import { roles, scopes, type Role, type Scope } from '../../domain/staff.ts'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const RoleSchema = Type.Enum([...roles] as Role[])
export const ScopeSchema = Type.Enum([...scopes] as Scope[])
const Handle = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'What the person signs in with: an e-mail address or a handle.',
})
const Name = Type.String({ minLength: 1, maxLength: 200 })
const Password = Type.String({ minLength: 1, maxLength: 256 })

// Sessions

export const Session = Type.Object({
  person: Type.Object({ id: Type.String(), handle: Type.String(), name: Type.String(), hasPassword: Type.Boolean() }),
  tenantId: Type.String(),
  roles: Type.Array(RoleSchema),
  scopes: Type.Array(ScopeSchema),
  tenants: Type.Array(Type.Object({ tenantId: Type.String(), name: Type.String(), roles: Type.Array(RoleSchema) }), {
    description: 'The tenants in which the person holds roles.',
  }),
})
export type Session = Static<typeof Session>

export const getSession = route({
  id: 'session.get',
  method: 'GET',
  path: '/v1/session',
  summary: 'Who is signed in, where, and what they may do',
  scope: 'staff',
  response: Session,
})
export const signIn = route({
  id: 'session.create',
  method: 'POST',
  path: '/v1/session',
  summary: 'Sign in with handle and password',
  description:
    'Sets the cookie of the session. Wrong attempts are slowed down per account and per address; the answer does not say whether the account exists.',
  scope: 'public',
  body: Type.Object({ handle: Handle, password: Password }, { additionalProperties: false }),
  response: Type.Object({ ok: Type.Boolean() }),
})
export const switchTenant = route({
  id: 'session.update',
  method: 'PUT',
  path: '/v1/session',
  summary: 'Work in another tenant',
  scope: 'staff',
  body: Type.Object({ tenantId: Type.String({ maxLength: 64 }) }, { additionalProperties: false }),
  response: Session,
})
export const signOut = route({
  id: 'session.delete',
  method: 'DELETE',
  path: '/v1/session',
  summary: 'Sign out',
  scope: 'staff',
  response: Type.Object({ ok: Type.Boolean() }),
})
export const setPassword = route({
  id: 'session.password',
  method: 'PUT',
  path: '/v1/session/password',
  summary: 'Set or change your own password',
  description:
    'Needs the current password when there is one. At least 15 characters (NIST SP 800-63B-4). Ends all other sessions.',
  scope: 'staff',
  body: Type.Object(
    { current: Type.Optional(Password), password: Type.String({ minLength: 15, maxLength: 256 }) },
    { additionalProperties: false },
  ),
  response: Type.Object({ ok: Type.Boolean(), sessionsEnded: Type.Integer() }),
})

// People

export const Person = Type.Object({
  id: Type.String(),
  handle: Type.String(),
  name: Type.String(),
  roles: Type.Array(RoleSchema),
  hasPassword: Type.Boolean(),
  createdMs: TimeMs,
  disabledMs: Nullable(TimeMs),
  lastSignInMs: Nullable(TimeMs),
})
export type Person = Static<typeof Person>
const personParams = Type.Object({ personId: Type.String({ maxLength: 64 }) })
const Roles = Type.Array(RoleSchema, { minItems: 1, maxItems: roles.length })

export const listPeople = route({
  id: 'people.list',
  method: 'GET',
  path: '/v1/people',
  summary: 'Staff of this tenant',
  scope: 'people:read',
  query: Type.Object({
    ...PageQuery.properties,
    search: Type.Optional(Type.String({ maxLength: 200, description: 'Part of a handle or name.' })),
  }),
  response: Page(Person),
})
export const createPerson = route({
  id: 'people.create',
  method: 'POST',
  path: '/v1/people',
  summary: 'Add a person to the staff',
  description: 'Make a sign-in link next, and hand it to the person.',
  scope: 'people:write',
  body: Type.Object({ handle: Handle, name: Name, roles: Roles }, { additionalProperties: false }),
  response: Person,
  status: 201,
  idempotent: true,
})
export const getPerson = route({
  id: 'people.get',
  method: 'GET',
  path: '/v1/people/:personId',
  summary: 'One person of the staff',
  scope: 'people:read',
  params: personParams,
  response: Person,
})
export const updatePerson = route({
  id: 'people.update',
  method: 'PATCH',
  path: '/v1/people/:personId',
  summary: 'Change name or roles, or disable a person',
  description: 'Needs If-Match. Disabling a person ends their sessions. The last administrator of a tenant stays.',
  scope: 'people:write',
  params: personParams,
  body: Type.Object(
    { name: Type.Optional(Name), roles: Type.Optional(Roles), disabled: Type.Optional(Type.Boolean()) },
    { additionalProperties: false },
  ),
  response: Person,
})
export const createSignInLink = route({
  id: 'people.signInLink',
  method: 'POST',
  path: '/v1/people/:personId/sign-in-links',
  summary: 'Make a link that signs a person in once, within 15 minutes',
  scope: 'people:write',
  params: personParams,
  response: Type.Object({ path: Type.String({ description: 'Path on this installation.' }), expiresMs: TimeMs }),
  status: 201,
  idempotent: true,
})
export const endSessions = route({
  id: 'people.signOut',
  method: 'DELETE',
  path: '/v1/people/:personId/sessions',
  summary: 'End all sessions of a person',
  scope: 'people:write',
  params: personParams,
  response: Type.Object({ ended: Type.Integer() }),
})

// API keys

export const ApiKey = Type.Object({
  id: Type.String({ description: 'The first part of the key: "ck_" and eight characters.' }),
  name: Type.String(),
  scopes: Type.Array(ScopeSchema),
  createdMs: TimeMs,
  createdBy: Nullable(Type.String()),
  expiresMs: Nullable(TimeMs),
  lastUsedMs: Nullable(TimeMs),
  revokedMs: Nullable(TimeMs),
})
export type ApiKey = Static<typeof ApiKey>

export const listKeys = route({
  id: 'keys.list',
  method: 'GET',
  path: '/v1/keys',
  summary: 'API keys of this tenant',
  scope: 'keys:write',
  query: PageQuery,
  response: Page(ApiKey),
})
export const createKey = route({
  id: 'keys.create',
  method: 'POST',
  path: '/v1/keys',
  summary: 'Make an API key',
  description: 'The token is in this answer only. A key can be given no scope that its maker does not have.',
  scope: 'keys:write',
  body: Type.Object(
    {
      name: Name,
      scopes: Type.Array(ScopeSchema, { minItems: 1, maxItems: scopes.length }),
      expiresMs: Type.Optional(TimeMs),
    },
    { additionalProperties: false },
  ),
  response: Type.Intersect([ApiKey, Type.Object({ token: Type.String() })]),
  status: 201,
  idempotent: true,
})
export const revokeKey = route({
  id: 'keys.revoke',
  method: 'DELETE',
  path: '/v1/keys/:keyId',
  summary: 'Revoke an API key',
  description: 'Counts at once in the process that answers, and within a second in every other.',
  scope: 'keys:write',
  params: Type.Object({ keyId: Type.String({ maxLength: 64 }) }),
  response: ApiKey,
})

// Links for affected persons

export const createSubjectLink = route({
  id: 'subjectLinks.create',
  method: 'POST',
  path: '/v1/subject-links',
  summary: 'Make a link by which an actor sees their own page',
  description:
    'For the platform to hand to the account holder, after it has made sure who that is. Whoever has the link sees the page.',
  scope: 'links:write',
  body: Type.Object(
    {
      actorId: Type.String({ minLength: 1, maxLength: 256 }),
      ttlS: Type.Optional(
        Type.Integer({
          minimum: 60,
          maximum: 31_536_000,
          default: 604_800,
          description: 'Seconds; a week unless said.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({ token: Type.String(), path: Type.String(), expiresMs: TimeMs }),
  status: 201,
  idempotent: true,
})
export const deleteSubjectLinks = route({
  id: 'subjectLinks.delete',
  method: 'DELETE',
  path: '/v1/subject-links/:actorId',
  summary: 'Take back all links of an actor',
  scope: 'links:write',
  params: Type.Object({ actorId: Type.String({ maxLength: 256 }) }),
  response: Type.Object({ deleted: Type.Integer() }),
})
