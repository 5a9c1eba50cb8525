import { IconAlertTriangle, IconBan, IconCircle, IconClock, IconEraser } from '@tabler/icons-react'
import type { SubjectView } from '../../http/contract/subjects.ts'
import { Badge } from './Badge.tsx'

const looks = {
  active: ['plain', IconCircle, 'in good standing'],
  warned: ['attention', IconAlertTriangle, 'warned'],
  restricted: ['attention', IconClock, 'restricted'],
  disabled: ['harm', IconBan, 'disabled'],
  removed: ['harm', IconEraser, 'removed'],
} as const

/** The state of a subject: word, shape and colour. */
export function StatusBadge({ status }: { status: SubjectView['status'] }) {
  const [tone, Icon, word] = looks[status]
  return (
    <Badge tone={tone} icon={<Icon size={13} aria-hidden />}>
      {word}
    </Badge>
  )
}
