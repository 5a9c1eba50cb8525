import { useState, type ReactNode } from 'react'
import './drop.css'

/** Takes files that are dropped on it, or chosen by click or keyboard. */
export function DropZone({
  label,
  accept,
  multiple = false,
  icon,
  onFiles,
  children,
}: {
  /** What is chosen, for screen readers. */
  label: string
  accept?: string
  multiple?: boolean
  icon: ReactNode
  onFiles: (files: File[]) => void
  children: ReactNode
}) {
  const [over, setOver] = useState(false)
  const take = (files: FileList | null) => {
    if (files !== null && files.length > 0) onFiles([...files])
  }
  return (
    <label
      className="drop"
      data-over={over ? '' : undefined}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        take(event.dataTransfer.files)
      }}
    >
      {icon}
      {children}
      <input
        type="file"
        multiple={multiple}
        accept={accept}
        className="hidden-visually"
        aria-label={label}
        onChange={(event) => {
          take(event.currentTarget.files)
          // The same file may be chosen again.
          event.currentTarget.value = ''
        }}
      />
    </label>
  )
}
