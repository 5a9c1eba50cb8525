import { IconEyeOff } from '@tabler/icons-react'
import { useState, type PointerEvent } from 'react'
import { useElementSize } from '@mantine/hooks'
import { useClearPicture } from '../../parts/clear-picture.ts'
import { cornersOf, layOver, sharedRegion, type Matrix } from './state.ts'

const heightPxMax = 440
const aspectDefault = 4 / 3

/**
 * The query laid over the known picture, warped so that they fit: as a wipe, or as what differs between them (same is
 * black). What both show is outlined. Both stay veiled until held; while held, the pointer moves the edge.
 */
export function Overlay({
  localUrl,
  uploadSha256,
  entrySha256,
  matrix,
  inverted,
  mode,
}: {
  localUrl?: string | undefined
  uploadSha256?: string | undefined
  entrySha256: string
  matrix: Matrix
  inverted: boolean
  mode: 'wipe' | 'difference'
}) {
  const { ref, width: room } = useElementSize()
  const [shown, setShown] = useState(false)
  const [split, setSplit] = useState(50)
  const [aspect, setAspect] = useState(aspectDefault)
  const entry = useClearPicture(entrySha256)
  const query = useClearPicture(uploadSha256)
  const region = sharedRegion(cornersOf(matrix))
  const width = Math.max(1, Math.min(room, heightPxMax * aspect))
  const height = width / aspect
  const clear = shown && entry.url !== undefined && (localUrl ?? query.url) !== undefined
  const reveal = () => {
    setShown(true)
    entry.ask()
    if (localUrl === undefined) query.ask()
  }
  const veil = () => setShown(false)
  const words =
    entry.failed || query.failed
      ? 'Cannot be shown'
      : shown
        ? 'Fetching…'
        : mode === 'wipe'
          ? 'Hold to see, move to wipe'
          : 'Hold to see what differs'
  const move = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    if (mode === 'wipe') setSplit(Math.round(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * 100))
  }
  return (
    <div ref={ref} className="overlay">
      <div className="overlay-box" style={{ width, height }}>
        <button
          type="button"
          className="overlay-stage"
          style={{ width, height }}
          aria-label={`${words} · the query laid over the known picture (veiled; looking is logged)`}
          aria-pressed={shown}
          data-veiled={clear ? undefined : ''}
          data-mode={mode}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId)
            move(event)
            reveal()
          }}
          onPointerMove={(event) => {
            if (shown) move(event)
          }}
          onPointerUp={veil}
          onPointerCancel={veil}
          onBlur={veil}
          onContextMenu={(event) => event.preventDefault()}
          onKeyDown={(event) => {
            if ((event.key === ' ' || event.key === 'Enter') && !event.repeat) {
              event.preventDefault()
              reveal()
            } else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
              event.preventDefault()
              setSplit((at) => Math.max(0, Math.min(100, at + (event.key === 'ArrowLeft' ? -5 : 5))))
            }
          }}
          onKeyUp={(event) => {
            if (event.key === ' ' || event.key === 'Enter') veil()
          }}
        >
          <img
            src={clear ? entry.url : `/v1/media/${entrySha256}?variant=blurred`}
            alt=""
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
              if (naturalWidth > 0 && naturalHeight > 0) setAspect(naturalWidth / naturalHeight)
            }}
          />
          <span
            className="overlay-query"
            style={mode === 'wipe' ? { clipPath: `inset(0 ${100 - split}% 0 0)` } : { mixBlendMode: 'difference' }}
          >
            <img
              src={clear ? (localUrl ?? query.url) : (localUrl ?? `/v1/media/${uploadSha256}?variant=blurred`)}
              alt=""
              style={{
                width,
                height,
                transform: layOver(matrix, width, height),
                ...(inverted && clear ? { filter: 'invert(1)' } : {}),
              }}
            />
          </span>
          <Region corners={region} dimmed={mode === 'difference'} />
          {clear ? null : (
            <span className="media-words">
              <IconEyeOff size={16} aria-hidden />
              {words}
            </span>
          )}
        </button>
        {mode === 'wipe' ? (
          <span className="overlay-edge" style={{ left: `${split}%` }} aria-hidden>
            <span>asked</span>
            <span>known</span>
          </span>
        ) : null}
      </div>
      {mode === 'wipe' ? (
        <label className="overlay-range">
          <span className="small muted">All known</span>
          <input
            type="range"
            min={0}
            max={100}
            step={1}
            value={split}
            aria-label="How much of the query is seen over the known picture, in per cent"
            onChange={(event) => setSplit(Number(event.currentTarget.value))}
          />
          <span className="small muted">All asked</span>
        </label>
      ) : (
        <p className="faint small" style={{ margin: 0 }}>
          Inside the outline, what is the same is black and what differs is light.
        </p>
      )}
    </div>
  )
}

/** The outline of what both pictures show; where they differ is only asked inside it. */
function Region({ corners, dimmed }: { corners: readonly [x: number, y: number][]; dimmed: boolean }) {
  if (corners.length < 3) return null
  const way = corners.map(([x, y]) => `${(x * 100).toFixed(2)},${(y * 100).toFixed(2)}`).join(' L')
  return (
    <svg className="overlay-region" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden>
      {dimmed ? <path className="overlay-outside" d={`M0,0 H100 V100 H0 Z M${way} Z`} fillRule="evenodd" /> : null}
      <path className="overlay-outline" d={`M${way} Z`} data-under />
      <path className="overlay-outline" d={`M${way} Z`} />
    </svg>
  )
}
