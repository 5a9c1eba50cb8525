import { useEffect } from 'react'
import { liveTopics, liveTopicScopes, type LiveTopic } from '../../http/contract/live.ts'
import { forgetResources, queries } from '../api.ts'
import { openLive, useLive } from './live.ts'
import { useSession } from './session.tsx'

/** What is read anew when something of a topic happened. Only what is on the screen is fetched. */
const resources = {
  events: ['events'],
  decisions: ['decisions', 'subjects', 'insight'],
  jobs: ['queues', 'jobs', 'review'],
  appeals: ['appeals', 'insight'],
  banks: ['banks'],
  rules: ['rules'],
  stats: ['insight'],
} satisfies Record<LiveTopic, string[]>

/** However much happens, each resource is read at most this often. */
const refreshMsMin = 1_500

/** Opens the live stream for what this person may see, and refreshes the screens by it. */
export function useLiveRefresh(): void {
  const { scopes } = useSession()
  const topics = liveTopics.filter((topic) => scopes.includes(liveTopicScopes[topic])).join(',')
  useEffect(
    () => (topics === '' ? undefined : openLive(topics.split(','), () => void queries.invalidateQueries())),
    [topics],
  )
  useLive(liveTopics, ({ topic }) => refreshSoon(topic as LiveTopic))
}

const waiting = new Map<LiveTopic, ReturnType<typeof setTimeout>>()

function refreshSoon(topic: LiveTopic) {
  if (waiting.has(topic)) return
  waiting.set(
    topic,
    setTimeout(() => {
      waiting.delete(topic)
      if (document.visibilityState === 'visible') void forgetResources(...resources[topic])
    }, refreshMsMin),
  )
}
