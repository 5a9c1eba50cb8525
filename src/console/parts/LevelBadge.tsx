import { IconAlertTriangle, IconBan, IconCircle, IconClock, IconLock } from '@tabler/icons-react'
import { Badge, type Tone } from './Badge.tsx'

/** What an account's level means for the person, roughly: nothing, a warning, a limit for some time, or closed. */
export function levelTone(action: string | undefined): 'good' | 'limited' | 'disabled' {
  if (action === undefined || /^(none|good|education)$/.test(action)) return 'good'
  return /disable|ban|suspend.*perm|closed/.test(action) ? 'disabled' : 'limited'
}

/** The consequence that a level brings: icon, word and colour. */
export function LevelBadge({ action, detail }: { action: string | undefined; detail?: string }) {
  const text = action === undefined || action === 'none' ? 'in good standing' : action.replaceAll('_', ' ')
  const [Icon, tone] = (
    levelTone(action) === 'good'
      ? [IconCircle, 'plain']
      : /warn/.test(action!)
        ? [IconAlertTriangle, 'attention']
        : levelTone(action) === 'disabled'
          ? [IconBan, 'harm']
          : /gate|lock/.test(action!)
            ? [IconLock, 'attention']
            : [IconClock, 'attention']
  ) as [typeof IconCircle, Tone]
  return (
    <Badge tone={tone} icon={<Icon size={13} aria-hidden />}>
      {text}
      {detail === undefined ? null : <span style={{ fontWeight: 400 }}>{detail}</span>}
    </Badge>
  )
}
