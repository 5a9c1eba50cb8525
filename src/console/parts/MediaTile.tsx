import { IconEyeOff, IconPhotoOff } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import type { EventMedia } from '../../domain/event.ts'
import './entry.css'

/** Smaller tiles show the sign alone: in a grid the words would be noise. */
const wordsPxMin = 200

/**
 * A picture, blurred and grey until it is asked for: hold the pointer, Space or Enter to see it; letting go veils it again.
 * The clear picture is fetched only then, and the server notes who looked.
 */
export function MediaTile({ media, sizePx = 200, jobId }: { media: EventMedia; sizePx?: number; jobId?: string }) {
  const [shown, setShown] = useState(false)
  const [clearUrl, setClearUrl] = useState<string>()
  const [failed, setFailed] = useState(false)
  const asked = useRef(false)
  const sha256 = media.upload
  useEffect(
    () => () => {
      if (clearUrl !== undefined) URL.revokeObjectURL(clearUrl)
    },
    [clearUrl],
  )
  const reveal = () => {
    setShown(true)
    if (asked.current || sha256 === undefined) return
    asked.current = true
    void fetch(`/v1/media/${sha256}?variant=full${jobId === undefined ? '' : `&job=${encodeURIComponent(jobId)}`}`)
      .then(async (response) => {
        if (!response.ok) throw new Error(String(response.status))
        setClearUrl(URL.createObjectURL(await response.blob()))
      })
      .catch(() => {
        asked.current = false
        setFailed(true)
      })
  }
  const veil = () => setShown(false)
  const word = media.kind === 'photo' ? 'Photo' : media.kind
  if (sha256 === undefined)
    return (
      <span className="media-tile" style={{ width: sizePx, height: sizePx * 0.6, cursor: 'default' }}>
        <span className="media-words">
          <IconPhotoOff size={16} aria-hidden />
          {word}: only its hash is known
        </span>
      </span>
    )
  return (
    <button
      type="button"
      className="media-tile"
      style={{ width: sizePx, height: sizePx * 0.75 }}
      aria-label={`${word} · hold to see (${media.id}, veiled; looking is logged)`}
      aria-pressed={shown}
      onPointerDown={reveal}
      onPointerUp={veil}
      onPointerLeave={veil}
      onPointerCancel={veil}
      onBlur={veil}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if ((event.key === ' ' || event.key === 'Enter') && !event.repeat) {
          event.preventDefault()
          reveal()
        }
      }}
      onKeyUp={(event) => {
        if (event.key === ' ' || event.key === 'Enter') veil()
      }}
    >
      {shown && clearUrl !== undefined ? (
        <img src={clearUrl} alt="" />
      ) : (
        <>
          <img
            src={`/v1/media/${sha256}?variant=blurred`}
            alt=""
            data-veiled=""
            loading="lazy"
            onError={(event) => (event.currentTarget.hidden = true)}
          />
          <span className="media-words">
            <IconEyeOff size={16} aria-hidden />
            {failed ? 'Cannot be shown' : shown ? 'Fetching…' : sizePx < wordsPxMin ? null : `${word} · hold to see`}
          </span>
        </>
      )}
    </button>
  )
}
