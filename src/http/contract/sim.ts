import { Type, type Static } from 'typebox'
import { TimeMs, route } from './route.ts'

export const SimStatus = Type.Object({
  state: Type.Union(
    [
      Type.Literal('off'),
      Type.Literal('preparing'),
      Type.Literal('backfilling'),
      Type.Literal('live'),
      Type.Literal('stopping'),
      Type.Literal('ended'),
      Type.Literal('failed'),
    ],
    { description: '`backfilling` sends the past as fast as it goes; `live` sends the present at its pace.' },
  ),
  seed: Type.Optional(Type.Integer()),
  actors: Type.Optional(Type.Integer()),
  speed: Type.Optional(Type.Number({ description: 'Simulated seconds in a second.' })),
  startedAtMs: Type.Optional(TimeMs),
  simulatedMs: Type.Optional(TimeMs),
  sent: Type.Integer(),
  refused: Type.Integer(),
  appealsFiled: Type.Integer({ description: 'By the simulated people who were affected.' }),
  reviewed: Type.Integer({ description: 'Jobs decided by demo reviewers, whose names say that they are simulated.' }),
  problem: Type.Optional(Type.String()),
})
export type SimStatus = Static<typeof SimStatus>

export const startSim = route({
  id: 'sim.start',
  method: 'POST',
  path: '/v1/sim/start',
  summary: 'Start the simulated platform',
  description: 'Banks what its trust team knows, publishes the reference rules if there are none, then sends events.',
  scope: 'sim:write',
  body: Type.Object({
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffff_ffff })),
    actors: Type.Optional(Type.Integer({ minimum: 50, maximum: 50_000 })),
    speed: Type.Optional(Type.Number({ minimum: 1, maximum: 1_000 })),
  }),
  response: SimStatus,
  status: 202,
})

export const stopSim = route({
  id: 'sim.stop',
  method: 'POST',
  path: '/v1/sim/stop',
  summary: 'Stop the simulated platform; what it sent stays',
  scope: 'sim:write',
  response: SimStatus,
})

export const getSim = route({
  id: 'sim.get',
  method: 'GET',
  path: '/v1/sim',
  summary: 'What the simulated platform is doing',
  scope: 'insight:read',
  response: SimStatus,
})
