import { useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react'

/** One key of a screen: `j`, `Enter`, `mod+k`, or two in a row: `g e`. */
export type Key = {
  keys: string
  does: string
  run: (event: KeyboardEvent) => void
  /** Also works while a text field has the focus. */
  inFields?: boolean
}
type Group = { title: string; keys: Key[]; outer: boolean }

const groups: { current: Group }[] = []
const listeners = new Set<() => void>()
let version = 0
let chord: { first: string; atMs: number } | undefined
/** Two keys belong together when the second follows within this time. */
const chordMsMax = 1_200

function changed() {
  version++
  for (const listener of listeners) listener()
}

/** The name of a key event as used in `Key.keys`. */
export function keyName(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey ? 'mod+' : ''
  const shift = event.shiftKey && event.key.length > 1 ? 'shift+' : ''
  return mod + shift + (event.key === ' ' ? 'Space' : event.key)
}

function inField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.tagName === 'TEXTAREA' ||
      target.tagName === 'SELECT' ||
      (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type)))
  )
}

function onKeyDown(event: KeyboardEvent) {
  if (event.defaultPrevented || event.altKey || event.isComposing) return
  const name = keyName(event)
  const typing = inField(event.target)
  const modal = event.target instanceof Element && event.target.closest('[aria-modal="true"]') !== null
  const onControl =
    (name === 'Enter' || name === 'Space') &&
    event.target instanceof Element &&
    event.target.closest('a, button:not([role="radio"]), summary, [role="option"], [role="tab"]') !== null
  if (modal || onControl) return
  const pair = chord !== undefined && event.timeStamp - chord.atMs < chordMsMax ? `${chord.first} ${name}` : undefined
  chord = undefined
  // Inner screens register last and win over the frame.
  for (const wanted of pair === undefined ? [name] : [pair, name]) {
    for (let index = groups.length - 1; index >= 0; index--) {
      const found = groups[index]!.current.keys.find((key) => key.keys === wanted)
      if (found === undefined || (typing && !found.inFields)) continue
      event.preventDefault()
      found.run(event)
      return
    }
  }
  if (!typing && groups.some((group) => group.current.keys.some((key) => key.keys.startsWith(`${name} `))))
    chord = { first: name, atMs: event.timeStamp }
}

/** Gives the screen its keys for as long as it is shown, and lists them in the key sheet. `outer` ones yield to others. */
export function useKeys(title: string, keys: Key[], outer = false): void {
  const held = useRef<Group>({ title, keys, outer })
  useLayoutEffect(() => {
    held.current = { title, keys, outer }
  })
  useEffect(() => {
    if (groups.length === 0) window.addEventListener('keydown', onKeyDown)
    // Effects of inner parts run first, so the frame says of itself that it is the outermost.
    if (outer) groups.unshift(held)
    else groups.push(held)
    changed()
    return () => {
      groups.splice(groups.indexOf(held), 1)
      if (groups.length === 0) window.removeEventListener('keydown', onKeyDown)
      changed()
    }
  }, [outer])
}

/** All keys that work now, for the key sheet. */
export function useKeyGroups(): Group[] {
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => version,
  )
  return groups.map((group) => group.current).filter((group) => group.keys.length > 0)
}
