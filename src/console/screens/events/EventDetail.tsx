import { Code } from '@mantine/core'
import { getEvent } from '../../../http/contract/events.ts'
import { useRead } from '../../api.ts'
import { CopyId } from '../../parts/CopyId.tsx'
import { EntryLine } from '../../parts/EntryLine.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EvidenceList, factsOf } from '../../parts/EvidenceList.tsx'
import { ItemView } from '../../parts/ItemView.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SignalList } from '../../parts/SignalRow.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { SubjectChip } from '../../parts/SubjectChip.tsx'
import { chipName } from '../accounts/name.ts'
import { signalsOf } from './state.ts'

/** One event with its signals, all that followed from it, and its raw form. */
export function EventDetail({ eventId }: { eventId: string }) {
  const read = useRead(getEvent, { params: { eventId } })
  if (read.error) return <ErrorState what="Event" error={read.error} onRetry={() => void read.refetch()} />
  if (read.data === undefined) return <SkeletonPage what="event" />
  const { stored, entries, processed } = read.data
  const { event } = stored
  const signals = signalsOf(entries)
  const others = entries.filter((entry) => entry.kind !== 'signal.recorded')
  return (
    <>
      <section className="part">
        <EvidenceList
          facts={[
            ['Type', <code key="t">{event.type}</code>],
            [
              'Account',
              <SubjectChip
                key="a"
                subject={{ kind: 'actor', id: event.actor.id }}
                name={chipName(event.actor.attributes)}
              />,
            ],
            ['Item', event.item ? <SubjectChip key="i" subject={{ kind: 'item', id: event.item.id }} /> : undefined],
            [
              'Thread',
              event.thread ? <SubjectChip key="h" subject={{ kind: 'thread', id: event.thread.id }} /> : undefined,
            ],
            [
              'To',
              event.targets && event.targets.length > 0 ? (
                <span key="to" className="row wrap" style={{ gap: 2 }}>
                  {event.targets.slice(0, 12).map((target) => (
                    <SubjectChip key={target.id} subject={{ kind: 'actor', id: target.id }} />
                  ))}
                  {event.targets.length > 12 ? (
                    <span className="faint">and {event.targets.length - 12} more</span>
                  ) : null}
                </span>
              ) : undefined,
            ],
            ['Context', event.context],
            ['Happened', <RelativeTime key="o" timeMs={stored.occurredAtMs} />],
            [
              'Received',
              <span key="r">
                <RelativeTime timeMs={stored.receivedAtMs} />
                {stored.late ? ' · late' : ''}
              </span>,
            ],
            ['Id', <CopyId key="id" id={event.id} label="event id" characters={40} />],
            ...factsOf(event.origin),
          ]}
        />
      </section>
      {event.item === undefined ? null : (
        <section className="part">
          <h3>Content</h3>
          <ItemView item={event.item} />
        </section>
      )}
      <section className="part">
        <h3>Signals</h3>
        {processed || signals.length > 0 ? (
          <SignalList signals={signals} label="Signals of this event" />
        ) : (
          <p className="muted small">Not looked at yet; it is next in the stream.</p>
        )}
      </section>
      <section className="part">
        <h3>What followed</h3>
        {others.length === 0 ? (
          <p className="faint small">{processed ? 'Nothing: no rule held.' : 'Nothing yet.'}</p>
        ) : (
          others.map((entry) => <EntryLine key={entry.id} entry={entry} />)
        )}
      </section>
      <section className="part">
        <h3>As it was sent</h3>
        <Code block fz={12} tabIndex={0}>
          {JSON.stringify(event, null, 2)}
        </Code>
      </section>
    </>
  )
}
