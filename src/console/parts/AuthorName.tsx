import { IconCpu, IconPlug, IconRoute, IconServer, IconUser } from '@tabler/icons-react'
import type { Author } from '../../domain/entry.ts'
import { Go } from '../frame/Go.tsx'
import { useStaffName } from '../frame/people.ts'
import { path } from '../frame/url.ts'

/** Who did it: a person, a rule with its version, a policy, a model, the platform or the system. */
export function AuthorName({ author }: { author: unknown }) {
  const by = author as Author | undefined
  if (by === undefined || by === null) return null
  const [Icon, text] =
    by.kind === 'person'
      ? ([IconUser, <StaffName key="n" personId={by.id} />] as const)
      : by.kind === 'rule'
        ? ([IconRoute, `rule ${by.id} v${by.version}`] as const)
        : by.kind === 'policy'
          ? ([IconRoute, `policy ${by.id} v${by.version}`] as const)
          : by.kind === 'model'
            ? ([IconCpu, `model ${by.id}@${by.version}`] as const)
            : by.kind === 'platform'
              ? ([IconPlug, `platform key ${by.id}`] as const)
              : ([IconServer, by.part] as const)
  const inner = (
    <>
      <Icon size={13} aria-hidden style={{ verticalAlign: -2, marginRight: 3 }} />
      {text}
    </>
  )
  if (by.kind === 'rule') return <Go to={path`/rules/${by.id}`}>{inner}</Go>
  if (by.kind === 'policy') return <Go to={path`/policies/${by.id}`}>{inner}</Go>
  return <span>{inner}</span>
}

function StaffName({ personId }: { personId: string }) {
  return useStaffName(personId)
}

const automationWords: Record<string, string> = {
  none: 'by a person',
  partial: 'partly automatic',
  full: 'fully automatic',
}
export function automationText(automation: string): string {
  return automationWords[automation.toLowerCase()] ?? automation.toLowerCase().replaceAll('_', ' ')
}
