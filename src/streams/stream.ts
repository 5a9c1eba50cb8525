import type { Event } from '../domain/event.ts'
import type { Tx } from '../storage/database.ts'

/** Where a reader stands in a partition: everything up to and including it has been read. */
export type Position = { xid: string; position: number }
export const start: Position = { xid: '0', position: 0 }

export type NewStreamEvent = { tenantId: string; event: Event; occurredAtMs: number; late: boolean }
export type StreamEvent = NewStreamEvent & { at: Position; receivedAtMs: number }

export type Appended =
  | { status: 'accepted'; position: number }
  /** The same event is already here. */
  | { status: 'duplicate' }
  /** Another event with this id is already here. */
  | { status: 'conflict' }

/** The right to consume a partition. Its token fences: whoever claimed later makes this claim write nothing. */
export type Claim = { consumer: string; partition: number; token: number; cursor: Position }

/** An ordered, durable log of events, read by consumers that keep their cursor beside their effects. */
export type Stream = {
  partitions: number
  /** Resolves when the events are durable; answers each in order. */
  append: (events: readonly NewStreamEvent[]) => Promise<Appended[]>
  /** Events that were handed to `append` here and are not durable yet: so many wait for their answer. */
  waiting: () => number
  /** Events after a position, in order; never past one that might still be overtaken. */
  read: (partition: number, after: Position, limit: number) => Promise<StreamEvent[]>
  /** Takes a partition over for a consumer; the claim before it is fenced from now on. */
  claim: (consumer: string, partition: number, owner: string) => Promise<Claim>
  /** Moves the cursor in the transaction of the effects. False when the claim was fenced: then nothing may be written. */
  advance: (tx: Tx, claim: Claim, to: Position, events: number) => Promise<boolean>
  /** Calls back soon after events were appended by this program. Answers how to stop. */
  onAppend: (listener: () => void) => () => void
}
