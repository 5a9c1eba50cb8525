import { Button, Radio } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconCopyCheck } from '@tabler/icons-react'
import { useState } from 'react'
import { getBankEntry, mergeBankEntries, undoMerge } from '../../../http/contract/banks.ts'
import { listDuplicates, scanDuplicates, type DuplicateGroup } from '../../../http/contract/hygiene.ts'
import { client, forgetResources, problemOf, problemText, useChange, usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'

/** Entries that match each other, in groups; each is merged in one step and taken apart again in one. */
export function DuplicateGroups({ bankId, may }: { bankId: string; may: boolean }) {
  const groups = usePages(listDuplicates, { query: { bankId } }, { limit: 50 })
  const scan = useChange(scanDuplicates, {
    touches: ['hygiene'],
    done: ({ entries }) => `${countOf(entries, 'entry', 'entries')} of all banks are compared in the background`,
  })
  if (groups.first) return <SkeletonRows what="near-duplicates" />
  if (groups.error && groups.items.length === 0)
    return <ErrorState what="Near-duplicates" error={groups.error} onRetry={groups.refetch} />
  const compare = may ? (
    <Button loading={scan.isPending} onClick={() => scan.mutate({ body: {} })}>
      Compare all entries again
    </Button>
  ) : null
  if (groups.items.length === 0)
    return (
      <EmptyState
        icon={<IconCopyCheck size={20} aria-hidden />}
        title="No two entries are nearly the same"
        why="New entries are compared with the rest as they come. After a change of thresholds all of them can be compared again."
      >
        {compare}
      </EmptyState>
    )
  return (
    <div className="stack">
      <div className="row wrap">
        <p className="muted small grow" style={{ margin: 0 }}>
          Entries of a group match each other. Merging keeps one with the labels and the record of all; the others are
          retired.
        </p>
        {compare}
      </div>
      {groups.items.map((group) => (
        <Group key={group.groupId} group={group} may={may} />
      ))}
      {groups.more ? <Button onClick={groups.loadMore}>Show more groups</Button> : null}
    </div>
  )
}

/** One group: which entry stays, and one button that merges the rest into it. */
export function Group({
  group,
  may,
  bankName,
}: {
  group: DuplicateGroup
  may: boolean
  /** Where groups of several banks stand beside each other. */
  bankName?: string | undefined
}) {
  const types = useSignalTypes()
  const best = group.entries.toSorted((a, b) => b.matches - a.matches || a.addedMs - b.addedMs)[0]!
  const [keep, setKeep] = useState(best.entryId)
  const { bankId } = group
  const merge = useChange(mergeBankEntries, {
    touches: ['banks', 'hygiene'],
    onDone: ({ mergeId }) => showMerged(bankId, mergeId, group.entries.length),
  })
  const rest = group.entries.map(({ entryId }) => entryId).filter((entryId) => entryId !== keep)
  return (
    <section className="panel duplicate-group" aria-label={`${group.entries.length} entries that match each other`}>
      {bankName === undefined ? null : (
        <Go to={path`/banks/${bankId}`} search={{ tab: 'duplicates' }} className="small clip duplicate-bank">
          {bankName}
        </Go>
      )}
      <Radio.Group value={keep} onChange={setKeep} label="Which entry stays">
        <div
          className="duplicate-tiles"
          data-words={group.entries.every(({ mediaSha256 }) => mediaSha256 === null) ? '' : undefined}
        >
          {group.entries.map((entry) => (
            <div
              key={entry.entryId}
              className="stack"
              style={{ gap: 4 }}
              data-kept={entry.entryId === keep ? '' : undefined}
            >
              {entry.mediaSha256 === null ? (
                <Words bankId={bankId} entryId={entry.entryId} />
              ) : (
                <MediaTile
                  media={{ id: entry.entryId, kind: kindOf(entry.signalType), upload: entry.mediaSha256 }}
                  sizePx={140}
                />
              )}
              <Radio
                value={entry.entryId}
                size="xs"
                disabled={!may}
                label={entry.entryId === keep ? 'stays' : 'is merged'}
                aria-label={`${entry.labels.join(', ') || 'Entry'}: stays`}
              />
              <Go to={path`/banks/${bankId}/${entry.entryId}`} className="small clip">
                {entry.labels.join(', ') || 'Entry'}
              </Go>
              <span className="faint small">
                {countOf(entry.matches, 'match', 'matches')} · <RelativeTime timeMs={entry.addedMs} />
              </span>
              <span className="faint small">
                {types.title(entry.signalType)}: {types.distance(entry.signalType, entry.distance)}
              </span>
            </div>
          ))}
        </div>
      </Radio.Group>
      {may ? (
        <Button
          loading={merge.isPending}
          onClick={() =>
            merge.mutate({ params: { bankId }, body: { keep, retire: rest, reason: 'They are nearly the same' } })
          }
        >
          Merge {countOf(group.entries.length, 'entry', 'entries')} into one
        </Button>
      ) : null}
    </section>
  )
}

/** What the medium of an entry is, by the signal that made it part of a group. */
function kindOf(signalType: string): 'photo' | 'video' | 'audio' {
  if (signalType === 'chromaprint') return 'audio'
  return signalType === 'vpdq' || signalType === 'tmk' ? 'video' : 'photo'
}

/** What a text of a group says, or which hash it is: the group itself names only its pictures. */
function Words({ bankId, entryId }: { bankId: string; entryId: string }) {
  const read = useRead(getBankEntry, { params: { bankId, entryId } }, { staleMs: 60_000 })
  const hash = Object.values(read.data?.signals ?? {})[0]
  return (
    <div className="bank-text duplicate-hash">
      {read.data === undefined ? '…' : (read.data.text ?? <code className="faint">{hash?.slice(0, 64)}</code>)}
    </div>
  )
}

function showMerged(bankId: string, mergeId: string, entries: number): void {
  const id = `merge-${mergeId}`
  notifications.show({
    id,
    autoClose: 15_000,
    message: (
      <span className="row">
        <span className="grow">{countOf(entries, 'entry', 'entries')} were merged into one.</span>
        <Button
          size="compact-xs"
          onClick={() => {
            notifications.hide(id)
            client
              .call(undoMerge, { params: { bankId, mergeId }, body: {} })
              .then(() => {
                void forgetResources('banks', 'hygiene')
                notifications.show({ message: 'The merge was undone; every entry is as it was', autoClose: 4_000 })
              })
              .catch((error: unknown) =>
                notifications.show({ title: problemOf(error).title, message: problemText(error), color: 'harm' }),
              )
          }}
        >
          Undo merge
        </Button>
      </span>
    ),
  })
}
