/** How far something is, as a bar and in words. */
export function ProgressBar({ share, label, text }: { share: number; label: string; text: string }) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100)
  return (
    <div className="progress">
      <div
        className="progress-line"
        role="progressbar"
        aria-label={label}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuetext={text}
      >
        <i style={{ width: `${percent}%` }} />
      </div>
      <span className="small muted">{text}</span>
    </div>
  )
}
