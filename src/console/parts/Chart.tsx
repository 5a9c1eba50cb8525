import { useElementSize } from '@mantine/hooks'
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

const heightDefaultPx = 180

/** Hours and minutes of a time on the axis, or its day where steps are days. */
function tickText(timeS: number, stepS: number): string {
  const time = new Date(timeS * 1_000)
  return stepS >= 86_400 || (time.getHours() === 0 && time.getMinutes() === 0)
    ? time.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
    : time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false })
}

/** A series over time with the period before it as a dashed line, on one axis; both are named at their right end. */
export function Chart({
  timesMs,
  values,
  before,
  label,
  names,
  heightPx = heightDefaultPx,
}: {
  timesMs: number[]
  values: number[]
  before?: number[]
  /** What is drawn, with unit and period; for screen readers too. */
  label: string
  names: [now: string, before: string]
  heightPx?: number
}) {
  const host = useRef<HTMLDivElement>(null)
  const { ref, width } = useElementSize()
  const scheme = useComputedColorScheme('light')
  const wide = Math.floor(width)
  useEffect(() => {
    if (wide < 100 || host.current === null) return
    const css = getComputedStyle(document.documentElement)
    const colour = (name: string) => css.getPropertyValue(name).trim()
    const font = "11px 'Inter Variable', system-ui, sans-serif"
    const axis = {
      stroke: colour('--faint'),
      font,
      ticks: { show: false },
      grid: { stroke: colour('--line'), width: 1 },
    }
    const plot = new uPlot(
      {
        width: wide,
        height: heightPx,
        padding: [8, 8, 0, 0],
        cursor: { points: { size: 6 }, drag: { x: false, y: false } },
        legend: { show: false },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 26,
            values: (_plot, ticks, _index, _space, stepS) => ticks.map((tick) => tickText(tick, stepS)),
          },
          {
            ...axis,
            size: 44,
            values: (_plot, ticks) => ticks.map((tick) => (tick >= 1_000 ? `${tick / 1_000} k` : String(tick))),
          },
        ],
        series: [
          {},
          {
            label: names[0],
            stroke: colour('--accent'),
            width: 1.75,
            fill: `${colour('--accent')}18`,
            points: { show: false },
          },
          { label: names[1], stroke: colour('--faint'), width: 1, dash: [4, 4], points: { show: false } },
        ],
      },
      [timesMs.map((time) => time / 1_000), values, before ?? values.map(() => null)],
      host.current,
    )
    return () => plot.destroy()
  }, [wide, heightPx, scheme, timesMs, values, before, names])
  const total = values.reduce((sum, value) => sum + value, 0)
  return (
    <figure style={{ margin: 0 }}>
      <div ref={ref}>
        <div
          ref={host}
          role="img"
          aria-label={`${label}. In all ${total.toLocaleString('en')}.`}
          style={{ height: heightPx }}
        />
      </div>
      <figcaption className="row small muted" style={{ gap: 16 }}>
        <span>
          <svg width="16" height="8" aria-hidden="true">
            <line x1="0" x2="16" y1="4" y2="4" stroke="var(--accent)" strokeWidth="2" />
          </svg>{' '}
          {names[0]}
        </span>
        <span>
          <svg width="16" height="8" aria-hidden="true">
            <line x1="0" x2="16" y1="4" y2="4" stroke="var(--faint)" strokeDasharray="4 3" />
          </svg>{' '}
          {names[1]}
        </span>
      </figcaption>
    </figure>
  )
}
