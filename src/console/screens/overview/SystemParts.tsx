import { IconCheck, IconMinus } from '@tabler/icons-react'
import { getStatus } from '../../../http/contract/status.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { Panel } from '../../parts/Page.tsx'

/** Which parts of the system are on, in short. */
export function SystemParts() {
  const status = useRead(getStatus, {}, { everyMs: 30_000 })
  if (status.data === undefined) return null
  return (
    <Panel title="System" acts={<Go to="/status">Status</Go>}>
      {status.data.parts.map((part) => (
        <div key={part.name} className="part-row small">
          {part.on ? (
            <IconCheck size={13} aria-hidden style={{ alignSelf: 'center' }} />
          ) : (
            <IconMinus size={13} aria-hidden style={{ alignSelf: 'center' }} color="var(--faint)" />
          )}
          <span className={part.on ? 'grow' : 'grow muted'}>{part.name}</span>
          <span className="faint">{part.on ? 'on' : 'off'}</span>
        </div>
      ))}
    </Panel>
  )
}
