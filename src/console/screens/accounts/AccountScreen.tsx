import { useParams } from '@tanstack/react-router'
import { Go } from '../../frame/Go.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { Page } from '../../parts/Page.tsx'
import { namesFrom, useEventsAbout } from './name.ts'
import { SubjectDetail } from './SubjectDetail.tsx'

/** The dossier of an account, under the name that it has by its newest event. */
export function Screen() {
  const { actorId } = useParams({ strict: false }) as { actorId: string }
  const events = useEventsAbout({ kind: 'actor', id: actorId })
  const { name, handle } = namesFrom(events.items, actorId)
  const title = name ?? (handle === undefined ? actorId : `@${handle}`)
  return (
    <Page
      title={title}
      crumbs={<Go to="/accounts">Accounts</Go>}
      about={
        title === actorId ? undefined : (
          <span className="row wrap" style={{ display: 'inline-flex' }}>
            {name === undefined || handle === undefined ? null : <span dir="auto">@{handle}</span>}
            <CopyId id={actorId} label="account id" characters={24} />
          </span>
        )
      }
      scroll
    >
      <SubjectDetail key={actorId} subject={{ kind: 'actor', id: actorId }} wide />
    </Page>
  )
}
