import type { Demo } from '../../flows/demo.ts'
import { getSim, startSim, stopSim } from '../contract/sim.ts'
import type { Mount } from '../server.ts'

/** Start, stop and status of the simulated platform, per tenant. */
export function simRoutes(mount: Mount, { demo }: { demo: Demo }): void {
  mount(startSim, ({ principal, body }) => demo.start(principal.tenantId, body))
  mount(stopSim, ({ principal }) => demo.stop(principal.tenantId))
  mount(getSim, ({ principal }) => demo.status(principal.tenantId))
}
