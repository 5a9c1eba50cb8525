import { listAudit, type AuditEntry } from '../../../http/contract/audit.ts'
import { queries, usePages } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { path } from '../../frame/url.ts'
import { AuthorName, automationText } from '../../parts/AuthorName.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { entryText } from '../../parts/entry-words.ts'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SignalList } from '../../parts/SignalRow.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The entry among what any list of the ledger has already read. */
function known(entryId: string): AuditEntry | undefined {
  for (const [, data] of queries.getQueriesData<{ pages?: { items?: AuditEntry[] }[] }>({
    queryKey: ['pages', listAudit.id],
  }))
    for (const page of data?.pages ?? []) {
      const found = page.items?.find((entry) => entry.id === entryId)
      if (found !== undefined) return found
    }
  return undefined
}

/** One ledger entry with its reasons, its body and its place in the chain. */
export function EntryDetail({ entryId }: { entryId: string }) {
  // An id of the ledger begins with its time of recording (RFC 9562, version 7), so that its neighbourhood is enough to find it.
  const timeMs = uuid.test(entryId) ? Number.parseInt(entryId.replaceAll('-', '').slice(0, 12), 16) : 0
  const held = known(entryId)
  const around = usePages(
    listAudit,
    { query: { fromMs: Math.max(0, timeMs - 120_000), untilMs: timeMs + 120_000 } },
    { enabled: held === undefined && timeMs > 0, limit: 1_000 },
  )
  const entry = held ?? around.items.find((each) => each.id === entryId)
  if (around.error) return <ErrorState what="Ledger entry" error={around.error} onRetry={around.refetch} />
  if (entry === undefined)
    return around.first ? (
      <SkeletonPage what="entry" />
    ) : (
      <EmptyState title="No ledger entry has this id" why="It may belong to another tenant." />
    )
  const decisionId = (entry.body as { decisionId?: string } | null)?.decisionId
  return (
    <>
      <p style={{ margin: '0 0 12px', fontWeight: 500 }}>{entryText(entry)}</p>
      <EvidenceList
        facts={[
          ['Kind', <code key="k">{entry.kind}</code>],
          ['About', <SubjectChip key="s" subject={entry.subject} />],
          ['By', <AuthorName key="a" author={entry.author} />],
          ['Way', automationText(entry.automation)],
          ['Happened', <RelativeTime key="o" timeMs={entry.occurredAtMs} />],
          ['Recorded', <RelativeTime key="r" timeMs={entry.recordedAtMs} />],
          [
            'Follows from',
            entry.cause === undefined ? undefined : <CopyId key="c" id={entry.cause} label="cause" characters={30} />,
          ],
          [
            'Decision',
            decisionId === undefined ? undefined : (
              <Go key="d" to={path`/decisions/${decisionId}`}>
                Open decision
              </Go>
            ),
          ],
          ['Place in the chain', entry.sequence === undefined ? 'not sealed yet' : `no. ${entry.sequence}`],
          [
            'Hash',
            entry.hash === undefined ? undefined : <CopyId key="h" id={entry.hash} label="hash" characters={30} />,
          ],
          ['Id', <CopyId key="i" id={entry.id} label="entry id" characters={36} />],
        ]}
      />
      {entry.because.length > 0 ? (
        <section className="part">
          <h3>Because</h3>
          <SignalList signals={entry.because as { name: string; value: unknown; because: string }[]} label="Because" />
        </section>
      ) : null}
      <section className="part">
        <h3>Body</h3>
        <pre className="raw" tabIndex={0} aria-label="Body of the entry" style={{ maxHeight: 'none' }}>
          {JSON.stringify(entry.body, null, 2)}
        </pre>
      </section>
    </>
  )
}
