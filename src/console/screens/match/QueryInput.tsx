import { Button, SegmentedControl, Textarea } from '@mantine/core'
import { IconPhotoSearch } from '@tabler/icons-react'
import { useEffect, useEffectEvent, useRef, useState, type ReactNode } from 'react'
import { useKeys } from '../../frame/keys.ts'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { readingsOf, typedWords, type TypedKind } from './state.ts'

/** Takes what is to be looked up: files dropped, pasted or chosen, or words of any kind. */
export function QueryInput({
  onFiles,
  onWords,
  large = false,
  children,
}: {
  onFiles: (files: File[]) => void
  onWords: (as: TypedKind, words: string) => void
  large?: boolean
  children?: ReactNode
}) {
  const [over, setOver] = useState(false)
  const [words, setWords] = useState('')
  const [chosen, setChosen] = useState<TypedKind>()
  const input = useRef<HTMLInputElement>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const readings = readingsOf(words)
  const as = chosen !== undefined && readings.includes(chosen) ? chosen : readings[0]
  const ask = () => {
    if (as === undefined) return
    onWords(as, words.trim())
    setWords('')
    setChosen(undefined)
  }
  const take = useEffectEvent((files: File[]) => {
    if (files.length > 0) onFiles(files)
  })
  // A picture may be pasted and files dropped anywhere on the screen.
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (files.length > 0 && document.querySelector('[aria-modal="true"]') === null) {
        event.preventDefault()
        take(files)
      }
    }
    const drag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      setOver(event.type === 'dragover')
      if (event.type === 'drop') take([...event.dataTransfer.files])
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    window.addEventListener('paste', paste)
    window.addEventListener('dragover', drag)
    window.addEventListener('drop', drag)
    window.addEventListener('dragleave', leave)
    return () => {
      window.removeEventListener('paste', paste)
      window.removeEventListener('dragover', drag)
      window.removeEventListener('drop', drag)
      window.removeEventListener('dragleave', leave)
    }
  }, [])
  useKeys('Look up', [
    { keys: 'u', does: 'Choose files', run: () => input.current?.click() },
    { keys: '/', does: 'Type a link, text or hash', run: () => field.current?.focus() },
  ])
  return (
    <div className="query-input" data-large={large ? '' : undefined}>
      <label className="match-drop" data-over={over ? '' : undefined}>
        <IconPhotoSearch size={large ? 28 : 20} stroke={1.5} aria-hidden />
        <span className="match-drop-words">
          Drop, paste or <u>choose</u> {large ? 'photos, videos or sounds' : 'files'} <KeyHint keys="u" />
        </span>
        {large ? (
          <span className="small muted">Hashed and compared, not kept. Several files at once give a table.</span>
        ) : null}
        <input
          ref={input}
          type="file"
          multiple
          accept="image/*,video/*,audio/*"
          className="hidden-visually"
          aria-label="Choose photos, videos or sounds"
          onChange={(event) => {
            take([...(event.currentTarget.files ?? [])])
            event.currentTarget.value = ''
          }}
        />
      </label>
      <form
        className="query-words"
        onSubmit={(event) => {
          event.preventDefault()
          ask()
        }}
      >
        <Textarea
          ref={field}
          aria-label="Link, text or hash"
          placeholder="or paste a link, a text or a hash"
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault()
              ask()
            }
          }}
          autosize
          minRows={1}
          maxRows={large ? 6 : 4}
          maxLength={100_000}
        />
        <Button type="submit" variant="filled" disabled={as === undefined}>
          Look up
        </Button>
        {readings.length > 1 ? (
          <SegmentedControl
            className="query-as"
            aria-label="Read it as"
            value={as ?? 'text'}
            onChange={(value) => setChosen(value as TypedKind)}
            data={readings.map((value) => ({ value, label: typedWords[value] }))}
          />
        ) : null}
      </form>
      {children}
    </div>
  )
}
