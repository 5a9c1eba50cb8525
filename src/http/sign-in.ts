import type { Clock } from '../domain/ids.ts'
import { selectMemberships, selectPersonByHandle } from '../storage/access.ts'
import type { Database } from '../storage/database.ts'
import { startSession, type AccessDeps } from './access.ts'
import { HttpProblem, problem } from './problem.ts'
import { passwordLengthMax, verifyPassword } from './secrets.ts'
import { addressKey, createThrottle } from './throttle.ts'

export type PasswordSignIn = {
  /** Answers the token of a new session. Throws 401 for what does not fit and 429 for too many attempts. */
  signIn: (handle: string, password: string, ip: string) => Promise<string>
  /** Judges the password of somebody who is signed in, under the same brakes. */
  confirm: (personId: string, password: string, hash: string, ip: string) => Promise<void>
}

const accountAttemptsFree = 5
const addressAttemptsFree = 30

/** Signing in with a password, slowed down per account and per address. The counts are this process's own. */
export function createPasswordSignIn(deps: AccessDeps & { db: Database; clock: Clock }): PasswordSignIn {
  const accounts = createThrottle({ clock: deps.clock, free: accountAttemptsFree })
  const addresses = createThrottle({ clock: deps.clock, free: addressAttemptsFree })

  const judge = async (account: string, password: string, ip: string, hash: string | null): Promise<void> => {
    const waitMs = accounts.attempt(account) || addresses.attempt(addressKey(ip))
    if (waitMs > 0) {
      const waitS = Math.ceil(waitMs / 1_000)
      throw new HttpProblem(
        429,
        'Too many attempts',
        `Wait ${waitS} s before the next attempt, or sign in with a link from an administrator.`,
        undefined,
        { 'retry-after': String(waitS) },
      )
    }
    const right = password.length <= passwordLengthMax && (await verifyPassword(password, hash))
    if (!right) throw problem(401, 'Handle or password is wrong', 'Nothing more can be said. Capital letters count.')
    accounts.clear(account)
    addresses.clear(addressKey(ip))
  }

  return {
    async signIn(handle, password, ip) {
      const stored = handle.trim().normalize('NFKC').toLowerCase().slice(0, 200)
      const person = await selectPersonByHandle(deps.db.query, stored)
      // Unknown, disabled, without password: all take the time of a real check and get the same answer.
      await judge(`handle:${stored}`, password, ip, person?.disabledMs === null ? person.passwordHash : null)
      const memberships = await selectMemberships(deps.db.query, person!.id)
      if (memberships.length === 0)
        throw problem(401, 'Handle or password is wrong', 'Nothing more can be said. Capital letters count.')
      return deps.db.transaction((tx) => startSession(tx, deps, memberships[0]!.tenantId, person!.id))
    },
    confirm: (personId, password, hash, ip) => judge(`person:${personId}`, password, ip, hash),
  }
}
