import { getEntryExchange } from '../../../http/contract/exchanges.ts'
import { entryHistory, entryOpinions } from '../../../http/contract/banks.ts'
import { usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { EntryLine, type EntryLike } from '../../parts/EntryLine.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { Button } from '@mantine/core'
import { Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'

type Ids = { bankId: string; entryId: string }
const opinionWords: Record<string, string> = {
  seen: 'seen here',
  confirm: 'confirmed',
  dispute: 'disputed',
  share: 'shared',
  confirmed: 'confirmed',
  disputed: 'disputed',
}
const opinionTone = (opinion: string) => (opinion.startsWith('dispute') ? 'attention' : 'plain')

/** By which exchange an entry came, whose it is there, and what was sent back about it. Nothing for our own entries. */
export function EntryExchange(params: Ids) {
  const read = useRead(getEntryExchange, { params }, { everyMs: 30_000 })
  const record = read.data?.record ?? null
  const said = read.data?.opinions ?? []
  if (record === null && said.length === 0) return null
  return (
    <Panel title="Exchange">
      {record === null ? null : (
        <EvidenceList
          facts={[
            [
              'Through',
              <Go key="x" to={path`/banks/exchanges/${record.exchangeId}`}>
                {record.exchangeName}
              </Go>,
            ],
            ['Shared by', record.ownerName ?? record.owner ?? 'not said'],
            ['There', <code key="id">{record.externalId}</code>],
            ['State', record.state],
            ['Tags there', record.tags.join(', ')],
            ['Severity there', record.severity],
            ['First fetched', <RelativeTime key="f" timeMs={record.firstFetchedMs} />],
            ['Last fetched', <RelativeTime key="l" timeMs={record.lastFetchedMs} />],
            ['Also has', record.unsupported.join(', ')],
          ]}
        />
      )}
      {record !== null && record.sent.length === 0 ? (
        <p className="faint small">Nothing was sent back about it.</p>
      ) : null}
      <ul className="row-list small">
        {record?.sent.map((one) => (
          <li key={`${one.opinion}-${one.sentMs}`}>
            We sent: <Badge tone={opinionTone(one.opinion)}>{opinionWords[one.opinion] ?? one.opinion}</Badge>{' '}
            <RelativeTime timeMs={one.sentMs} className="faint" /> <span className="muted">{one.because}</span>
          </li>
        ))}
        {said.map((one) => (
          <li key={`${one.fromId}-${one.atMs}`}>
            {one.fromName} says: <Badge tone={opinionTone(one.opinion)}>{opinionWords[one.opinion]}</Badge>{' '}
            <RelativeTime timeMs={one.atMs} className="faint" /> <span className="muted">{one.because}</span>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

/** Who says that an entry is right or wrong. */
export function EntryOpinions({
  may,
  onGive,
  ...params
}: Ids & { may: boolean; onGive: (act: 'confirm' | 'dispute') => void }) {
  const read = useRead(entryOpinions, { params }, { everyMs: 30_000 })
  const { items = [], teams = [] } = read.data ?? {}
  return (
    <Panel
      title="Opinions"
      acts={
        may ? (
          <>
            <Button size="compact-xs" onClick={() => onGive('confirm')}>
              Confirm
            </Button>
            <Button size="compact-xs" onClick={() => onGive('dispute')}>
              Dispute
            </Button>
          </>
        ) : null
      }
    >
      {items.length === 0 ? (
        <p className="faint small" style={{ margin: 0 }}>
          Nobody has confirmed or disputed it. Staff and partners who know the content say here whether it belongs.
        </p>
      ) : (
        <ul className="row-list small">
          {items.map((one, index) => (
            <li key={index}>
              <Badge tone={opinionTone(one.opinion)}>{opinionWords[one.opinion]}</Badge>{' '}
              <AuthorName author={one.author} /> <RelativeTime timeMs={one.atMs} className="faint" />
              {one.reason === '' ? null : <div className="muted">{one.reason}</div>}
            </li>
          ))}
        </ul>
      )}
      {teams.length === 0 ? null : (
        <ul className="row-list small">
          {teams.map(({ tenantId, name, right, wrong }) => (
            <li key={tenantId}>
              {name} found {countOf(right, 'match', 'matches')} right and {wrong.toLocaleString('en')} wrong
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

/** What was done with an entry, newest first. */
export function EntryHistory(params: Ids) {
  const told = usePages(entryHistory, { params }, { limit: 50, everyMs: 15_000 })
  return (
    <Panel title="History">
      {told.items.length === 0 ? (
        <p className="faint small" style={{ margin: 0 }}>
          {told.first ? 'Reading…' : 'Nothing is kept about it.'}
        </p>
      ) : (
        told.items.map((entry) => <EntryLine key={(entry as EntryLike).id} entry={entry as EntryLike} />)
      )}
      {told.more ? (
        <Button size="compact-xs" onClick={told.loadMore}>
          Show more
        </Button>
      ) : null}
    </Panel>
  )
}
