import { Button, Checkbox, Modal, TagsInput, TextInput } from '@mantine/core'
import { IconFileImport } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { forgetResources, problemOf, problemText } from '../../api.ts'
import { countOf } from '../../frame/time.ts'
import { FormError } from '../../parts/FormError.tsx'
import { DropZone } from '../../parts/DropZone.tsx'
import { ProgressBar } from './ProgressBar.tsx'
import { formatOf, sendImport, sendMedia } from './send.ts'

type Progress = { text: string; share: number; refused: { name: string; why: string }[] }
const shownRefused = 5

/** Brings many entries in at once: a list as CSV or NDJSON, or many photos, videos and sounds. */
export function ImportDialog({
  bankId,
  opened,
  onClose,
  onSent,
}: {
  bankId: string
  opened: boolean
  onClose: () => void
  onSent: () => void
}) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={<h2>Import many entries</h2>}
      size={600}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened ? <Body bankId={bankId} onSent={onSent} /> : null}
    </Modal>
  )
}

const isMedia = (file: File) => /^(image|video|audio)\//.test(file.type)

function Body({ bankId, onSent }: { bankId: string; onSent: () => void }) {
  const [files, setFiles] = useState<File[]>([])
  const [labels, setLabels] = useState<string[]>([])
  const [source, setSource] = useState('')
  const [draft, setDraft] = useState(false)
  const [progress, setProgress] = useState<Progress>()
  const [error, setError] = useState<unknown>()
  const stop = useRef<AbortController>(undefined)
  useEffect(() => () => stop.current?.abort(), [])
  const media = files.filter(isMedia)
  const lists = files.filter((file) => !isMedia(file))
  const take = (chosen: File[]) => {
    setError(undefined)
    setFiles(chosen)
  }
  const begin = async () => {
    const abort = new AbortController()
    stop.current = abort
    setError(undefined)
    const query = {
      ...(labels.length === 0 ? {} : { labels: labels.join(',') }),
      ...(source.trim() === '' ? {} : { source: source.trim() }),
      ...(draft ? { draft } : {}),
    }
    try {
      for (const file of lists) {
        setProgress({ text: `Sending ${file.name}`, share: 0, refused: [] })
        await sendImport(
          bankId,
          file,
          { ...query, name: file.name.slice(0, 200) },
          {
            format: formatOf(file),
            signal: abort.signal,
            onSent: (share) => setProgress({ text: `Sending ${file.name}`, share, refused: [] }),
          },
        )
      }
      if (media.length > 0) {
        const refused: Progress['refused'] = []
        const rows: string[] = []
        for (const [index, file] of media.entries()) {
          setProgress({
            text: `Hashing ${(index + 1).toLocaleString('en')} of ${countOf(media.length, 'file')}: ${file.name}`,
            share: index / media.length,
            refused: [...refused],
          })
          try {
            const { upload } = await sendMedia(file, abort.signal)
            rows.push(JSON.stringify({ upload, note: file.name.slice(0, 200) }))
          } catch (reason) {
            if (abort.signal.aborted) throw reason
            refused.push({ name: file.name, why: problemText(reason) || problemOf(reason).title })
          }
        }
        if (rows.length > 0)
          await sendImport(
            bankId,
            new Blob([`${rows.join('\n')}\n`]),
            { ...query, name: countOf(rows.length, 'file') },
            { format: 'ndjson', signal: abort.signal, onSent: () => {} },
          )
        if (refused.length > 0) {
          setProgress({ text: `${countOf(rows.length, 'file')} brought in`, share: 1, refused })
          setFiles([])
          void forgetResources('banks')
          return
        }
      }
      void forgetResources('banks', 'hygiene')
      onSent()
    } catch (reason) {
      setProgress(undefined)
      if (!abort.signal.aborted) setError(reason)
    } finally {
      stop.current = undefined
    }
  }
  const running = progress !== undefined && progress.share < 1
  return (
    <form
      className="stack"
      style={{ gap: 12 }}
      onSubmit={(event) => {
        event.preventDefault()
        void begin()
      }}
    >
      <DropZone multiple label="Choose files to import" icon={<IconFileImport size={20} aria-hidden />} onFiles={take}>
        {files.length === 0 ? (
          <>
            <span>Drop a list, or many photos, videos and sounds</span>
            <span className="small">CSV or NDJSON with hashes, texts or links, up to 512 MiB; files as they are</span>
          </>
        ) : (
          <span>
            {lists.map((file) => file.name).join(', ')}
            {lists.length > 0 && media.length > 0 ? ' and ' : ''}
            {media.length > 0 ? countOf(media.length, 'photo, video or sound', 'photos, videos and sounds') : ''}
          </span>
        )}
      </DropZone>
      <details className="small">
        <summary>What a list looks like</summary>
        <pre className="raw" tabIndex={0} aria-label="Example of a list">{`type,value,labels,source
pdq,f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,spam|scam,report 17
md5,9e107d9d372bb6826bd81d3542a419d6,spam,

{"pdq":"f8f8…9b22","labels":["spam"],"note":"seen in May"}
{"text":"Send 1 coin, get 2 back","labels":["scam"]}
{"type":"url","value":"https://scam.example/win"}`}</pre>
      </details>
      <TagsInput
        label="Labels for every row"
        placeholder="Enter after each"
        value={labels}
        onChange={setLabels}
        size="xs"
      />
      <TextInput
        label="Source of rows that name none"
        value={source}
        onChange={(event) => setSource(event.currentTarget.value)}
      />
      <Checkbox
        label="Keep all of it as drafts"
        description="Nothing matches until you let the drafts match"
        checked={draft}
        onChange={(event) => setDraft(event.currentTarget.checked)}
      />
      {progress === undefined ? null : <ProgressBar label="Sending" share={progress.share} text={progress.text} />}
      {progress === undefined || progress.refused.length === 0 ? null : (
        <div role="status" className="small">
          <strong>{countOf(progress.refused.length, 'file')} could not be taken:</strong>
          <ul className="row-list">
            {progress.refused.slice(0, shownRefused).map((one) => (
              <li key={one.name}>
                {one.name}: <span className="muted">{one.why}</span>
              </li>
            ))}
          </ul>
          {progress.refused.length > shownRefused ? `and ${progress.refused.length - shownRefused} more` : ''}
        </div>
      )}
      <FormError error={error} />
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        {running ? <Button onClick={() => stop.current?.abort()}>Stop</Button> : null}
        {progress !== undefined && !running ? (
          <Button variant="filled" onClick={onSent}>
            Show the import
          </Button>
        ) : (
          <Button type="submit" variant="filled" disabled={files.length === 0} loading={running}>
            Import {files.length === 0 ? 'entries' : countOf(files.length, 'file')}
          </Button>
        )}
      </div>
    </form>
  )
}
