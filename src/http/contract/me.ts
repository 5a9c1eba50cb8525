import { Type } from 'typebox'
import { route } from './route.ts'

const Html = Type.String({ description: 'An HTML page.' })
const Token = Type.String({ maxLength: 1_000, description: 'From the link that the platform minted.' })
const LanguageQuery = Type.Object({
  lang: Type.Optional(Type.String({ maxLength: 35, description: 'Else Accept-Language decides.' })),
  done: Type.Optional(Type.String({ maxLength: 10 })),
})
const DecisionParams = Type.Object({ token: Token, decisionId: Type.String({ maxLength: 256 }) })
const page = { scope: 'public', response: Html, rawResponse: true } as const

export const accountPage = route({
  id: 'me.account',
  method: 'GET',
  path: '/me/:token',
  summary: "A person's own account: limits and decisions",
  params: Type.Object({ token: Token }),
  query: LanguageQuery,
  ...page,
})
export const decisionPage = route({
  id: 'me.decision',
  method: 'GET',
  path: '/me/:token/decisions/:decisionId',
  summary: 'What was decided about a person, why, and what they can do',
  params: DecisionParams,
  query: LanguageQuery,
  ...page,
})
export const appealPage = route({
  id: 'me.appeal',
  method: 'GET',
  path: '/me/:token/decisions/:decisionId/appeal',
  summary: 'The form for an appeal',
  params: DecisionParams,
  query: LanguageQuery,
  ...page,
})
export const appealForm = route({
  id: 'me.appealForm',
  method: 'POST',
  path: '/me/:token/decisions/:decisionId/appeal',
  summary: 'Takes the form of the appeal page',
  params: DecisionParams,
  query: LanguageQuery,
  rawBody: true,
  bodyBytesMax: 256 * 1024,
  ...page,
})
