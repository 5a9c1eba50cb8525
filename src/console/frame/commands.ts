import { useEffect, useLayoutEffect, useRef } from 'react'
import type { TablerIcon } from '@tabler/icons-react'

/** Something that can be done from the palette on the screen that is shown. */
export type Command = { id: string; title: string; hint?: string; icon?: TablerIcon; run: () => void }

const offered: { current: Command[] }[] = []

/** Offers commands in the palette for as long as the screen is shown. */
export function useCommands(commands: Command[]): void {
  const held = useRef(commands)
  useLayoutEffect(() => {
    held.current = commands
  })
  useEffect(() => {
    offered.push(held)
    return () => {
      offered.splice(offered.indexOf(held), 1)
    }
  }, [])
}

export function commandsNow(): Command[] {
  return offered.flatMap((each) => each.current)
}
