import { Button, SegmentedControl } from '@mantine/core'
import { IconExternalLink, IconPlus } from '@tabler/icons-react'
import { turnText } from '../../../domain/plain-words.ts'
import { getBankEntry, type BankEntry } from '../../../http/contract/banks.ts'
import { compareSignals } from '../../../http/contract/match.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { percentText } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { EvidenceList, factsOf } from '../../parts/EvidenceList.tsx'
import { useHeldKey } from '../../parts/held-key.ts'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { MarkedText } from '../../parts/MarkedText.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Panel } from '../../parts/Page.tsx'
import { ValueBar } from '../../parts/ValueBar.tsx'
import { kindOfSignals } from '../../parts/media-kind.ts'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { hashOnlyText } from '../banks/state.ts'
import type { Asked } from './asked.ts'
import { DistanceBar } from './DistanceBar.tsx'
import { Judgements } from './Judgements.tsx'
import { Overlay } from './Overlay.tsx'
import { SoundPair } from './SoundPair.tsx'
import { PdqPicture } from './PdqPicture.tsx'
import { clockText, differingBits, matrixOf, nearestReading, type Found } from './state.ts'

const tilePx = 300
const views = ['side', 'wipe', 'difference'] as const

/** The query beside the entry that it matches, with everything that says how alike they are, and what can be done. */
export function Comparison({ asked, found, onAdd }: { asked: Asked; found: Found; onAdd: () => void }) {
  const types = useSignalTypes()
  const url = useUrl()
  const mayBanks = useMay('banks:read')
  const mayAdd = useMay('banks:write')
  const { bank, best, entryId } = found
  const params = { bankId: bank.id, entryId }
  const read = useRead(getBankEntry, { params }, { enabled: mayBanks, staleMs: 30_000 })
  const entry = read.data
  const entrySha256 = entry?.mediaSha256 ?? undefined
  const layable = asked.localUrl !== undefined && asked.kind === 'photo' && entrySha256 !== undefined
  const asked3 = url.search['view'] as (typeof views)[number] | undefined
  const view = layable && asked3 !== undefined && views.includes(asked3) ? asked3 : 'side'
  const show = (next: string) => url.set({ view: next === 'side' ? undefined : next })
  const open = () => url.go(path`/banks/${bank.id}/${entryId}`)
  useKeys('Match', [
    ...(layable
      ? [
          {
            keys: 'v',
            does: 'Side by side, wipe, difference',
            run: () => show(views[(views.indexOf(view) + 1) % views.length]!),
          },
        ]
      : []),
    { keys: 'o', does: 'Open the bank entry', run: open },
    { keys: 'r', does: 'See both, for as long as it is held', run: () => {} },
    ...(mayAdd && asked.answer !== undefined ? [{ keys: 'a', does: 'Add to a bank', run: onAdd }] : []),
  ])
  const held = useHeldKey('r')
  const transformation = found.matches.find((match) => match.transformation !== undefined)?.transformation
  const { matrix, known } = matrixOf(found.matches)
  const inverted = transformation?.split('+').includes('invert') === true
  const features = Object.entries(best.pair?.features ?? {})
  const judgements = found.matches.find((match) => (match.judgements?.length ?? 0) > 0)?.judgements ?? []
  return (
    <div className="comparison">
      <Panel
        title={`Beside “${bank.name}”`}
        acts={
          layable ? (
            <>
              <SegmentedControl
                aria-label="How they are compared"
                value={view}
                onChange={show}
                data={[
                  { value: 'side', label: 'Side by side' },
                  { value: 'wipe', label: 'Wipe' },
                  { value: 'difference', label: 'Difference' },
                ]}
              />
              <KeyHint keys="v" />
            </>
          ) : null
        }
      >
        {view === 'side' ? (
          <div className="match-sides">
            <section>
              <h3>What was asked</h3>
              <AskedView asked={asked} found={found} held={held} />
            </section>
            <section>
              <h3>Known content</h3>
              <KnownView entry={entry} loading={read.isLoading} held={held} />
            </section>
          </div>
        ) : (
          <Overlay
            localUrl={asked.localUrl}
            entrySha256={entrySha256!}
            matrix={matrix}
            inverted={inverted}
            mode={view as 'wipe' | 'difference'}
          />
        )}
        {transformation === undefined ? null : (
          <p className="small" style={{ margin: '8px 0 0' }}>
            {view === 'side' ? <span className="muted">Against the known content it is </span> : null}
            <Badge tone="attention">{turnText(transformation)}</Badge>
            {view === 'side' ? null : (
              <span className="muted">
                {known
                  ? ' Laid over as it was before; the outline is what both show.'
                  : ' Laid over as it is: how it lies on the known picture is not told.'}
              </span>
            )}
          </p>
        )}
        <div className="row wrap" style={{ marginTop: 12 }}>
          <Button leftSection={<IconExternalLink size={14} aria-hidden />} onClick={open}>
            Open entry <KeyHint keys="o" />
          </Button>
          {mayAdd ? (
            <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={onAdd}>
              Add to bank… <KeyHint keys="a" />
            </Button>
          ) : null}
          {view === 'side' && entrySha256 !== undefined && asked.kind !== 'audio' ? (
            <span className="faint small hold-hint">
              Hold <KeyHint keys="r" /> to see both
            </span>
          ) : null}
        </div>
      </Panel>
      <div className="columns even">
        <div>
          <Bits asked={asked} entry={entry} />
          <VideoTimes asked={asked} entry={entry} />
          <Sounds asked={asked} entry={entry} />
          <Panel title="How alike, signal by signal">
            <div className="stack" style={{ gap: 6 }}>
              {found.matches.map((match) => (
                <div key={match.signalType} className="signal-near">
                  <span>{types.title(match.signalType)}</span>
                  <DistanceBar match={match} />
                </div>
              ))}
            </div>
            {features.length === 0 ? null : (
              <>
                <h3 style={{ margin: '12px 0 4px' }}>Over everything that both have</h3>
                <dl className="features">
                  {features.map(([name, value]) => (
                    <div key={name}>
                      <dt>{types.title(name)}</dt>
                      <dd>
                        <ValueBar value={value} share />
                      </dd>
                    </div>
                  ))}
                </dl>
              </>
            )}
          </Panel>
        </div>
        <div>
          <Panel title="What classifiers say">
            <Judgements judgements={judgements} />
          </Panel>
          <Panel title="Where it comes from">
            <EvidenceList
              facts={[
                [
                  'Bank',
                  <Go key="b" to={path`/banks/${bank.id}`}>
                    {bank.name}
                  </Go>,
                ],
                ['Sure', percentText(best.confidence)],
                ['A person looks', best.review],
                ['Labels', best.labels.join(', ')],
                ['Source', best.source],
                ['Record', recordText(best.record)],
                ['Entry', <CopyId key="e" id={entryId} label="entry id" />],
                ...factsOf(best.exchange ?? undefined),
              ]}
            />
          </Panel>
        </div>
      </div>
    </div>
  )
}

function recordText({ matches, confirmed, disputed }: Found['best']['record']): string {
  if (matches === 0) return 'nothing rests on it yet'
  return `${matches.toLocaleString('en')} ${matches === 1 ? 'match' : 'matches'}, ${confirmed.toLocaleString('en')} confirmed, ${disputed.toLocaleString('en')} disputed`
}

function AskedView({ asked, found, held }: { asked: Asked; found: Found; held: boolean }) {
  const part = found.best.part
  if (asked.localUrl !== undefined)
    return (
      <MediaTile
        media={{ id: asked.name, kind: asked.kind ?? 'photo' }}
        localUrl={asked.localUrl}
        localFile={asked.file}
        sizePx={tilePx}
        held={held}
      />
    )
  if (part.kind === 'text' && asked.typed?.as === 'text')
    return <MarkedText text={asked.typed.words} start={part.start} end={part.end} />
  const pdq = asked.typed?.as === 'hash' ? asked.hashes?.signals['pdq'] : undefined
  if (pdq !== undefined)
    return (
      <div className="only-hash">
        <PdqPicture pdq={pdq} label="The PDQ hash that was asked" />
        <span className="small muted">Only the hash was given.</span>
      </div>
    )
  return (
    <p className="item-text mono small" dir="auto">
      {part.kind === 'link' ? part.url : (asked.typed?.words ?? asked.name)}
    </p>
  )
}

function KnownView({ entry, loading, held }: { entry: BankEntry | undefined; loading: boolean; held: boolean }) {
  const types = useSignalTypes()
  if (entry === undefined)
    return <p className="faint small">{loading ? 'Reading…' : 'The entry cannot be read here.'}</p>
  const kind = kindOfSignals(entry.signals)
  if (entry.mediaSha256 !== null)
    return <MediaTile media={{ id: 'known content', kind, upload: entry.mediaSha256 }} sizePx={tilePx} held={held} />
  if (entry.text !== null) return <MarkedText text={entry.text} />
  if (entry.signals['pdq'] !== undefined)
    return (
      <div className="only-hash">
        <PdqPicture pdq={entry.signals['pdq']} label="The PDQ hash of the known content" />
        <span className="small muted">Only its hash is kept.</span>
      </div>
    )
  return <p className="faint small">Only hashes of it are kept: {hashOnlyText(entry.signals, types)}.</p>
}

/** Both PDQ hashes and the bits in which they differ. */
function Bits({ asked, entry }: { asked: Asked; entry: BankEntry | undefined }) {
  const known = entry?.signals['pdq']
  const reading = asked.hashes === undefined || known === undefined ? undefined : nearestReading(asked.hashes, known)
  if (known === undefined || reading === undefined) return null
  const bits = differingBits(reading.pdq, known)
  return (
    <Panel title={bits === 0 ? 'The hashes are equal' : `${bits} of 256 bits differ`}>
      <div className="bits">
        <figure>
          <PdqPicture pdq={reading.pdq} label="PDQ hash of what was asked" />
          <figcaption>{reading.name === 'original' ? 'asked' : `asked, ${turnText(reading.name)}`}</figcaption>
        </figure>
        <figure>
          <PdqPicture pdq={known} label="PDQ hash of the known content" />
          <figcaption>known</figcaption>
        </figure>
        <figure>
          <PdqPicture pdq={reading.pdq} against={known} label={`The ${bits} bits that differ`} />
          <figcaption>differ</figcaption>
        </figure>
      </div>
    </Panel>
  )
}

/** Both fingerprints where both have sound. */
function Sounds({ asked, entry }: { asked: Asked; entry: BankEntry | undefined }) {
  const a = asked.hashes?.signals['chromaprint']
  const b = entry?.signals['chromaprint']
  return a === undefined || b === undefined ? null : <SoundPair asked={a} known={b} />
}

/** Which times of the asked video are which times of the known one. */
function VideoTimes({ asked, entry }: { asked: Asked; entry: BankEntry | undefined }) {
  const a = asked.hashes?.signals['vpdq']
  const b = entry?.signals['vpdq']
  const compared = useRead(
    compareSignals,
    { body: { signalType: 'vpdq', a: a ?? '', b: b ?? '' } },
    { enabled: a !== undefined && b !== undefined, staleMs: Infinity },
  )
  const spans = compared.data?.spans ?? []
  if (spans.length === 0) return null
  return (
    <Panel title="The same times">
      <table className="plain-table">
        <thead>
          <tr>
            <th>Asked</th>
            <th>Known</th>
            <th className="num">Frames</th>
          </tr>
        </thead>
        <tbody>
          {spans.slice(0, 12).map((span, index) => (
            <tr key={index}>
              <td>
                {clockText(span.queryFromMs / 1_000)} to {clockText(span.queryToMs / 1_000)}
              </td>
              <td>
                {clockText(span.entryFromMs / 1_000)} to {clockText(span.entryToMs / 1_000)}
              </td>
              <td className="num">{span.frames}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  )
}
