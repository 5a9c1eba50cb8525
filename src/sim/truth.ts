import type { Event } from '../domain/event.ts'
import type { PictureStyle } from '../kernels/picture.ts'

/** What the simulator knows to be wrong. The ids are those of the reference policy. */
export const simViolations = ['scam', 'spam', 'harassment', 'hate', 'account_compromise', 'egregious_media'] as const
export type SimViolation = (typeof simViolations)[number]

/** What an account really is. Detectors never see it. */
export const actorRoles = [
  'person',
  'enthusiast',
  'scammer',
  'spammer',
  'raider',
  'hater',
  'peddler',
  'compromised',
  'malicious_reporter',
] as const
export type ActorRole = (typeof actorRoles)[number]

/** The truth about one event, kept apart from the event: no detector may read it. */
export type Truth = {
  eventId: string
  actorId: string
  itemId?: string
  role: ActorRole
  violating: boolean
  /** Set exactly when `violating`. */
  violation?: SimViolation
  /** Accounts that one operator runs. */
  ring?: string
  /** Why this event is interesting: `mistaken report`, `near miss: new enthusiast`, … */
  note?: string
}

/** A picture that can be painted again from these numbers alone. */
export type PhotoSpec = {
  seed: number
  style: PictureStyle
  /** What a sharer did to the original; absent for the original. */
  change?: { cropShare: number; scale: number; brightness: number; contrast: number }
  /** JPEG quality, 1 to 100. */
  quality: number
}

/** One simulated event. Its media have no source yet: `photos` says, in order, what each of them shows. */
export type Simulated = { event: Event; truth: Truth; photos: readonly PhotoSpec[] }
