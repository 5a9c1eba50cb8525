import { IconHash, IconLetterCase, IconLink, IconMusic, IconMovie } from '@tabler/icons-react'
import type { BankEntry } from '../../../http/contract/banks.ts'

type Shown = Pick<BankEntry, 'mediaSha256' | 'text' | 'signals'>

/** What kind of content an entry is, as a sign: its blurred picture where there is one. Small and never clear. */
export function EntryThumb({ entry, sizePx }: { entry: Shown; sizePx: number }) {
  const size = { width: sizePx, height: Math.round(sizePx * 0.75) }
  const Sign =
    'vpdq' in entry.signals || 'tmk' in entry.signals
      ? IconMovie
      : 'chromaprint' in entry.signals
        ? IconMusic
        : 'url' in entry.signals
          ? IconLink
          : entry.text === null
            ? IconHash
            : IconLetterCase
  return (
    <span className="entry-thumb" style={size} aria-hidden="true">
      <Sign size={Math.min(16, sizePx / 2)} />
      {entry.mediaSha256 === null ? null : (
        <img
          src={`/v1/media/${entry.mediaSha256}?variant=blurred`}
          alt=""
          loading="lazy"
          onError={(event) => (event.currentTarget.hidden = true)}
        />
      )}
    </span>
  )
}
