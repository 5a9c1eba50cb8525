import { useParams } from '@tanstack/react-router'
import { Go } from '../../frame/Go.tsx'
import { Page } from '../../parts/Page.tsx'
import { SubjectDetail } from './SubjectDetail.tsx'

/** The dossier of an account. */
export function Screen() {
  const { actorId } = useParams({ strict: false }) as { actorId: string }
  return (
    <Page
      title={actorId}
      crumbs={<Go to="/accounts">Accounts</Go>}

      scroll
    >
      <SubjectDetail key={actorId} subject={{ kind: 'actor', id: actorId }} wide />
    </Page>
  )
}
