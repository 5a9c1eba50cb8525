import { useSignalTypes, type Near } from './signal-types.ts'

/** What a signal type is called. */
export function SignalTitle({ name }: { name: string }) {
  return useSignalTypes().title(name)
}

/** How near a match is, in words with the threshold. */
export function NearText({ match }: { match: Near }) {
  return <span className="clip">{useSignalTypes().near(match)}</span>
}
