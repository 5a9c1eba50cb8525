import { Button } from '@mantine/core'
import { IconPhotoSearch, IconPlus, IconRefresh, IconShieldCheck } from '@tabler/icons-react'
import { useEffect, useEffectEvent, useState } from 'react'
import { useCommands } from '../../frame/commands.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { countOf } from '../../frame/time.ts'
import { useUrl } from '../../frame/url.ts'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { AddToBank } from './AddToBank.tsx'
import { askAgain, askFiles, askWords, forgetAsked, useAsked, type Asked } from './asked.ts'
import { BatchTable } from './BatchTable.tsx'
import { Comparison } from './Comparison.tsx'
import { Example } from './Example.tsx'
import { HashesPanel } from './HashesPanel.tsx'
import { MatchList } from './MatchList.tsx'
import { MatchTabs } from './MatchTabs.tsx'
import { QueryInput } from './QueryInput.tsx'
import { SentBar } from './SentBar.tsx'
import { byEntry, bytesText, typedKinds, typedWords, type TypedKind } from './state.ts'

/** Longer words are looked up but not kept in the address. */
const wordsInUrlMax = 1_500

/** Looks anything up in the banks: its hashes, what it matches, how near, and why. */
export function Screen() {
  const url = useUrl()
  const asked = useAsked()
  const wantedAs = typedKinds.find((kind) => kind === url.search['as'])
  const wanted = url.search['q']
  // The address says what is asked, so that links and Back work; files cannot be in it.
  const sync = useEffectEvent(() => {
    if (wanted === undefined || wantedAs === undefined) return
    const now = asked[0]?.typed
    if (now?.words !== wanted || now.as !== wantedAs) askWords(wantedAs, wanted)
  })
  useEffect(() => {
    sync()
  }, [wanted, wantedAs])
  const clean = { as: undefined, q: undefined, entry: undefined, item: undefined, view: undefined }
  const files = (given: File[]) => {
    askFiles(given)
    url.set(clean, { push: true })
  }
  const words = (as: TypedKind, text: string) => {
    if (text.length <= wordsInUrlMax) url.set({ ...clean, as, q: text }, { push: true })
    else {
      askWords(as, text)
      url.set(clean, { push: true })
    }
  }
  const clear = () => {
    forgetAsked()
    url.set(clean, { push: true })
  }
  useCommands([
    {
      id: 'match-clear',
      title: 'Look something else up',
      icon: IconRefresh,
      run: clear,
    },
  ])
  const many = asked.length > 1
  const one = many ? asked.find(({ id }) => id === url.search['item']) : asked[0]
  const back = () => url.set({ item: undefined, entry: undefined, view: undefined }, { push: true })
  useKeys(
    'Look up',
    asked.length > 0
      ? [
          {
            keys: 'Escape',
            does: many && one !== undefined ? 'Back to all files' : 'Look something else up',
            run: many && one !== undefined ? back : clear,
          },
        ]
      : [],
  )
  if (asked.length === 0)
    return (
      <Page title="Match" about="is this known already?" filters={<MatchTabs />} scroll>
        <div className="match-start">
          <QueryInput onFiles={files} onWords={words} large />
          <div className="match-says">
            <p>
              Find out whether a photo, video, sound, text or link is in a bank, also when it was mirrored, turned,
              resized or edited. You see every hash, every match with its distance, and both side by side.
            </p>
            <p className="row small muted">
              <IconShieldCheck size={16} aria-hidden style={{ flex: 'none' }} />
              What you look up is hashed and compared on your own server. It is not kept and makes no decision.
            </p>
            <Example onWords={words} />
          </div>
        </div>
      </Page>
    )
  const done = asked.filter(({ state }) => state === 'done' || state === 'failed').length
  const known = asked.filter(({ answer }) => (answer?.matches.length ?? 0) > 0).length
  if (many && one === undefined)
    return (
      <Page
        title="Match"
        about={
          <span role="status">
            {done < asked.length
              ? `${done} of ${countOf(asked.length, 'file')} looked up, ${known} known`
              : `${countOf(asked.length, 'file')}: ${known} known, ${asked.length - known} not`}
          </span>
        }
        acts={<Button onClick={clear}>Look something else up</Button>}
        filters={<MatchTabs />}
      >
        <BatchTable asked={asked} onOpen={({ id }) => url.set({ item: id }, { push: true })} />
      </Page>
    )
  return (
    <Page
      title="Match"
      crumbs={
        many ? (
          <Go to="/match" onClick={(event) => (event.preventDefault(), back())}>
            All {asked.length} files
          </Go>
        ) : undefined
      }
      about={one!.name.length > 90 ? `${one!.name.slice(0, 90)}…` : one!.name}
      acts={<Button onClick={clear}>Look something else up</Button>}
      filters={<MatchTabs />}
      scroll
    >
      <Looked key={one!.id} asked={one!} onFiles={files} onWords={words} />
    </Page>
  )
}

function Looked({
  asked,
  onFiles,
  onWords,
}: {
  asked: Asked
  onFiles: (files: File[]) => void
  onWords: (as: TypedKind, words: string) => void
}) {
  const url = useUrl()
  const mayAdd = useMay('banks:write')
  const maySeen = useMay('events:read')
  const type = ['pdq', 'text-near'].find((each) => asked.hashes?.signals[each] !== undefined)
  const seen = type === undefined ? undefined : { type, signal: asked.hashes!.signals[type]! }
  const [adding, setAdding] = useState(false)
  const found = byEntry(asked.answer?.matches ?? [])
  const chosen = found.find(({ entryId }) => entryId === url.search['entry']) ?? found[0]
  const shape = asked.file === undefined ? undefined : `${asked.file.type || 'file'}, ${bytesText(asked.file.size)}`
  const nothing = asked.state === 'done' && found.length === 0
  useKeys('Match', nothing && mayAdd ? [{ keys: 'a', does: 'Add to a bank', run: () => setAdding(true) }] : [])
  return (
    <div className="match-layout">
      <div>
        <Panel
          title={asked.typed === undefined ? 'Looked up' : `Looked up as ${typedWords[asked.typed.as].toLowerCase()}`}
        >
          <div className="stack">
            {asked.localUrl === undefined ? (
              <p className="item-text small" dir="auto" style={{ margin: 0 }}>
                {asked.name.length > 400 ? `${asked.name.slice(0, 400)}…` : asked.name}
              </p>
            ) : found.length > 0 ? null : (
              <MediaTile
                media={{ id: asked.name, kind: asked.kind ?? 'photo' }}
                localUrl={asked.localUrl}
                localFile={asked.file}
                sizePx={296}
              />
            )}
            {shape === undefined ? null : <span className="faint small">{shape}</span>}
            {asked.state === 'done' || asked.state === 'failed' ? null : <SentBar asked={asked} />}
            {asked.hashes === undefined ? null : <HashesPanel hashes={asked.hashes} />}
            {seen === undefined || !maySeen ? null : (
              <Go to="/match/similar" search={seen} className="small">
                Everything like it that passed
              </Go>
            )}
          </div>
        </Panel>
        <QueryInput onFiles={onFiles} onWords={onWords} />
      </div>
      <div className="match-found" data-done={asked.state === 'done' ? '' : undefined}>
        {asked.state === 'failed' ? (
          <Panel>
            <ErrorState what="Lookup" error={asked.error} onRetry={() => askAgain(asked.id)} />
          </Panel>
        ) : asked.answer === undefined ? (
          <Panel title="Matches">
            <SentBar asked={asked} />
          </Panel>
        ) : nothing ? (
          <Panel>
            <EmptyState
              icon={<IconPhotoSearch size={20} aria-hidden />}
              title="Nothing known is like it"
              why="No entry of any bank lies within its threshold, turned and mirrored readings included. Entries that are held or retired do not match."
            >
              {mayAdd ? (
                <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setAdding(true)}>
                  Add to bank…
                </Button>
              ) : null}
            </EmptyState>
          </Panel>
        ) : (
          <>
            <Panel
              title={`${countOf(found.length, 'known entry', 'known entries')} like it`}
              acts={asked.answer.truncated ? <span className="attention small">only the 1,000 nearest</span> : null}
              flush
            >
              <MatchList
                found={found}
                chosen={chosen?.entryId}
                onChoose={(entryId) => url.set({ entry: entryId === found[0]?.entryId ? undefined : entryId })}
              />
            </Panel>
            {chosen === undefined ? null : (
              <Comparison key={chosen.entryId} asked={asked} found={chosen} onAdd={() => setAdding(true)} />
            )}
          </>
        )}
      </div>
      {adding ? <AddToBank asked={asked} onClose={() => setAdding(false)} /> : null}
    </div>
  )
}
