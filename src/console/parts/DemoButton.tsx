import { Button } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import { getSim, startSim } from '../../http/contract/sim.ts'
import { useChange, useRead } from '../api.ts'
import { useMay } from '../frame/session.tsx'

/** Starts the simulated platform, so that every screen has living data within a minute. */
export function DemoButton({ large = false }: { large?: boolean }) {
  const may = useMay('sim:write')
  const sim = useRead(getSim, {}, { everyMs: 2_000 })
  const start = useChange(startSim, {
    touches: ['sim', 'insight', 'events'],
    done: 'The simulated platform is starting; screens fill within a minute',
  })
  const state = sim.data?.state ?? 'off'
  const running = ['preparing', 'backfilling', 'live', 'stopping'].includes(state)
  if (running)
    return (
      <span role="status" className="muted">
        {state === 'preparing'
          ? 'The demo is getting ready: banking what it knows, publishing its rules…'
          : `The demo runs: ${(sim.data?.sent ?? 0).toLocaleString('en')} events sent`}
      </span>
    )
  if (!may) return <span className="muted small">An engineer or administrator can start the demo.</span>
  return (
    <Button
      variant="filled"
      size={large ? 'md' : 'xs'}
      leftSection={<IconPlayerPlay size={large ? 18 : 14} aria-hidden />}
      loading={start.isPending}
      onClick={() => start.mutate({ body: {} })}
    >
      Start the demo
    </Button>
  )
}
