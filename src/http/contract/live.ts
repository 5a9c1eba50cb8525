import { Type } from 'typebox'
import type { Scope } from '../../domain/staff.ts'
import { route } from './route.ts'

export const liveTopics = ['events', 'decisions', 'jobs', 'appeals', 'banks', 'rules', 'stats'] as const
export type LiveTopic = (typeof liveTopics)[number]

/** What a person must hold to listen to a topic. */
export const liveTopicScopes = {
  events: 'events:read',
  decisions: 'decisions:read',
  jobs: 'review:read',
  appeals: 'appeals:read',
  banks: 'banks:read',
  rules: 'rules:read',
  stats: 'insight:read',
} satisfies Record<LiveTopic, Scope>

export const streamLive = route({
  id: 'live.stream',
  method: 'GET',
  path: '/v1/live',
  summary: 'What changes, as server-sent events',
  description:
    'Each event has the topic as its type and JSON as its data. After a break the browser resumes by Last-Event-ID; when too much has passed, an event "reset" says that the screen must load again. "skipped" in the data counts messages left out because there were too many to follow.',
  scope: 'staff',
  query: Type.Object({
    topics: Type.String({
      minLength: 1,
      maxLength: 200,
      description: `Separated by commas: ${liveTopics.join(', ')}.`,
    }),
  }),
  response: Type.String({ description: 'text/event-stream' }),
  rawResponse: true,
})
