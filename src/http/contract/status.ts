import { Type } from 'typebox'
import { TimeMs, route } from './route.ts'

export const Part = Type.Object({
  name: Type.String(),
  on: Type.Boolean(),
  how: Type.String({ description: 'Where it is when on; how to switch it on when off.' }),
})

export const getStatus = route({
  id: 'status.get',
  method: 'GET',
  path: '/v1/status',
  summary: 'What runs here: release, optional parts, stream, ledger',
  scope: 'events:read',
  response: Type.Object({
    release: Type.String(),
    startedAtMs: TimeMs,
    nowMs: TimeMs,
    parts: Type.Array(Part),
    stream: Type.Object({
      behindEvents: Type.Integer({ description: 'Events that are stored and not judged yet.' }),
      behindMs: Type.Integer({ description: 'Age of the oldest of them.' }),
      judgedEvents: Type.Integer({ description: 'Since the installation was made.' }),
    }),
    ledger: Type.Object({
      entries: Type.Integer(),
      sealed: Type.Integer(),
      head: Type.Union([Type.String(), Type.Null()]),
    }),
    bankEntries: Type.Integer({ description: 'In the index in memory, of all tenants.' }),
    brokenRules: Type.Array(Type.Object({ ruleId: Type.String(), version: Type.Integer() })),
  }),
})
