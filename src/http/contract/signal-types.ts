import { Type, type Static } from 'typebox'
import { route } from './route.ts'

export const SignalTypeInfo = Type.Object({
  name: Type.String({ description: 'Key in the signals of entries and in the thresholds of banks.' }),
  title: Type.String(),
  about: Type.String({ description: 'What it finds again, and what it does not.' }),
  version: Type.String({ description: 'Algorithm and version.' }),
  media: Type.Array(
    Type.Union([
      Type.Literal('photo'),
      Type.Literal('video'),
      Type.Literal('audio'),
      Type.Literal('text'),
      Type.Literal('link'),
    ]),
    { description: 'What it is made of.' },
  ),
  threshold: Type.Number({ description: 'Largest distance that matches, unless a bank says otherwise.' }),
  thresholdMax: Type.Number({ description: 'Largest that a bank may ask for.' }),
  thresholdStep: Type.Number(),
  scale: Type.Union(
    [
      Type.Object({
        zero: Type.Number(),
        perDistance: Type.Number(),
        decimals: Type.Integer(),
        unit: Type.String(),
        nearer: Type.Union([Type.Literal('lower'), Type.Literal('higher')]),
      }),
      Type.Null(),
    ],
    {
      description:
        'A distance as people read it: `zero + distance * perDistance` to so many decimals, before the unit, and which way is nearer. Null where things are the same or not.',
    },
  ),
  finds: Type.Array(Type.Object({ upTo: Type.Number(), what: Type.String() }), {
    description: 'What thresholds up to each distance let in, the nearest first.',
  }),
})
export type SignalTypeInfo = Static<typeof SignalTypeInfo>

export const listSignalTypes = route({
  id: 'match.signalTypes',
  method: 'GET',
  path: '/v1/match/signal-types',
  summary: 'The ways in which content is recognised, and what their distances mean',
  description: 'In the order in which a match of the same entry and part is preferred.',
  scope: 'match:read',
  response: Type.Object({ items: Type.Array(SignalTypeInfo) }),
})
