import { drawSound, type SoundPicture } from '../../../http/contract/match.ts'
import { useRead } from '../../api.ts'
import { percentText } from '../../frame/time.ts'
import { Panel } from '../../parts/Page.tsx'
import { SoundCanvas, type SoundColours } from '../../parts/SoundCanvas.tsx'
import '../../parts/sound.css'
import { clockText } from './state.ts'

const bitsOfValue = 32

/** Both fingerprints laid over each other where they sound the same, and where in that stretch they differ. */
export function SoundPair({ asked, known }: { asked: string; known: string }) {
  const read = useRead(drawSound, { body: { a: asked, b: known } }, { staleMs: Infinity })
  const picture = read.data
  if (picture?.same == null || picture.b === null) return null
  const { a, b, same, stepMs } = picture
  const length = same.differing.length
  const time = (steps: number) => clockText((steps * stepMs) / 1_000)
  const share = same.differing.reduce((sum, bits) => sum + bits, 0) / (length * bitsOfValue)
  // Both on one axis: the time of the asked sound, with the known one moved to where it fits.
  const from = Math.min(0, same.aFrom - same.bFrom / same.tempo)
  const until = Math.max(a.length, same.aFrom + (b.length - same.bFrom) / same.tempo)
  const axis = { from, until, sameFrom: same.aFrom, sameUntil: same.aFrom + length }
  const ownAt = (at: number) => a[at]
  const knownAt = (at: number) => b[Math.round(same.bFrom + (at - same.aFrom) * same.tempo)]
  return (
    <Panel title="Where they sound the same">
      <p className="small" style={{ margin: '0 0 8px' }}>
        {time(same.aFrom)} to {time(same.aFrom + length)} of what was asked is {time(same.bFrom)} to{' '}
        {time(same.bFrom + length * same.tempo)} of the known sound
        {same.tempo === 1
          ? ''
          : `, played ${percentText(Math.abs(same.tempo - 1))} ${same.tempo > 1 ? 'faster' : 'slower'}`}
        ; {percentText(share)} of the bits differ there.
      </p>
      <div className="sound-pair small muted">
        <span>asked</span>
        <SoundCanvas
          className="sound-print"
          label={`Fingerprint of what was asked, ${time(a.length)} long`}
          draw={(context, size, colours) => drawPrint(context, size, colours, axis, ownAt)}
        />
        <span>differ</span>
        <SoundCanvas
          className="sound-differs"
          label={`Bits that differ between ${time(same.aFrom)} and ${time(same.aFrom + length)}: ${percentText(share)}`}
          draw={(context, size, colours) => drawDiffering(context, size, colours, axis, same)}
        />
        <span>known</span>
        <SoundCanvas
          className="sound-print"
          label={`Fingerprint of the known sound, ${time(b.length)} long`}
          draw={(context, size, colours) => drawPrint(context, size, colours, axis, knownAt)}
        />
      </div>
    </Panel>
  )
}

type Size = { width: number; height: number }
type Axis = { from: number; until: number; sameFrom: number; sameUntil: number }

/** The bits of a fingerprint, time to the right; what both have in common is strong. */
function drawPrint(
  context: CanvasRenderingContext2D,
  { width, height }: Size,
  { strong, soft }: SoundColours,
  { from, until, sameFrom, sameUntil }: Axis,
  valueAt: (at: number) => number | undefined,
) {
  const columns = Math.max(1, Math.min(Math.floor(width), Math.ceil(until - from)))
  const wide = width / columns
  const high = height / bitsOfValue
  for (let column = 0; column < columns; column++) {
    const at = Math.floor(from + ((column + 0.5) / columns) * (until - from))
    const value = valueAt(at)
    if (value === undefined) continue
    context.fillStyle = at >= sameFrom && at < sameUntil ? strong : soft
    for (let bit = 0; bit < bitsOfValue; bit++)
      if (((value >>> bit) & 1) === 1) context.fillRect(column * wide, bit * high, Math.ceil(wide), Math.ceil(high))
  }
}

/** How many bits differ at each moment of the stretch that both have in common, from below. */
function drawDiffering(
  context: CanvasRenderingContext2D,
  { width, height }: Size,
  { soft, differs }: SoundColours,
  { from, until, sameFrom }: Axis,
  { differing }: NonNullable<SoundPicture['same']>,
) {
  const x = (at: number) => ((at - from) / (until - from)) * width
  context.fillStyle = soft
  context.fillRect(x(sameFrom), height - 1, x(sameFrom + differing.length) - x(sameFrom), 1)
  context.fillStyle = differs
  for (const [at, bits] of differing.entries()) {
    const high = (bits / bitsOfValue) * height
    context.fillRect(x(sameFrom + at), height - high, Math.max(1, width / (until - from)), high)
  }
}
