import { Button } from '@mantine/core'
import { IconHeadphones, IconVolumeOff } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { getSound } from '../../http/contract/match.ts'
import { client } from '../api.ts'
import { useMay } from '../frame/session.tsx'
import { SoundCanvas } from './SoundCanvas.tsx'
import { peaksOf } from './sound-peaks.ts'
import './sound.css'

/** Narrower players leave the words away: in a grid they would be noise. */
const wordsPxMin = 240
const peaksMax = 600
/** Half as loud as it is: what one hears here may shock. */
const volume = 0.5

type Heard = { url: string; peaks: number[] }

/**
 * A sound that is silent until it is asked for; then native controls, and its waveform to jump about in. It is fetched
 * only then, and the server notes who listened. With `localFile` it is a file of the person, on this machine only.
 */
export function SoundPlayer({
  name,
  sha256,
  localFile,
  jobId,
  widthPx,
}: {
  name: string
  sha256?: string | undefined
  localFile?: Blob | undefined
  jobId?: string | undefined
  /** As wide as its place where missing. */
  widthPx?: number
}) {
  const mayHear = useMay('media:reveal') || localFile !== undefined
  const [state, setState] = useState<'silent' | 'fetching' | 'failed' | Heard>('silent')
  const [share, setShare] = useState(0)
  const audio = useRef<HTMLAudioElement>(null)
  const heard = typeof state === 'object' ? state : undefined
  const narrow = widthPx !== undefined && widthPx < wordsPxMin
  useEffect(
    () => () => {
      if (heard !== undefined) URL.revokeObjectURL(heard.url)
    },
    [heard],
  )
  const listen = async () => {
    setState('fetching')
    try {
      const bytes = localFile ?? (await fetchSound(sha256 ?? '', jobId))
      const peaks = await peaksOf(await bytes.arrayBuffer(), peaksMax)
      setState({ url: URL.createObjectURL(bytes), peaks })
    } catch {
      setState('failed')
    }
  }
  return (
    <div
      className="sound"
      data-narrow={narrow ? '' : undefined}
      style={widthPx === undefined ? {} : { width: widthPx }}
    >
      {heard === undefined ? (
        <Button
          className="sound-ask"
          variant="default"
          loading={state === 'fetching'}
          disabled={!mayHear || (sha256 === undefined && localFile === undefined)}
          leftSection={mayHear ? <IconHeadphones size={16} aria-hidden /> : <IconVolumeOff size={16} aria-hidden />}
          aria-label={`Listen to ${name}${localFile === undefined ? '; listening is logged' : ''}`}
          onClick={() => void listen()}
        >
          {state === 'failed' ? 'Cannot be played; try again' : 'Listen'}
        </Button>
      ) : (
        <>
          <SoundCanvas
            className="sound-wave"
            label={`Loudness of ${name} over time`}
            draw={(context, { width, height }, colours) =>
              drawPeaks(context, width, height, heard.peaks, share, colours)
            }
            onPick={(at) => {
              if (audio.current !== null) audio.current.currentTime = at * audio.current.duration
            }}
          />
          {/* oxlint-disable-next-line jsx-a11y/media-has-caption -- it is what somebody sent, and has none. */}
          <audio
            ref={(element) => {
              if (element !== null && audio.current === null) element.volume = volume
              audio.current = element
            }}
            controls
            autoPlay
            src={heard.url}
            aria-label={name}
            onTimeUpdate={(event) => setShare(event.currentTarget.currentTime / (event.currentTarget.duration || 1))}
          />
        </>
      )}
      {narrow || heard !== undefined ? null : (
        <span className="small muted">
          {!mayHear
            ? 'Your role may not listen to it.'
            : localFile === undefined
              ? 'Silent until you ask. Listening is logged.'
              : 'Silent until you ask. It stays on this machine.'}
        </span>
      )}
    </div>
  )
}

async function fetchSound(sha256: string, jobId: string | undefined): Promise<Blob> {
  const response = await fetch(
    client.url(getSound, { params: { sha256 }, query: jobId === undefined ? {} : { job: jobId } }),
  )
  if (!response.ok) throw new Error(String(response.status))
  return response.blob()
}

function drawPeaks(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  peaks: readonly number[],
  share: number,
  { strong, soft }: { strong: string; soft: string },
) {
  const step = 3
  const bars = Math.max(1, Math.floor(width / step))
  for (let bar = 0; bar < bars; bar++) {
    const from = Math.floor((bar / bars) * peaks.length)
    const until = Math.max(from + 1, Math.floor(((bar + 1) / bars) * peaks.length))
    const high = Math.max(1, Math.max(...peaks.slice(from, until)) * (height - 2))
    context.fillStyle = bar / bars < share ? strong : soft
    context.fillRect(bar * step, (height - high) / 2, step - 1, high)
  }
}
