import { Button } from '@mantine/core'
import { createSubjectLink } from '../../../http/contract/access.ts'
import { useChange } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import { Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { Secret } from '../../parts/Secret.tsx'

/** Makes the link by which the person sees their own page: what was decided about them, and how to appeal. */
export function SubjectLink({ actorId }: { actorId: string }) {
  const may = useMay('links:write')
  const make = useChange(createSubjectLink, { touches: [] })
  if (!may) return null
  return (
    <Panel title="What the person sees">
      {make.data === undefined ? (
        <>
          <p className="small muted" style={{ margin: '0 0 8px' }}>
            Their own page says what was decided, why, and how to appeal. Whoever has the link sees it.
          </p>
          <Button loading={make.isPending} onClick={() => make.mutate({ body: { actorId, ttlS: 86_400 } })}>
            Make link for a day
          </Button>
        </>
      ) : (
        <>
          <Secret text={location.origin + make.data.path} label="link of the person" />
          <p className="small muted" style={{ margin: '8px 0 0' }}>
            Ends <RelativeTime timeMs={make.data.expiresMs} />.{' '}
            <a href={make.data.path} target="_blank" rel="noreferrer">
              Open it
            </a>
          </p>
        </>
      )}
    </Panel>
  )
}
