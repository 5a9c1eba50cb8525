import { Button } from '@mantine/core'
import { IconArrowsLeftRight } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { getBankEntry } from '../../../http/contract/banks.ts'
import { judgePair, listClassifiers, listPairs, type MatchPair } from '../../../http/contract/classifiers.ts'
import { listEvents } from '../../../http/contract/events.ts'
import { prefetch, useChange, usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { path } from '../../frame/url.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { useHeldKey } from '../../parts/held-key.ts'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { MarkedText } from '../../parts/MarkedText.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { ValueBar } from '../../parts/ValueBar.tsx'
import { kindOfSignals } from '../../parts/media-kind.ts'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { PairCounts } from './ClassifiersScreen.tsx'
import { MatchTabs } from './MatchTabs.tsx'
import { PdqPicture } from './PdqPicture.tsx'

const tilePx = 400
const ahead = 2
const mediaShownMax = 4

/** Pairs of content and known content, one after the other: the same or not, by one key each. */
export function Screen() {
  const types = useSignalTypes()
  const may = useMay('review:write')
  const known = useQueryClient()
  const pairs = usePages(listPairs, { query: {} }, { limit: 50 })
  const counts = useRead(listClassifiers, {}, { staleMs: 10_000 })
  const [judged, setJudged] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [at, setAt] = useState(0)
  const pair = pairs.items[at]
  const judge = useChange(judgePair, { touches: ['classifiers'] })
  const { loadMore } = pairs
  const nearEnd = at >= pairs.items.length - 5
  useEffect(() => {
    if (nearEnd) loadMore()
    // Asked once each time the end comes near.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [nearEnd, at])
  useEffect(() => {
    for (const next of pairs.items.slice(at + 1, at + 1 + ahead)) {
      prefetch(getBankEntry, { params: { bankId: next.bankId, entryId: next.entryId } })
      if (next.itemId !== null) prefetch(listEvents, { query: { itemId: next.itemId, limit: 1 } })
    }
  }, [at, pairs.items])
  const say = (same: boolean) => {
    if (pair === undefined) return
    setJudged((before) => new Map(before).set(pair.pairId, same))
    judge.mutate({ params: { pairId: pair.pairId }, body: { same } })
    setAt(at + 1)
  }
  const next = () => setAt(Math.min(pairs.items.length, at + 1))
  const before = () => setAt(Math.max(0, at - 1))
  const again = () => {
    setAt(0)
    setJudged(new Map())
    void known.resetQueries({ queryKey: ['pages', listPairs.id] })
  }
  const held = useHeldKey('r')
  useKeys('Judge pairs', [
    { keys: 'r', does: 'See both, for as long as it is held', run: () => {} },
    ...(may && pair !== undefined
      ? [
          { keys: 's', does: 'The same content', run: () => say(true) },
          { keys: 'd', does: 'Different content', run: () => say(false) },
        ]
      : []),
    { keys: 'n', does: 'Next pair without an answer', run: next },
    { keys: 'ArrowRight', does: 'Next pair without an answer', run: next },
    { keys: 'b', does: 'Back to the pair before', run: before },
    { keys: 'ArrowLeft', does: 'Back to the pair before', run: before },
  ])
  const page = (children: React.ReactNode, acts?: React.ReactNode) => (
    <Page
      title="Match"
      about="is this the same content? Every answer teaches the classifiers"
      acts={acts}
      filters={<MatchTabs />}
      scroll
    >
      {children}
    </Page>
  )
  if (pairs.first) return page(<SkeletonRows what="pairs" />)
  if (pairs.error && pairs.items.length === 0)
    return page(<ErrorState what="Pairs" error={pairs.error} onRetry={pairs.refetch} />)
  if (pair === undefined)
    return page(
      <EmptyState
        icon={<IconArrowsLeftRight size={20} aria-hidden />}
        title={judged.size > 0 ? `${judged.size} judged, no pair left` : 'No pair waits'}
        why="When a match makes a proposal, content and bank entry come here to be compared. Judging some of them, easy and hard ones, is what similarity classifiers learn from."
      >
        {judged.size > 0 || at > 0 ? <Button onClick={again}>Look again</Button> : null}
        <Go to="/match/classifiers">See the classifiers</Go>
      </EmptyState>,
    )
  const said = judged.get(pair.pairId)
  return page(
    <div className="columns">
      <div>
        <Pair key={pair.pairId} pair={pair} held={held} />
        <div className="judge" role="group" aria-label="Answer">
          <Button size="sm" onClick={before} disabled={at === 0}>
            Back <KeyHint keys="b" />
          </Button>
          <span className="grow" />
          {may ? (
            <>
              <Button size="sm" variant={said === false ? 'light' : 'default'} onClick={() => say(false)}>
                Different <KeyHint keys="d" />
              </Button>
              <Button size="sm" variant="filled" onClick={() => say(true)}>
                The same <KeyHint keys="s" />
              </Button>
            </>
          ) : (
            <span className="muted small">Your role may look but not answer.</span>
          )}
          <span className="grow" />
          <Button size="sm" onClick={next}>
            Next <KeyHint keys="n" />
          </Button>
        </div>
        <p className="small muted" role="status" style={{ margin: 0, textAlign: 'center' }}>
          Hold <KeyHint keys="r" /> to see both · pair {at + 1}
          {judged.size > 0 ? `, ${judged.size} judged` : ''}
          {said === undefined ? '' : `; you said: ${said ? 'the same' : 'different'}`}
        </p>
      </div>
      <div>
        <Panel title="How alike, signal by signal">
          <dl className="features">
            {Object.entries(pair.features).map(([name, value]) => (
              <div key={name}>
                <dt>{types.title(name)}</dt>
                <dd>
                  <ValueBar value={value} share />
                </dd>
              </div>
            ))}
          </dl>
          <p className="faint small" style={{ margin: '8px 0 0' }}>
            Look first, then at these numbers: what you see is what is learnt.
          </p>
        </Panel>
        {counts.data === undefined ? null : (
          <Panel title="What there is to learn from">
            <PairCounts {...counts.data.pairs} />
          </Panel>
        )}
      </div>
    </div>,
  )
}

function Pair({ pair, held }: { pair: MatchPair; held: boolean }) {
  const mayEvents = useMay('events:read')
  const events = useRead(
    listEvents,
    { query: { itemId: pair.itemId ?? '', limit: 1 } },
    { enabled: pair.itemId !== null && mayEvents, staleMs: 60_000 },
  )
  const read = useRead(
    getBankEntry,
    { params: { bankId: pair.bankId, entryId: pair.entryId } },
    { enabled: useMay('banks:read'), staleMs: 60_000 },
  )
  const stored = events.data?.items[0]
  const item = stored?.event.item
  const kind = pair.part.split(':')[0]!
  // A pair names the kind of part: where an item has several, each may be the one that is like the entry.
  const media = (item?.media ?? []).filter((one) => one.kind === kind).slice(0, mediaShownMax)
  const entry = read.data
  return (
    <Panel>
      <div className="match-sides pair-sides">
        <section>
          <h3>This content</h3>
          {kind === 'text' || (media.length === 0 && item?.text !== undefined) ? (
            <MarkedText text={item?.text ?? ''} language={item?.language} />
          ) : media.length === 0 ? (
            <p className="muted small">
              {events.isLoading ? (
                'Reading…'
              ) : (
                <>
                  It is not kept, so nobody can see here whether it is the same. Skip the pair <KeyHint keys="n" />{' '}
                  unless you know it from elsewhere.
                </>
              )}
            </p>
          ) : (
            media.map((one) => (
              <MediaTile key={one.id} media={one} sizePx={media.length > 1 ? tilePx / 2 : tilePx} held={held} />
            ))
          )}
          {stored === undefined ? null : (
            <p className="row wrap small" style={{ margin: '6px 0 0' }}>
              <SubjectChip subject={{ kind: 'item', id: pair.itemId! }} />
              <span className="faint">
                <RelativeTime timeMs={stored.occurredAtMs} />
              </span>
            </p>
          )}
        </section>
        <section>
          <h3>Known content</h3>
          {entry === undefined ? (
            <p className="faint small">{read.isLoading ? 'Reading…' : 'It cannot be read here.'}</p>
          ) : entry.mediaSha256 !== null ? (
            <MediaTile
              media={{ id: 'known content', kind: kindOfSignals(entry.signals), upload: entry.mediaSha256 }}
              sizePx={tilePx}
              held={held}
            />
          ) : entry.text !== null ? (
            <MarkedText text={entry.text} />
          ) : entry.signals['pdq'] === undefined ? (
            <p className="faint small">Only a hash is kept.</p>
          ) : (
            <PdqPicture pdq={entry.signals['pdq']} label="PDQ hash of the known content; only the hash is kept" />
          )}
          <p className="row wrap small" style={{ margin: '6px 0 0' }}>
            <Go to={path`/banks/${pair.bankId}/${pair.entryId}`}>{entry?.labels.join(', ') || 'Open entry'}</Go>
          </p>
        </section>
      </div>
    </Panel>
  )
}
