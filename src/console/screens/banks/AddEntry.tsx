import { Button, Checkbox, Modal, SegmentedControl, Select, TagsInput, Textarea, TextInput } from '@mantine/core'
import { IconPhotoUp } from '@tabler/icons-react'
import { useEffect, useEffectEvent, useState } from 'react'
import { makeBankEntry, previewNewEntry } from '../../../http/contract/banks.ts'
import { lookupMatches, type Upload } from '../../../http/contract/match.ts'
import { problemText, useChange } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { path } from '../../frame/url.ts'
import { FormError } from '../../parts/FormError.tsx'
import { DropZone } from '../../parts/DropZone.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { MediaTile } from '../../parts/MediaTile.tsx'
import { PastMatchesView } from './PastMatchesView.tsx'
import { sendMedia } from './send.ts'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { hashIn } from './state.ts'

/** Adds a file, a text or a hash; shows first what the banks already know of it, and what it would have matched. */
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

type Way = 'file' | 'text' | 'hash'
type Content = { upload: string } | { text: string } | { signals: Record<string, string> }

function Body({ bankId, onClose }: { bankId: string; onClose: () => void }) {
  const [photo, setPhoto] = useState<Upload>()
  const [text, setText] = useState('')
  const [way, setWay] = useState<Way>('file')
  const [hash, setHash] = useState('')
  const [hashType, setHashType] = useState('pdq')
  const types = useSignalTypes()
  const [draft, setDraft] = useState(false)
  const [labels, setLabels] = useState<string[]>([])
  const [source, setSource] = useState('')
  const [note, setNote] = useState('')
  const [sending, setSending] = useState(false)
  const [refused, setRefused] = useState<unknown>()
  const take = async (file: Blob | null | undefined) => {
    if (file === null || file === undefined) return
    setSending(true)
    setRefused(undefined)
    try {
      setPhoto(await sendMedia(file))
    } catch (error) {
      setRefused(error)
    } finally {
      setSending(false)
    }
  }
  const paste = useEffectEvent((event: ClipboardEvent) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => /^(image|video|audio)\//.test(each.type))
    if (file !== undefined) {
      event.preventDefault()
      setWay('file')
      void take(file)
    }
  })
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => paste(event)
    window.addEventListener('paste', onPaste)
    return () => window.removeEventListener('paste', onPaste)
  }, [])
  const content: Content | undefined =
    way === 'file' && photo !== undefined
      ? { upload: photo.upload }
      : way === 'text' && text.trim() !== ''
        ? { text: text.trim() }
        : way === 'hash' && hash.trim() !== ''
          ? { signals: { [hashType]: hash.trim() } }
          : undefined
  const given = content !== undefined
  const key = JSON.stringify(content)
  const preview = useChange(previewNewEntry, { touches: [], quiet: true })
  const look = useChange(lookupMatches, { touches: [], quiet: true })
  const lookNow = useEffectEvent(() => {
    if (content === undefined) return
    look.mutate({ body: 'upload' in content ? { media: [content] } : content })
  })
  const forgetPast = useEffectEvent(() => preview.reset())
  useEffect(() => {
    forgetPast()
    if (key === undefined) return
    const timer = setTimeout(() => lookNow(), way === 'file' ? 0 : 400)
    return () => clearTimeout(timer)
  }, [key, way])
  const add = useChange(makeBankEntry, {
    touches: ['banks', 'hygiene'],
    done: ({ status }) =>
      status === 'pending'
        ? 'The draft was added; it does not match yet'
        : 'The entry was added; it matches from now on',
    onDone: onClose,
    quiet: true,
  })
  const error = refused ?? add.error
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        if (content === undefined) return
        add.mutate({
          params: { bankId },
          body: {
            ...content,
            labels,
            ...(source.trim() === '' ? {} : { source: source.trim() }),
            ...(note.trim() === '' ? {} : { note: note.trim() }),
            ...(draft ? { draft } : {}),
          },
        })
      }}
    >
      <SegmentedControl
        aria-label="What is added"
        value={way}
        onChange={(value) => setWay(value as Way)}
        data={[
          { value: 'file', label: 'File' },
          { value: 'text', label: 'Text' },
          { value: 'hash', label: 'Hash or link' },
        ]}
      />
      {way !== 'file' ? null : photo === undefined ? (
        <DropZone
          label="Choose a file"
          accept="image/*,video/*,audio/*"
          icon={<IconPhotoUp size={20} aria-hidden />}
          onFiles={([file]) => void take(file)}
        >
          <span>{sending ? 'Sending and hashing…' : 'Drop, paste or choose a photo, video or sound'}</span>
          <span className="small">Photos up to 25 MiB, sounds 50 MiB, videos 100 MiB</span>
        </DropZone>
      ) : (
        <div className="row" style={{ alignItems: 'flex-start', gap: 16 }}>
          <MediaTile media={{ id: 'the file', kind: photo.kind, upload: photo.upload }} sizePx={200} />
          <div className="stack">
            <EvidenceList
              facts={[
                ['Kind', photo.mime],
                [
                  'Size',
                  `${photo.width === null ? '' : `${photo.width} × ${photo.height}, `}${Math.round(photo.bytes / 1024).toLocaleString('en')} KiB`,
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
      {way === 'text' ? (
        <Textarea
          label="Text"
          description="Found again in the same words, in disguise, and where it is nearly the same"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={10_000}
        />
      ) : null}
      {way === 'hash' ? (
        <>
          <Textarea
            label="Hash, signal or address"
            description="Paste it; its type is told from its length where that is possible"
            value={hash}
            onChange={(event) => {
              const value = event.currentTarget.value
              const known = hashIn(value, types)
              setHash(known?.value ?? value)
              if (known !== undefined && (hashType === 'pdq' || known.type !== 'pdq')) setHashType(known.type)
              else if (/^https?:/i.test(value.trim())) setHashType('url')
            }}
            autosize
            minRows={2}
            maxRows={6}
          />
          <Select
            label="Signal type"
            description={types.all.find(({ name }) => name === hashType)?.about}
            data={types.all.map(({ name, title }) => ({ value: name, label: title }))}
            value={hashType}
            onChange={(value) => setHashType(value ?? 'pdq')}
            allowDeselect={false}
          />
        </>
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
      {given ? (
        preview.data === undefined ? (
          <div>
            <Button
              size="compact-xs"
              loading={preview.isPending}
              onClick={() => preview.mutate({ params: { bankId }, body: content })}
            >
              What would it have matched in the past month?
            </Button>
            {preview.error ? (
              <p className="small muted" role="status">
                {problemText(preview.error)}
              </p>
            ) : null}
          </div>
        ) : (
          <PastMatchesView past={preview.data} />
        )
      ) : null}
      <TagsInput label="Labels" placeholder="Enter after each" value={labels} onChange={setLabels} size="xs" />
      <TextInput
        label="Source"
        placeholder="Where it came from"
        value={source}
        onChange={(event) => setSource(event.currentTarget.value)}
      />
      <TextInput label="Note" value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      <Checkbox
        label="Keep it as a draft"
        description="It does not match until somebody lets it go live"
        checked={draft}
        onChange={(event) => setDraft(event.currentTarget.checked)}
      />
      <FormError error={error} />
      <Button type="submit" variant="filled" disabled={!given || sending} loading={add.isPending}>
        {draft ? 'Add draft' : 'Add entry'}
      </Button>
    </form>
  )
}
