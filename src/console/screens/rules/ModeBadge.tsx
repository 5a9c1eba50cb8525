import { IconBolt, IconEye, IconPlayerPause } from '@tabler/icons-react'
import { Badge } from '../../parts/Badge.tsx'
import { modeTones, type Rule } from './state.ts'

const icons = { live: IconBolt, shadow: IconEye, off: IconPlayerPause }

/** Whether a rule acts, only watches, or rests. */
export function ModeBadge({ mode }: { mode: Rule['mode'] }) {
  const Icon = icons[mode]
  return (
    <Badge tone={modeTones[mode]} icon={<Icon size={12} aria-hidden />}>
      {mode}
    </Badge>
  )
}
