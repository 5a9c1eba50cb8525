import { IconEyeOff, IconPhotoOff } from '@tabler/icons-react'
import { useEffect, useEffectEvent, useState } from 'react'
import type { EventMedia } from '../../domain/event.ts'
import { useClearPicture } from './clear-picture.ts'
import { SoundPlayer } from './SoundPlayer.tsx'
import './entry.css'

/** Smaller tiles show the sign alone: in a grid the words would be noise. */
const wordsPxMin = 200
const words: Record<string, string> = { photo: 'Photo', video: 'Video', audio: 'Sound' }

/**
 * A picture, blurred and grey until it is asked for: hold the pointer, Space or Enter to see it; letting go veils it again.
 * The clear picture is fetched only then, and the server notes who looked. With `localUrl` it is a file of the person that
 * is on this machine only: nothing is fetched and nothing noted. A sound is silent until it is asked for.
 */
export function MediaTile(props: MediaTileProps) {
  const { media, sizePx = 200, localFile, jobId } = props
  return media.kind === 'audio' ? (
    <SoundPlayer name={media.id} sha256={media.upload} localFile={localFile} jobId={jobId} widthPx={sizePx} />
  ) : (
    <VeiledPicture {...props} />
  )
}

type MediaTileProps = {
  media: EventMedia
  sizePx?: number
  jobId?: string
  localUrl?: string
  /** The same file itself: pages may not fetch their own addresses of files. */
  localFile?: Blob | undefined
  /** Also shown while this is true: a key of the screen that is held, say. */
  held?: boolean
}

function VeiledPicture({ media, sizePx = 200, jobId, localUrl, held = false }: MediaTileProps) {
  const [pressed, setShown] = useState(false)
  const shown = pressed || held
  const sha256 = media.upload
  const { url: clearUrl, failed, ask } = useClearPicture(sha256, jobId)
  const reveal = () => {
    setShown(true)
    ask()
  }
  const askHeld = useEffectEvent(ask)
  useEffect(() => {
    if (held) askHeld()
  }, [held])
  const veil = () => setShown(false)
  const word = words[media.kind] ?? media.kind
  const moving = localUrl !== undefined && media.kind === 'video'
  if (sha256 === undefined && localUrl === undefined)
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
      aria-label={`${moving ? 'Video · hold to play' : `${word} · hold to see`} (${media.id}, veiled${localUrl === undefined ? '; looking is logged' : ''})`}
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
      {moving ? (
        <>
          <video
            src={localUrl}
            muted
            playsInline
            loop
            autoPlay={shown}
            preload="metadata"
            data-veiled={shown ? undefined : ''}
            ref={(video) => {
              if (shown) void video?.play().catch(() => {})
              else video?.pause()
            }}
          />
          {shown ? null : (
            <span className="media-words">
              <IconEyeOff size={16} aria-hidden />
              {sizePx < wordsPxMin ? null : 'Video · hold to play'}
            </span>
          )}
        </>
      ) : shown && (clearUrl ?? localUrl) !== undefined ? (
        <img src={clearUrl ?? localUrl} alt="" />
      ) : (
        <>
          <img
            src={localUrl ?? `/v1/media/${sha256}?variant=blurred`}
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
