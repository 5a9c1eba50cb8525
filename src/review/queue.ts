import { InputError, quote } from '../domain/error.ts'
import { scopes, type Scope } from '../domain/staff.ts'

export type Queue = {
  queue: string
  title: string
  /** Scope that a person must hold, besides review:write, to be given its jobs. */
  needs: Scope
  /** Time within which a job should be decided; the clock of a job that brings none of its own. */
  slaMs?: number
  /** Jobs with less time left than this go before all others, whatever their priority. */
  rushMs: number
}

const hourMs = 3_600_000

/** Where escalated jobs go. */
export const seniorQueue = 'senior'

/** Queues that every tenant has; each can be changed, and more can be added. */
export const defaultQueues: readonly Queue[] = [
  { queue: 'egregious', title: 'Egregious harm', needs: 'review:write', slaMs: hourMs, rushMs: hourMs / 2 },
  { queue: 'appeals', title: 'Appeals', needs: 'appeals:write', slaMs: 7 * 24 * hourMs, rushMs: 24 * hourMs },
  { queue: 'default', title: 'General', needs: 'review:write', slaMs: 24 * hourMs, rushMs: 2 * hourMs },
  { queue: 'remedy', title: 'Remedies to confirm', needs: 'decisions:write', slaMs: 24 * hourMs, rushMs: 2 * hourMs },
  { queue: seniorQueue, title: 'Escalated', needs: 'decisions:write', slaMs: 8 * hourMs, rushMs: hourMs },
]

/** The settings of a queue, also of one that nobody configured: rules may name queues freely. */
export function queueOf(configured: readonly Queue[], name: string): Queue {
  return (
    configured.find((queue) => queue.queue === name) ??
    defaultQueues.find((queue) => queue.queue === name) ?? {
      queue: name,
      title: name,
      needs: 'review:write',
      slaMs: 24 * hourMs,
      rushMs: 2 * hourMs,
    }
  )
}

/** Checks the settings of a queue from outside. Throws an InputError that names every bad field. */
export function checkQueue(queue: Queue): Queue {
  const problems = []
  if (!/^[a-z][a-z0-9_-]{0,63}$/.test(queue.queue))
    problems.push({ field: 'queue', problem: 'must be lower case letters, digits, - and _', value: quote(queue.queue) })
  if (!scopes.includes(queue.needs))
    problems.push({ field: 'needs', problem: 'is not a scope', value: quote(queue.needs), limit: scopes.join(', ') })
  if (queue.slaMs !== undefined && queue.rushMs > queue.slaMs)
    problems.push({
      field: 'rushMs',
      problem: 'must not be longer than slaMs',
      value: quote(queue.rushMs),
      limit: queue.slaMs,
    })
  if (problems.length > 0) throw new InputError(`Cannot set queue ${quote(queue.queue)}`, problems)
  return queue
}
