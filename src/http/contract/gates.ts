import { Type, type Static } from 'typebox'
import { route, TimeMs } from './route.ts'

const Id = Type.String({ minLength: 1, maxLength: 256 })

export const GateAnswer = Type.Object({
  answer: Type.Union([Type.Literal('allow'), Type.Literal('limit'), Type.Literal('challenge'), Type.Literal('deny')]),
  reason: Type.Optional(Type.String()),
  untilMs: Type.Optional(TimeMs),
  gateId: Type.Optional(Type.String()),
  consequenceId: Type.Optional(Type.String()),
  failSafe: Type.Optional(
    Type.Boolean({ description: 'Standing could not be read; the policy says what to answer for this feature then.' }),
  ),
})
export type GateAnswer = Static<typeof GateAnswer>

export const checkGate = route({
  id: 'gates.check',
  method: 'POST',
  path: '/v1/gates/check',
  summary: 'May this actor use this feature now?',
  scope: 'gates:read',
  body: Type.Object(
    {
      actor: Id,
      feature: Type.String({ minLength: 1, maxLength: 64 }),
      context: Type.String({ minLength: 1, maxLength: 64 }),
    },
    { additionalProperties: false },
  ),
  response: GateAnswer,
})

export const openGate = route({
  id: 'gates.open',
  method: 'POST',
  path: '/v1/gates/open',
  summary: 'Open a limit before its time',
  description: 'For limits that are no consequence of a decision; those end with the decision.',
  scope: 'decisions:write',
  body: Type.Object(
    {
      actor: Id,
      gateId: Type.String({ minLength: 1, maxLength: 600 }),
      reason: Type.String({ minLength: 1, maxLength: 2_000 }),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({ opened: Type.Boolean() }),
})
