import { Type } from 'typebox'
import { route } from './route.ts'

export const getHealth = route({
  id: 'system.health',
  method: 'GET',
  path: '/healthz',
  summary: 'Whether the process lives',
  scope: 'public',
  response: Type.Object({ ok: Type.Boolean() }),
})
export const Check = Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() })
export const getReadiness = route({
  id: 'system.ready',
  method: 'GET',
  path: '/readyz',
  summary: 'Whether the process can do its work; 503 when it cannot',
  scope: 'public',
  response: Type.Object({ ok: Type.Boolean(), checks: Type.Array(Check) }),
})
export const getMetrics = route({
  id: 'system.metrics',
  method: 'GET',
  path: '/metrics',
  summary: 'Metrics in the text format of Prometheus',
  description: 'Open to this machine; from another it needs an API key with the scope "insight:read".',
  scope: 'public',
  response: Type.String(),
  rawResponse: true,
})
export const getOpenApi = route({
  id: 'system.openapi',
  method: 'GET',
  path: '/openapi.json',
  summary: 'This API as OpenAPI 3.1',
  scope: 'public',
  response: Type.Object({ openapi: Type.String() }, { additionalProperties: true }),
})
export const getDocs = route({
  id: 'system.docs',
  method: 'GET',
  path: '/docs',
  summary: 'This API for reading',
  scope: 'public',
  query: Type.Object({ q: Type.Optional(Type.String({ maxLength: 200, description: 'Words to look for.' })) }),
  response: Type.String({ description: 'An HTML page.' }),
  rawResponse: true,
})
