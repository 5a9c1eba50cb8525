import type { Event } from '../domain/event.ts'
import type { Signal } from '../domain/signal.ts'
import type { SubjectKind } from '../domain/subject.ts'

/** Feature values at one event, by the position of the feature in its rule set: before the event and with it. */
export type FeatureValue = number | string | boolean | null
export type FeatureReads = { before: FeatureValue[]; values: FeatureValue[] }

/** Everything that a compiled condition reads. */
export type Scope = {
  event: Event
  occurredAtMs: number
  signals: readonly Signal[]
  features: FeatureReads
  hasLabel: (kind: SubjectKind, id: string, label: string) => boolean
  lists: ReadonlyMap<string, (text: string) => boolean>
  /** Instead of `lists`, while a hit is explained or judged again. */
  inList?: (list: string, text: string) => boolean
  /** Variables of comprehensions, by slot. */
  slots: unknown[]
  /** Set while a condition is traced. */
  recorder?: Recorder
}

/** What a traced evaluation writes down. */
export type Recorder = {
  node: TraceNode
  /** Fields that were read and missing. */
  missing: Set<string>
  /** Operations that had to answer null because a value had another type than they need. */
  mismatched: Set<string>
}

/** One sub-expression: where it stands in the source (offsets, end excluded), what it was, and of what it was made. */
export type TraceNode = {
  start: number
  end: number
  source: string
  /** Absent when it was not needed: the other side of an `&&` or `||` had already decided. */
  value?: unknown
  skipped?: true
  children: TraceNode[]
}
