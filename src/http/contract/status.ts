import { Type, type Static } from 'typebox'
import { route, TimeMs } from './route.ts'

export const PartSchema = Type.Object({
  name: Type.String(),
  on: Type.Boolean(),
  how: Type.String({ description: 'What it does while on, or how to switch it on.' }),
})

export const StatusView = Type.Object({
  version: Type.String(),
  startedMs: TimeMs,
  nowMs: TimeMs,
  parts: Type.Array(PartSchema, { description: 'Optional parts, as printed on the terminal at the start.' }),
})
export type StatusView = Static<typeof StatusView>

export const getStatus = route({
  id: 'status.get',
  method: 'GET',
  path: '/v1/status',
  summary: 'Version, time of start, and which optional parts are on',
  scope: 'staff',
  response: StatusView,
})
