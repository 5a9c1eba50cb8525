import { CopyId } from '../../parts/CopyId.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { useSignalTypes } from '../../parts/signal-types.ts'
import { PdqPicture } from './PdqPicture.tsx'
import { clockText, framesOf, qualityText, type Hashes } from './state.ts'

const framesShownMax = 60
const turns = ['as it is', '90°', '180°', '270°', 'upside down', 'mirrored', 'mirrored, 90°', 'mirrored, 270°']

/** What was read from the content: its PDQ hash as a picture, video frames, digests. Nothing of it is kept. */
export function HashesPanel({ hashes }: { hashes: Hashes }) {
  const types = useSignalTypes()
  const { pdq } = hashes.signals
  const frames = framesOf(hashes.signals['vpdq'])
  const others = Object.entries(hashes.signals).filter(([name]) => name !== 'pdq' && name !== 'vpdq')
  return (
    <div className="stack" style={{ gap: 12 }}>
      {pdq === undefined ? null : (
        <div className="hash-head">
          <PdqPicture pdq={pdq} label="PDQ hash as a picture of 16 by 16 bits" />
          <div className="hash-words">
            <h3>PDQ</h3>
            <CopyId id={pdq} label="PDQ hash" characters={16} />
            {hashes.quality === undefined ? null : (
              <span>
                Quality{' '}
                <span className={hashes.quality < 50 ? 'attention' : 'muted'}>{qualityText(hashes.quality)}</span>
              </span>
            )}
            {hashes.animated ? <span className="muted">Several frames; this is the first.</span> : null}
          </div>
        </div>
      )}
      {hashes.dihedral === undefined && hashes.readings === undefined ? null : (
        <details>
          <summary className="small">
            Turned and mirrored{(hashes.readings?.length ?? 0) > 0 ? ', and read without what was added' : ''}
          </summary>
          <div className="hash-turns">
            {(hashes.dihedral ?? []).map((each, index) => (
              <figure key={index}>
                <PdqPicture pdq={each} label={`PDQ hash of the picture ${turns[index]}`} />
                <figcaption>{turns[index]}</figcaption>
              </figure>
            ))}
            {(hashes.readings ?? []).map((each) => (
              <figure key={each.transformation}>
                <PdqPicture pdq={each.pdq} label={`PDQ hash, reading ${each.transformation}`} />
                <figcaption>
                  {each.transformation} ({each.quality})
                </figcaption>
              </figure>
            ))}
          </div>
        </details>
      )}
      {frames.length === 0 ? null : (
        <section aria-label="Frames of the video">
          <h3>
            {frames.length.toLocaleString('en')} frames, {clockText(frames[0]!.seconds)} to{' '}
            {clockText(frames.at(-1)!.seconds)}
          </h3>
          <div className="hash-frames" tabIndex={0} role="region" aria-label="Hashes of the frames">
            {frames.slice(0, framesShownMax).map((frame, index) => (
              <figure key={index} data-poor={frame.quality < 50 ? '' : undefined}>
                <PdqPicture pdq={frame.pdq} label={`Frame at ${clockText(frame.seconds)}, quality ${frame.quality}`} />
                <figcaption>{clockText(frame.seconds)}</figcaption>
              </figure>
            ))}
            {frames.length > framesShownMax ? (
              <span className="faint small">and {(frames.length - framesShownMax).toLocaleString('en')} more</span>
            ) : null}
          </div>
        </section>
      )}
      <EvidenceList
        facts={others.map(([name, value]) => [
          types.title(name),
          value.length > 400 ? (
            <span key={name} className="row">
              <CopyId id={value} label={types.title(name)} characters={16} />
              <span className="faint small">{value.length.toLocaleString('en')} characters</span>
            </span>
          ) : (
            <CopyId key={name} id={value} label={types.title(name)} characters={20} />
          ),
        ])}
      />
    </div>
  )
}
