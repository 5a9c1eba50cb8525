import { Button } from '@mantine/core'
import { getSim, stopSim } from '../../http/contract/sim.ts'
import { useChange, useRead } from '../api.ts'
import { useMay } from '../frame/session.tsx'
import { countText } from '../frame/time.ts'
import { Badge } from './Badge.tsx'

/** Says on every screen that what is shown comes from a simulation, while it does. */
export function SimStrip() {
  const may = useMay('sim:write')
  const sim = useRead(getSim, {}, { everyMs: 5_000 })
  const stop = useChange(stopSim, { touches: ['sim'], done: 'The simulated platform stops; what it sent stays' })
  const state = sim.data?.state
  if (state === undefined || state === 'off' || state === 'ended') return null
  return (
    <span className="row sim-strip" role="status">
      <Badge
        tone={state === 'failed' ? 'attention' : 'plain'}
        title={sim.data?.problem ?? 'These accounts and events are simulated'}
      >
        {state === 'failed' ? 'demo failed' : `demo ${state}`} · {countText(sim.data?.sent ?? 0)} events
      </Badge>
      {may && state !== 'stopping' && state !== 'failed' ? (
        <Button size="compact-xs" variant="subtle" loading={stop.isPending} onClick={() => stop.mutate({})}>
          Stop demo
        </Button>
      ) : null}
    </span>
  )
}
