import { listDecisions } from '../../../http/contract/decisions.ts'
import { usePages } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { path } from '../../frame/url.ts'
import { DecisionStatus } from '../../parts/DecisionStatus.tsx'
import { violationText } from '../../parts/entry-words.ts'
import { Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'

/** The decisions that rest on a bank entry, and whether they stood. */
export function EntryMatches({ entryId }: { entryId: string }) {
  const decisions = usePages(listDecisions, { query: { bankEntry: entryId } }, { limit: 50 })
  return (
    <Panel
      title="Decisions that rest on it"
      acts={
        <Go to="/decisions" search={{ bankEntry: entryId }}>
          All of them
        </Go>
      }
      flush
    >
      {decisions.items.length === 0 ? (
        <p className="faint small" style={{ margin: 0, padding: 12 }}>
          {decisions.first ? 'Reading…' : 'No decision rests on it.'}
        </p>
      ) : (
        <div className="table-scroll">
          <table className="plain-table">
            <thead>
              <tr>
                <th>Violation</th>
                <th>Account</th>
                <th>State</th>
                <th className="num">Made</th>
              </tr>
            </thead>
            <tbody>
              {decisions.items.map((decision) => (
                <tr key={decision.decisionId}>
                  <td>
                    <Go to={path`/decisions/${decision.decisionId}`}>{violationText(decision.violation)}</Go>
                  </td>
                  <td>
                    <SubjectChip subject={{ kind: 'actor', id: decision.actorId }} />
                  </td>
                  <td>
                    <DecisionStatus status={decision.status} />
                  </td>
                  <td className="num muted small">
                    <RelativeTime timeMs={decision.madeMs} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}
