import { Modal, TextInput } from '@mantine/core'
import {
  IconActivity,
  IconArrowRight,
  IconBolt,
  IconFileText,
  IconGavel,
  IconHash,
  IconMessage,
  IconMessages,
  IconPhotoSearch,
  IconRoute,
  IconUser,
  type TablerIcon,
} from '@tabler/icons-react'
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { areas, places } from './areas.ts'
import { commandsNow } from './commands.ts'
import { path, useUrl } from './url.ts'
import { KeyHint } from '../parts/KeyHint.tsx'
import { useSearchHits } from './search.ts'

type Found = {
  id: string
  group: string
  title: string
  hint?: string
  keys?: string
  icon: TablerIcon
  run: () => void
}

/** MD5, SHA-1, SHA-256 or PDQ. */
const mediaHash = /^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** How well the words match: every word must begin somewhere in the text; earlier is better. */
function score(words: string[], text: string): number {
  const lower = text.toLowerCase()
  let total = 0
  for (const word of words) {
    const at = lower.indexOf(word)
    if (at < 0) return -1
    total += at === 0 ? 3 : lower[at - 1] === ' ' ? 2 : 1
  }
  return total
}

/** Search for anything: screens, acts of this screen, and whatever an id may name. */
export function Palette({ opened, onClose, acts }: { opened: boolean; onClose: () => void; acts: Found[] }) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      size={600}
      padding={0}
      yOffset="12vh"
      centered={false}
      attributes={{ content: { 'aria-label': 'Search anything' } }}
    >
      {opened ? <PaletteBody onClose={onClose} acts={acts} /> : null}
    </Modal>
  )
}

function PaletteBody({ onClose, acts }: { onClose: () => void; acts: Found[] }) {
  const url = useUrl()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const hits = useSearchHits(text.trim())
  const found = useMemo(() => {
    const words = text.toLowerCase().trim().split(/\s+/).filter(Boolean)
    const id = text.trim()
    const open = (kind: string) => () => url.set({ open: `${kind}:${id}` }, { push: true })
    const lookups: Found[] =
      id === '' || id.includes(' ')
        ? []
        : [
            ...(uuid.test(id)
              ? [
                  {
                    id: 'l-decision',
                    title: `Decision ${id}`,
                    icon: IconGavel,
                    run: () => url.go(path`/decisions/${id}`),
                  },
                  { id: 'l-entry', title: `Ledger entry ${id}`, icon: IconFileText, run: open('entry') },
                ]
              : []),
            ...(mediaHash.test(id)
              ? [
                  {
                    id: 'l-match',
                    title: `Look the hash ${id} up in the banks`,
                    icon: IconPhotoSearch,
                    run: () => url.go('/match', { as: 'hash', q: id }),
                  },
                ]
              : []),
            { id: 'l-event', title: `Event ${id}`, icon: IconBolt, run: open('event') },
            { id: 'l-actor', title: `Account ${id}`, icon: IconUser, run: () => url.go(path`/accounts/${id}`) },
            { id: 'l-item', title: `Item ${id}`, icon: IconMessage, run: open('item') },
            { id: 'l-thread', title: `Thread ${id}`, icon: IconMessages, run: open('thread') },
            { id: 'l-rule', title: `Rule ${id}`, icon: IconRoute, run: () => url.go(path`/rules/${id}`) },
          ].map((each) => ({ ...each, group: 'Look up by id' }))
    const screens: Found[] = [...areas, ...places].map((area) => ({
      id: `s-${area.to}`,
      group: 'Go to',
      title: area.title,
      hint: area.holds,
      keys: `g ${area.key}`,
      icon: area.icon,
      run: () => url.go(area.to),
    }))
    const here: Found[] = commandsNow().map((command) => ({
      id: `c-${command.id}`,
      group: 'On this screen',
      title: command.title,
      hint: command.hint,
      icon: command.icon ?? IconArrowRight,
      run: command.run,
    }))
    const fit = (each: Found) => score(words, `${each.title} ${each.hint ?? ''} ${each.group}`)
    const ranked = [...here, ...screens, ...acts]
      .map((each) => [fit(each), each] as const)
      .filter(([points]) => points >= 0)
      .sort((a, b) => (words.length === 0 ? 0 : b[0] - a[0]))
      .map(([, each]) => each)
    const named: Found[] = hits.map((hit) => ({ ...hit, icon: hit.icon ?? IconHash, run: () => url.go(hit.to) }))
    const events: Found[] =
      id.length < 3
        ? []
        : [
            {
              id: 'l-text',
              group: 'Search',
              title: `Events that contain “${text.trim()}”`,
              icon: IconActivity,
              run: () => url.go('/events', { text: text.trim() }),
            },
          ]
    const all = [...named, ...ranked, ...events, ...lookups]
    // Groups stay together, in the order in which their best hit comes.
    const order = [...new Set(all.map((each) => each.group))]
    return order.flatMap((group) => all.filter((each) => each.group === group))
  }, [text, url, acts, hits])
  const marked = Math.min(at, found.length - 1)
  useEffect(() => {
    list.current?.querySelectorAll('[role="option"]')[marked]?.scrollIntoView({ block: 'nearest' })
  }, [marked])
  const take = (each: Found | undefined) => {
    if (each === undefined) return
    onClose()
    each.run()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt((marked + 1) % Math.max(1, found.length))
    else if (event.key === 'ArrowUp') setAt((marked - 1 + found.length) % Math.max(1, found.length))
    else if (event.key === 'Enter') take(found[marked])
    else return
    event.preventDefault()
  }
  return (
    <>
      <TextInput
        className="palette-input"
        aria-label="Search anything"
        placeholder="Search screens, acts, or paste any id"
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
        data-autofocus
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[marked] === undefined ? undefined : `p-${found[marked].id}`}
        autoComplete="off"
        spellCheck={false}
      />
      <div className="palette-list" id="palette-list" role="listbox" aria-label="What was found" ref={list}>
        {[...new Set(found.map((each) => each.group))].map((group) => (
          <div key={group} role="group" aria-label={group}>
            <div aria-hidden="true">{group}</div>
            {found.map((each, index) =>
              each.group === group ? (
                <div
                  key={each.id}
                  id={`p-${each.id}`}
                  role="option"
                  aria-selected={index === marked}
                  className="palette-item"
                  onPointerMove={() => setAt(index)}
                  onClick={() => take(each)}
                >
                  <each.icon size={16} aria-hidden />
                  <span className="clip">{each.title}</span>
                  {each.hint === undefined ? null : <span className="faint small clip">{each.hint}</span>}
                  {each.keys === undefined ? null : (
                    <span className="faint" style={{ marginLeft: 'auto' }}>
                      <KeyHint keys={each.keys} />
                    </span>
                  )}
                </div>
              ) : null,
            )}
          </div>
        ))}
        {found.length === 0 ? (
          <p className="faint small" style={{ padding: 8 }}>
            Nothing by that name.
          </p>
        ) : null}
      </div>
    </>
  )
}

export type { Found as PaletteAct }
