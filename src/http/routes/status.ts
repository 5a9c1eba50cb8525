import type { Clock } from '../../domain/ids.ts'
import { getStatus } from '../contract/status.ts'
import type { Mount } from '../server.ts'

export type StatusDeps = {
  version: string
  startedMs: number
  clock: Clock
  /** Asked each time: a part may come or go while the program runs. */
  parts: () => { name: string; on: boolean; how: string }[]
}

/** What the status page shows about this process. */
export function statusRoutes(mount: Mount, deps: StatusDeps): void {
  mount(getStatus, () => ({
    version: deps.version,
    startedMs: deps.startedMs,
    nowMs: deps.clock(),
    parts: deps.parts().map(({ name, on, how }) => ({ name, on, how })),
  }))
}
