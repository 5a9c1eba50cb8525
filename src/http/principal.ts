import type { Author } from '../domain/entry.ts'
import type { Role, Scope } from '../domain/staff.ts'

/** Who makes a request: a platform with an API key, or a person of the staff who is signed in. */
export type Principal = {
  kind: 'key' | 'person'
  id: string
  name: string
  tenantId: string
  scopes: ReadonlySet<Scope>
  roles: readonly Role[]
}

/** The principal as the author of what it causes in the ledger. */
export function authorOf(principal: Principal): Author {
  return principal.kind === 'key'
    ? { kind: 'platform', id: principal.id }
    : { kind: 'person', id: principal.id, role: principal.roles[0] }
}
