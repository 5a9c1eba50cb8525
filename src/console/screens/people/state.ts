import { scopes, type Role, type Scope } from '../../../domain/staff.ts'

/** What each role is for, in a line. */
export const roleWords = {
  viewer: 'sees screens, changes nothing',
  reviewer: 'takes jobs and decides them',
  senior_reviewer: 'also decides appeals and reverses decisions',
  policy: 'publishes policies, reads the audit log',
  investigator: 'works on accounts and banks',
  engineer: 'publishes rules, sends events, runs the simulator',
  admin: 'everything, people and keys included',
} satisfies Record<Role, string>

/** Scopes by area, for choosing them: `banks` → read, write. */
export function scopeAreas(): { area: string; scopes: Scope[] }[] {
  const areas = new Map<string, Scope[]>()
  for (const scope of scopes) {
    const area = scope.split(':')[0]!
    areas.set(area, [...(areas.get(area) ?? []), scope])
  }
  return [...areas].map(([area, its]) => ({ area, scopes: its }))
}

/** What a platform's back end needs: send events, ask for verdicts and gates, read effects. */
export const platformScopes: Scope[] = [
  'events:write',
  'decide:write',
  'uploads:write',
  'effects:read',
  'gates:read',
  'subjects:read',
]
