import { Type, type Static } from 'typebox'
import { route } from './route.ts'

const Count = Type.Integer({ minimum: 0 })

/** A model of the operator, or one that was, and how far it is with the entries of this tenant. */
export const ModelView = Type.Object({
  model: Type.String({ description: 'Name and version, as matches say it.' }),
  signalType: Type.Union([Type.String(), Type.Null()]),
  state: Type.Enum(['making', 'complete', 'failing', 'unusable', 'old'], {
    description:
      'Whether it has looked at every older entry; `old` models are no longer in the folder, and their vectors go once the others are complete.',
  }),
  problem: Type.Optional(Type.String()),
  dimensions: Type.Optional(Count),
  threshold: Type.Optional(Type.Number({ description: 'Cosine distance, where its card says one.' })),
  entries: Type.Integer({ minimum: 0, description: 'Entries with something for it: texts, or photos.' }),
  vectors: Type.Integer({ minimum: 0, description: 'Entries that it has made vectors of.' }),
  none: Type.Integer({ minimum: 0, description: 'Entries that it can make nothing of.' }),
})
export type ModelView = Static<typeof ModelView>

export const listModels = route({
  id: 'match.models',
  method: 'GET',
  path: '/v1/match/models',
  summary: 'Models that make vectors of photos and texts, and how far they are with the bank entries',
  scope: 'match:read',
  response: Type.Object({ items: Type.Array(ModelView) }),
})
