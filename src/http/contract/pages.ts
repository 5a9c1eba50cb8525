import { Type } from 'typebox'
import { route } from './route.ts'

const Html = Type.String({ description: 'An HTML page.' })

export const signInPage = route({
  id: 'pages.signIn',
  method: 'GET',
  path: '/sign-in',
  summary: 'The sign-in page',
  description: 'With a token it asks for a confirmation, so that a preview of the link does not use it up.',
  scope: 'public',
  query: Type.Object({ token: Type.Optional(Type.String({ maxLength: 200 })) }),
  response: Html,
  rawResponse: true,
})
export const signInForm = route({
  id: 'pages.signInForm',
  method: 'POST',
  path: '/sign-in',
  summary: 'Takes the form of the sign-in page',
  scope: 'public',
  response: Html,
  rawBody: true,
  rawResponse: true,
})
export const signOutForm = route({
  id: 'pages.signOutForm',
  method: 'POST',
  path: '/sign-out',
  summary: 'Signs out and goes to the sign-in page',
  scope: 'public',
  response: Html,
  rawBody: true,
  rawResponse: true,
})
