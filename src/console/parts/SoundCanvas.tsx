import { useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useEffect, useEffectEvent, useRef } from 'react'

export type SoundColours = { strong: string; soft: string; differs: string }

/** A drawing over time in the colours of the scheme, sharp on any screen. With `onPick` a click names a share of it. */
export function SoundCanvas({
  draw,
  label,
  className,
  onPick,
}: {
  draw: (context: CanvasRenderingContext2D, size: { width: number; height: number }, colours: SoundColours) => void
  /** What is drawn, for screen readers. */
  label: string
  className: string
  onPick?: (share: number) => void
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { ref, width, height } = useElementSize()
  const scheme = useComputedColorScheme('light')
  const drawNow = useEffectEvent(() => {
    const context = canvas.current?.getContext('2d')
    if (context == null || width === 0) return
    const dense = window.devicePixelRatio || 1
    canvas.current!.width = Math.round(width * dense)
    canvas.current!.height = Math.round(height * dense)
    context.scale(dense, dense)
    const css = getComputedStyle(document.documentElement)
    const colour = (name: string) => css.getPropertyValue(name).trim()
    draw(
      context,
      { width, height },
      {
        strong: colour('--accent'),
        soft: colour('--line-strong'),
        differs: colour('--attention'),
      },
    )
  })
  useEffect(() => {
    drawNow()
  }, [width, height, scheme, draw])
  return (
    <div
      ref={ref}
      className={className}
      role="img"
      aria-label={label}
      onPointerDown={
        onPick === undefined
          ? undefined
          : (event) => {
              const box = event.currentTarget.getBoundingClientRect()
              onPick(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)))
            }
      }
    >
      <canvas ref={canvas} aria-hidden style={{ width: '100%', height: '100%', display: 'block' }} />
    </div>
  )
}
