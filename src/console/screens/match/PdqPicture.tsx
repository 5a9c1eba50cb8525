import { bitsOf } from './state.ts'

const cell = 6

/**
 * The 256 bits of a PDQ hash as a picture: broad shapes at the upper left, fine ones at the lower right. With `against` it
 * shows the bits that differ.
 */
export function PdqPicture({ pdq, against, label }: { pdq: string; against?: string; label: string }) {
  const bits = bitsOf(pdq)
  const others = against === undefined ? undefined : bitsOf(against)
  const on: string[] = []
  bits.forEach((row, i) =>
    row.forEach((bit, j) => {
      if (others === undefined ? bit : bit !== others[i]![j])
        on.push(`M${j * cell},${i * cell}h${cell - 0.5}v${cell - 0.5}h-${cell - 0.5}z`)
    }),
  )
  const side = 16 * cell
  return (
    <svg
      className="pdq-picture"
      data-differing={others === undefined ? undefined : ''}
      viewBox={`-1 -1 ${side + 1.5} ${side + 1.5}`}
      width={side}
      height={side}
      role="img"
      aria-label={label}
    >
      <rect x="-1" y="-1" width={side + 1.5} height={side + 1.5} />
      <path d={on.join('')} />
    </svg>
  )
}
