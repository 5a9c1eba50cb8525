import { SubjectCard } from '../parts/SubjectCard.tsx'
import { keepSubject, leaveSubject, useHovered } from './hover.ts'

const cardWidthPx = 320

/** Shows the card of the chip under the pointer. */
export function HoverHost() {
  const hovered = useHovered()
  if (hovered === undefined) return null
  const below = hovered.bottom + 260 < window.innerHeight
  return (
    <div
      className="hover-card"
      role="tooltip"
      style={{
        left: Math.max(8, Math.min(hovered.left, window.innerWidth - cardWidthPx - 8)),
        ...(below ? { top: hovered.bottom + 4 } : { bottom: window.innerHeight - hovered.top + 4 }),
      }}
      onPointerEnter={keepSubject}
      onPointerLeave={leaveSubject}
    >
      <SubjectCard subject={hovered.subject} />
    </div>
  )
}
