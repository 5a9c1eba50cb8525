import { Button, Modal, TagsInput, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { editBankEntry, type BankEntry } from '../../../http/contract/banks.ts'
import { ApiError } from '../../../http/client.ts'
import { useChange } from '../../api.ts'
import { FormError } from '../../parts/FormError.tsx'
import { dateOf, dateText } from './dates.ts'

/** Labels, source, note, metadata and expiry of an entry. Its signals never change. */
export function EntryEdit({ entry, onClose }: { entry: BankEntry; onClose: () => void }) {
  const [base] = useState(entry)
  const [labels, setLabels] = useState(entry.labels)
  const [source, setSource] = useState(entry.source)
  const [note, setNote] = useState(entry.note ?? '')
  const [metadata, setMetadata] = useState(JSON.stringify(entry.metadata, null, 2))
  const [expires, setExpires] = useState(dateText(entry.expiresMs))
  const [force, setForce] = useState(false)
  const parsed = parseObject(metadata)
  const save = useChange(editBankEntry, {
    touches: ['banks'],
    done: 'The entry is saved',
    onDone: onClose,
    quiet: true,
  })
  const conflict = save.error instanceof ApiError && [409, 412].includes(save.error.status)
  return (
    <Modal opened onClose={onClose} title={<h2>Edit entry</h2>} size={520} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (parsed === undefined) return
          save.mutate({
            params: { bankId: base.bankId, entryId: base.entryId },
            headers: { 'if-match': `"${force ? entry.version : base.version}"` },
            body: {
              labels,
              ...(source.trim() === '' ? {} : { source: source.trim() }),
              note: note.trim() === '' ? null : note.trim(),
              metadata: parsed,
              ...(expires === dateText(base.expiresMs) ? {} : { expiresMs: dateOf(expires) }),
            },
          })
        }}
      >
        <TagsInput
          size="xs"
          label="Labels"
          placeholder="Enter after each"
          value={labels}
          onChange={setLabels}
          data-autofocus
        />
        <TextInput label="Source" value={source} onChange={(event) => setSource(event.currentTarget.value)} />
        <Textarea
          label="Note"
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
          autosize
          minRows={2}
        />
        <TextInput
          type="date"
          label="Ends on"
          description="Empty: never. It is retired then"
          value={expires}
          onChange={(event) => setExpires(event.currentTarget.value)}
        />
        <Textarea
          label="Metadata"
          description="What else is known, as a JSON object"
          value={metadata}
          onChange={(event) => setMetadata(event.currentTarget.value)}
          error={parsed === undefined ? 'This is not a JSON object' : undefined}
          autosize
          minRows={2}
          maxRows={10}
          styles={{ input: { fontFamily: 'var(--mono)' } }}
        />
        {conflict && !force ? (
          <div role="alert" className="conflict">
            <p style={{ margin: 0 }}>
              <strong>The entry changed while you were editing.</strong> Nothing of yours is lost.
            </p>
            <Button onClick={() => setForce(true)}>Save mine on top of it</Button>
          </div>
        ) : (
          <FormError error={conflict ? null : save.error} />
        )}
        <Button
          type="submit"
          variant="filled"
          loading={save.isPending}
          disabled={parsed === undefined || (conflict && !force)}
        >
          Save entry
        </Button>
      </form>
    </Modal>
  )
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
