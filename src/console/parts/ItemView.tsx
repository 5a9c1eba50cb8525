import type { EventItem } from '../../domain/event.ts'
import { MediaTile } from './MediaTile.tsx'
import { SubjectChip } from './SubjectChip.tsx'
import './entry.css'

/** Text and media of an item as inert content: markup is shown as text, links cannot be followed, media is veiled. */
export function ItemView({ item, tilePx = 200, jobId }: { item: EventItem; tilePx?: number; jobId?: string }) {
  return (
    <div>
      {item.text === undefined || item.text === '' ? null : (
        <p className="item-text" dir="auto" lang={item.language}>
          {item.text.length > 20_000
            ? `${item.text.slice(0, 20_000)}… (${item.text.length.toLocaleString('en')} characters)`
            : item.text}
        </p>
      )}
      {item.media && item.media.length > 0 ? (
        <div className="item-media">
          {item.media.map((media) => (
            <MediaTile key={media.id} media={media} sizePx={tilePx} jobId={jobId} />
          ))}
        </div>
      ) : null}
      {item.links && item.links.length > 0 ? (
        <p className="small muted" style={{ margin: '4px 0', overflowWrap: 'anywhere' }}>
          Links (not followed): {item.links.map((link) => link.replace(/^http/, 'hxxp')).join(' · ')}
        </p>
      ) : null}
      {item.parent === undefined ? null : (
        <p className="small muted" style={{ margin: '4px 0' }}>
          Answers or shares <SubjectChip subject={{ kind: 'item', id: item.parent }} />
        </p>
      )}
      {item.generated === undefined ? null : (
        <pre className="raw" tabIndex={0} aria-label="How it was generated">
          {JSON.stringify(item.generated, null, 2)}
        </pre>
      )}
    </div>
  )
}
