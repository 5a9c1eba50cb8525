import { IconBolt, IconEye, IconMoon } from '@tabler/icons-react'
import type { ClassifierView } from '../../../http/contract/classifiers.ts'
import { Badge } from '../../parts/Badge.tsx'

/** Whether a classifier judges, watches or rests. */
export function ClassifierMode({ mode }: { mode: ClassifierView['mode'] }) {
  if (mode === 'live')
    return (
      <Badge
        tone="accent"
        icon={<IconBolt size={13} aria-hidden />}
        title="Its probability is the confidence of a match"
      >
        live
      </Badge>
    )
  return mode === 'shadow' ? (
    <Badge icon={<IconEye size={13} aria-hidden />} title="Its answer is kept beside matches and changes nothing">
      shadow
    </Badge>
  ) : (
    <Badge icon={<IconMoon size={13} aria-hidden />} title="It is not asked any more">
      retired
    </Badge>
  )
}
