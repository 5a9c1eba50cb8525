import { IconCheck, IconGavel, IconPencil } from '@tabler/icons-react'
import type { Decision } from '../../http/contract/decisions.ts'
import { Badge } from './Badge.tsx'

const looks = {
  active: ['plain', IconGavel, 'stands'],
  modified: ['attention', IconPencil, 'modified'],
  reversed: ['resolved', IconCheck, 'reversed'],
} as const

/** Whether a decision stands, was changed, or was taken back. */
export function DecisionStatus({ status }: { status: Decision['status'] }) {
  const [tone, Icon, word] = looks[status]
  return (
    <Badge tone={tone} icon={<Icon size={13} aria-hidden />}>
      {word}
    </Badge>
  )
}
