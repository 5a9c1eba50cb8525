import { SegmentedControl } from '@mantine/core'
import { IconStack2 } from '@tabler/icons-react'
import { getEvent } from '../../../http/contract/events.ts'
import type { ResponseOf } from '../../../http/contract/route.ts'
import { listClusters } from '../../../http/contract/retro.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf, exactText, spanText, useNow } from '../../frame/time.ts'
import { useUrl } from '../../frame/url.ts'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { MatchTabs } from './MatchTabs.tsx'
import { PdqPicture } from './PdqPicture.tsx'
import '../banks/banks.css'

type Cluster = ResponseOf<typeof listClusters>['clusters'][number]
const dayMs = 86_400_000
const periods: Record<string, { days: number; words: string }> = {
  day: { days: 1, words: 'Day' },
  week: { days: 7, words: 'Week' },
  month: { days: 30, words: 'Month' },
}
const types: Record<string, { words: string; many: string }> = {
  pdq: { words: 'Photos', many: 'photos' },
  'text-near': { words: 'Texts', many: 'texts' },
}
const tilePx = 200
/** So that the address asked for stays the same while somebody reads. */
const stepMs = 600_000

/** The biggest groups of near-identical content that passed, without any bank. */
export function Screen() {
  const url = useUrl()
  const now = useNow()
  const period = periods[url.search['period'] ?? 'week'] === undefined ? 'week' : (url.search['period'] ?? 'week')
  const type = types[url.search['type'] ?? 'pdq'] === undefined ? 'pdq' : (url.search['type'] ?? 'pdq')
  const sinceMs = Math.floor(now / stepMs) * stepMs - periods[period]!.days * dayMs
  const read = useRead(listClusters, { query: { type, sinceMs, limit: 60 } }, { keep: true, staleMs: 60_000 })
  const clusters = read.data?.clusters ?? []
  return (
    <Page
      title="Match"
      about="the same thing again and again, whether a bank knows it or not"
      filters={
        <>
          <MatchTabs />
          <span className="grow" />
          <SegmentedControl
            aria-label="What is grouped"
            value={type}
            onChange={(value) => url.set({ type: value === 'pdq' ? undefined : value })}
            data={Object.entries(types).map(([value, { words }]) => ({ value, label: words }))}
          />
          <SegmentedControl
            aria-label="Period"
            value={period}
            onChange={(value) => url.set({ period: value === 'week' ? undefined : value })}
            data={Object.entries(periods).map(([value, { words }]) => ({ value, label: words }))}
          />
        </>
      }
      scroll
    >
      {read.data === undefined ? (
        read.error ? (
          <ErrorState what="Clusters" error={read.error} onRetry={() => void read.refetch()} />
        ) : (
          <SkeletonRows what="clusters" />
        )
      ) : clusters.length === 0 ? (
        <EmptyState
          icon={<IconStack2 size={20} aria-hidden />}
          title={`No group of near-identical ${types[type]!.many} in this period`}
          why="What passes is kept as hashes for a while. When the same or nearly the same comes more than once, it appears here, biggest group first: spam waves and copied posts show before anybody has banked them."
        >
          <DemoButton />
        </EmptyState>
      ) : (
        <>
          <p className="faint small" style={{ margin: '4px 0 8px' }}>
            The {clusters.length === 1 ? 'only group' : `${clusters.length} biggest groups`} since{' '}
            {exactText(Math.max(read.data.sinceMs, read.data.knownSinceMs))}
          </p>
          <ol className="clusters">
            {clusters.map((cluster) => (
              <li key={cluster.signal}>
                <ClusterTile cluster={cluster} type={type} />
              </li>
            ))}
          </ol>
        </>
      )}
    </Page>
  )
}

function ClusterTile({ cluster, type }: { cluster: Cluster; type: string }) {
  const first = cluster.sample[0]
  const event = useRead(
    getEvent,
    { params: { eventId: first?.eventId ?? '' } },
    { enabled: first !== undefined, staleMs: Infinity },
  )
  const item = event.data?.stored.event.item
  const [kind, index = '0'] = (first?.part ?? 'photo:0').split(':')
  const media = kind === 'text' ? undefined : item?.media?.[Number(index)]
  const actors = new Set(cluster.sample.map(({ actorId }) => actorId)).size
  const search = { type, signal: cluster.signal }
  return (
    <div className="cluster">
      {media?.upload !== undefined ? (
        <span className="cluster-pile">
          <MediaTile media={media} sizePx={tilePx} />
        </span>
      ) : type === 'pdq' ? (
        <span className="cluster-hash">
          <PdqPicture pdq={cluster.signal} label="PDQ hash of the group; its pictures are not kept" />
        </span>
      ) : (
        <Go to="/match/similar" search={search} className="bank-text cluster-words">
          {item?.text ?? 'Its words are not kept.'}
        </Go>
      )}
      <Go to="/match/similar" search={search} className="cluster-count">
        {countOf(cluster.parts, type === 'pdq' ? 'photo' : 'text')}
      </Go>
      <span className="small muted">
        {cluster.signals === 1 ? 'one hash' : `${cluster.signals.toLocaleString('en')} hashes`}
        {actors > 1 ? ', several accounts' : ''}
      </span>
      <span className="small faint">
        <RelativeTime timeMs={cluster.lastMs} />
        {cluster.lastMs > cluster.firstMs ? `, over ${spanText(cluster.lastMs - cluster.firstMs)}` : ''}
      </span>
    </div>
  )
}
