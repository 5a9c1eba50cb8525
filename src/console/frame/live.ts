import { useEffect, useEffectEvent, useSyncExternalStore } from 'react'

/** What the connection to the server's live stream is doing. */
export type LiveState = 'connecting' | 'live' | 'lost' | 'off'
export type LiveMessage = { topic: string; data: unknown }

let state: LiveState = 'off'
let source: EventSource | undefined
const stateListeners = new Set<() => void>()
const handlers = new Set<(message: LiveMessage) => void>()

function setState(next: LiveState) {
  if (state === next) return
  state = next
  for (const listener of stateListeners) listener()
}

function hand(topic: string, event: MessageEvent<string>) {
  let data: unknown
  try {
    data = JSON.parse(event.data)
  } catch {
    return
  }
  for (const handler of handlers) handler({ topic, data })
}

/** Opens the stream once for the whole program; the browser reconnects by itself. */
export function openLive(topics: readonly string[], onReset: () => void): () => void {
  setState('connecting')
  source = new EventSource(`/v1/live?topics=${topics.join(',')}`)
  source.addEventListener('open', () => setState('live'))
  source.addEventListener('error', () => setState(source?.readyState === EventSource.CLOSED ? 'off' : 'lost'))
  // Too much passed while the connection was away: what is on the screen must be read again.
  source.addEventListener('reset', onReset)
  for (const topic of topics) {
    source.addEventListener(topic, (event) => hand(topic, event as MessageEvent<string>))
  }
  return () => {
    source?.close()
    source = undefined
    setState('off')
  }
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      stateListeners.add(listener)
      return () => stateListeners.delete(listener)
    },
    () => state,
  )
}

/** Calls the handler for every live message of these topics while the screen is shown. */
export function useLive(topics: readonly string[], handler: (message: LiveMessage) => void): void {
  const latest = useEffectEvent(handler)
  const wanted = topics.join(' ')
  useEffect(() => {
    const names = new Set(wanted.split(' '))
    const each = (message: LiveMessage) => {
      if (names.has(message.topic)) latest(message)
    }
    handlers.add(each)
    return () => {
      handlers.delete(each)
    }
  }, [wanted])
}
