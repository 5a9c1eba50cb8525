import { Button, Group, Modal, Textarea } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { problemOf, problemText } from '../api.ts'
import { KeyHint } from './KeyHint.tsx'

/**
 * Asks before something is done, and shows what will happen: what, to whom, how many, and until when it can be undone.
 * The act is named on its button. Ctrl/Cmd-Enter confirms; Escape leaves.
 */
export function ConfirmWithPreview({
  opened,
  onClose,
  title,
  act,
  harm = false,
  children,
  undo,
  reason,
  ready = true,
  busy,
  error,
  onConfirm,
}: {
  opened: boolean
  onClose: () => void
  title: string
  /** Verb and object: "Reverse decision". */
  act: string
  /** Whether the act itself takes something from people. */
  harm?: boolean
  /** The preview. */
  children: ReactNode
  /** How and until when it can be undone. */
  undo: string
  /** Asks for a reason with this label. */
  reason?: { label: string; required: boolean; placeholder?: string }
  ready?: boolean
  busy: boolean
  error?: unknown
  onConfirm: (reason: string) => void
}) {
  const [words, setWords] = useState('')
  const may = ready && !busy && (!reason?.required || words.trim() !== '')
  const confirm = () => {
    if (may) onConfirm(words.trim())
  }
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<h2>{title}</h2>}
      size={560}
      closeButtonProps={{ 'aria-label': 'Close' }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) confirm()
      }}
    >
      <div className="stack" style={{ gap: 16 }}>
        <div>{children}</div>
        {reason === undefined ? null : (
          <Textarea
            label={reason.label}
            withAsterisk={reason.required}
            placeholder={reason.placeholder}
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
            autosize
            minRows={2}
            maxRows={8}
            maxLength={2_000}
            data-autofocus
          />
        )}
        <p className="muted small" style={{ margin: 0 }}>
          {undo}
        </p>
        {error === undefined || error === null ? null : (
          <p role="alert" className="small" style={{ margin: 0, color: 'var(--harm)' }}>
            <strong>{problemOf(error).title}.</strong> {problemText(error)}
          </p>
        )}
        <Group justify="flex-end">
          <Button onClick={onClose}>
            Leave as it is <KeyHint keys="Escape" />
          </Button>
          <Button variant="filled" color={harm ? 'harm' : 'accent'} onClick={confirm} disabled={!may} loading={busy}>
            {act} <KeyHint keys="mod+Enter" />
          </Button>
        </Group>
      </div>
    </Modal>
  )
}
