import { Tooltip, UnstyledButton } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useState } from 'react'
import './small.css'

/** An id, shortened in the middle; a press copies the whole. */
export function CopyId({ id, label = 'id', characters = 13 }: { id: string; label?: string; characters?: number }) {
  const [copied, setCopied] = useState(false)
  const short = id.length > characters + 2 ? `${id.slice(0, characters - 5)}…${id.slice(-5)}` : id
  const copy = async () => {
    await navigator.clipboard.writeText(id)
    setCopied(true)
    setTimeout(() => setCopied(false), 1_500)
  }
  return (
    <Tooltip label={copied ? 'Copied' : id}>
      <UnstyledButton className="copy-id" onClick={() => void copy()}>
        <span className="mono">{short}</span>
        <span className="hidden-visually">Copy {label}</span>
        {copied ? <IconCheck size={12} aria-hidden /> : <IconCopy size={12} aria-hidden />}
      </UnstyledButton>
    </Tooltip>
  )
}
