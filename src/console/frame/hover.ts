import { useSyncExternalStore } from 'react'
import type { SubjectRef } from '../../domain/subject.ts'

// One hover card for the whole screen: a list of thousands of chips costs nothing until the pointer rests on one.
type Hovered = { subject: SubjectRef; left: number; top: number; bottom: number } | undefined

let hovered: Hovered
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()
const openMs = 300
const closeMs = 120

function set(next: Hovered) {
  hovered = next
  for (const listener of listeners) listener()
}

/** The pointer came to rest on a chip: its card opens after a moment. */
export function hoverSubject(subject: SubjectRef, chip: Element): void {
  clearTimeout(timer)
  timer = setTimeout(
    () => {
      const box = chip.getBoundingClientRect()
      if (chip.isConnected) set({ subject, left: box.left, top: box.top, bottom: box.bottom })
    },
    hovered === undefined ? openMs : closeMs,
  )
}

export function leaveSubject(): void {
  clearTimeout(timer)
  if (hovered !== undefined) timer = setTimeout(() => set(undefined), closeMs)
}

/** The pointer went from the chip onto its card. */
export function keepSubject(): void {
  clearTimeout(timer)
}

export function useHovered(): Hovered {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => hovered,
  )
}
