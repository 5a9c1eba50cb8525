import { useEffect, useState } from 'react'

/** Whether a letter key is held down now, outside of fields and dialogs. */
export function useHeldKey(letter: string): boolean {
  const [held, setHeld] = useState(false)
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.key !== letter || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return
      if (event.target instanceof Element && event.target.closest('input, textarea, select, [aria-modal="true"]'))
        return
      setHeld(true)
    }
    const up = (event: KeyboardEvent) => {
      if (event.key === letter) setHeld(false)
    }
    const away = () => setHeld(false)
    window.addEventListener('keydown', down)
    window.addEventListener('keyup', up)
    window.addEventListener('blur', away)
    return () => {
      window.removeEventListener('keydown', down)
      window.removeEventListener('keyup', up)
      window.removeEventListener('blur', away)
    }
  }, [letter])
  return held
}
