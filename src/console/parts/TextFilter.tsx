import { TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useRef, useState } from 'react'

/** A text filter that is kept in the address. Typing is answered at once; the address follows when it pauses. */
export function TextFilter({
  value,
  onChange,
  label,
  width = 200,
  id,
}: {
  value: string | undefined
  onChange: (value: string | undefined) => void
  label: string
  width?: number
  id?: string
}) {
  const [text, setText] = useState(value ?? '')
  const sent = useRef(value ?? '')
  const send = useDebouncedCallback((next: string) => {
    sent.current = next
    onChange(next === '' ? undefined : next)
  }, 200)
  // The address changed by something else: Back, a cleared filter, a link.
  useEffect(() => {
    if ((value ?? '') !== sent.current) {
      sent.current = value ?? ''
      setText(value ?? '')
    }
  }, [value])
  return (
    <TextInput
      id={id}
      type="search"
      aria-label={label}
      placeholder={label}
      value={text}
      w={width}
      onChange={(event) => {
        setText(event.currentTarget.value)
        send(event.currentTarget.value)
      }}
    />
  )
}
