import { Button, Modal, TagsInput, Textarea, TextInput } from '@mantine/core'
import { IconPhotoUp } from '@tabler/icons-react'
import { useEffect, useEffectEvent, useState } from 'react'
import { makeBankEntry } from '../../../http/contract/banks.ts'
import { lookupMatches, makeUpload, type Upload } from '../../../http/contract/match.ts'
import type { Problem } from '../../../http/contract/route.ts'
import { ApiError } from '../../../http/client.ts'
import { client, problemOf, problemText, useChange } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { path } from '../../frame/url.ts'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'

/** Sends an image as it is, and answers its id, size and hash. */
async function upload(file: Blob): Promise<Upload> {
  const response = await fetch(client.url(makeUpload, {}), {
    method: 'POST',
    body: file,
    headers: { 'content-type': file.type || 'application/octet-stream' },
  })
  const body: unknown = await response.json()
  if (!response.ok) throw new ApiError(response.status, body as Problem)
  return body as Upload
}

/** Adds a photo (dropped, pasted or chosen) or a text; shows first what the banks already know of it. */
export function AddEntry({ bankId, opened, onClose }: { bankId: string; opened: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<h2>Add entry</h2>}
      size={560}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened ? <Body bankId={bankId} onClose={onClose} /> : null}
    </Modal>
  )
}

function Body({ bankId, onClose }: { bankId: string; onClose: () => void }) {
  const [photo, setPhoto] = useState<Upload>()
  const [text, setText] = useState('')
  const [labels, setLabels] = useState<string[]>([])
  const [source, setSource] = useState('')
  const [note, setNote] = useState('')
  const [over, setOver] = useState(false)
  const [sending, setSending] = useState(false)
  const [refused, setRefused] = useState<unknown>()
  const take = async (file: Blob | null | undefined) => {
    if (file === null || file === undefined) return
    setSending(true)
    setRefused(undefined)
    try {
      setPhoto(await upload(file))
    } catch (error) {
      setRefused(error)
    } finally {
      setSending(false)
    }
  }
  const paste = useEffectEvent((event: ClipboardEvent) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith('image/'))
    if (file !== undefined) {
      event.preventDefault()
      void take(file)
    }
  })
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => paste(event)
    window.addEventListener('paste', onPaste)
    return () => window.removeEventListener('paste', onPaste)
  }, [])
  const given = photo !== undefined || text.trim() !== ''
  const look = useChange(lookupMatches, { touches: [], quiet: true })
  const lookNow = useEffectEvent(() =>
    look.mutate({ body: photo === undefined ? { text: text.trim() } : { photos: [{ upload: photo.upload }] } }),
  )
  useEffect(() => {
    if (!given) return
    const timer = setTimeout(() => lookNow(), photo === undefined ? 400 : 0)
    return () => clearTimeout(timer)
  }, [given, photo, text])
  const add = useChange(makeBankEntry, {
    touches: ['banks'],
    done: 'The entry was added; it matches from now on',
    onDone: onClose,
    quiet: true,
  })
  const error = refused ?? add.error
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        add.mutate({
          params: { bankId },
          body: {
            ...(photo === undefined ? { text: text.trim() } : { upload: photo.upload }),
            labels,
            ...(source.trim() === '' ? {} : { source: source.trim() }),
            ...(note.trim() === '' ? {} : { note: note.trim() }),
          },
        })
      }}
    >
      {photo === undefined ? (
        <label
          className="drop"
          data-over={over ? '' : undefined}
          onDragOver={(event) => {
            event.preventDefault()
            setOver(true)
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault()
            setOver(false)
            void take(event.dataTransfer.files[0])
          }}
        >
          <IconPhotoUp size={20} aria-hidden />
          <span>{sending ? 'Sending and hashing…' : 'Drop, paste or choose a photo'}</span>
          <span className="small">JPEG, PNG, WebP, AVIF, GIF or TIFF, up to 25 MiB</span>
          <input
            type="file"
            accept="image/*"
            className="hidden-visually"
            aria-label="Choose a photo"
            onChange={(event) => void take(event.currentTarget.files?.[0])}
          />
        </label>
      ) : (
        <div className="row" style={{ alignItems: 'flex-start', gap: 16 }}>
          <MediaTile media={{ id: 'the photo', kind: 'photo', upload: photo.upload }} sizePx={200} />
          <div className="stack">
            <EvidenceList
              facts={[
                ['Kind', photo.mime],
                [
                  'Size',
                  `${photo.width} × ${photo.height}, ${Math.round(photo.bytes / 1024).toLocaleString('en')} KiB`,
                ],
                [
                  'Quality',
                  photo.quality === null
                    ? undefined
                    : `${photo.quality} of 100${photo.quality < 50 ? ': too plain to match safely' : ''}`,
                ],
              ]}
            />
            <Button onClick={() => setPhoto(undefined)}>Choose another</Button>
          </div>
        </div>
      )}
      {photo === undefined ? (
        <Textarea
          label="or a text"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={10_000}
        />
      ) : null}
      {given && look.data !== undefined ? (
        <p className="small" role="status" style={{ margin: 0 }}>
          {look.data.matches.length === 0 ? (
            <span className="muted">No bank knows it yet.</span>
          ) : (
            <>
              Already known:{' '}
              {look.data.matches.slice(0, 3).map((match, index) => (
                <span key={match.entryId}>
                  {index > 0 ? ', ' : ''}
                  <Go to={path`/banks/${match.bank.id}/${match.entryId}`}>{match.bank.name}</Go> ({match.described})
                </span>
              ))}
              .
            </>
          )}
        </p>
      ) : null}
      <TagsInput label="Labels" placeholder="Enter after each" value={labels} onChange={setLabels} size="xs" />
      <TextInput
        label="Source"
        placeholder="Where it came from"
        value={source}
        onChange={(event) => setSource(event.currentTarget.value)}
      />
      <TextInput label="Note" value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      {error === undefined || error === null ? null : (
        <p role="alert" className="small" style={{ color: 'var(--harm)', margin: 0 }}>
          {problemOf(error).title}. {problemText(error)}
        </p>
      )}
      <Button type="submit" variant="filled" disabled={!given || sending} loading={add.isPending}>
        Add entry
      </Button>
    </form>
  )
}
