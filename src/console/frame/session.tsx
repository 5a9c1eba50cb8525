import { createContext, useContext } from 'react'
import type { Scope } from '../../domain/staff.ts'
import type { Session } from '../../http/contract/access.ts'

const SessionContext = createContext<Session | undefined>(undefined)
export const SessionProvider = SessionContext.Provider

/** Who is signed in. Only used inside the frame, which waits for it. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('useSession is used outside the frame')
  return session
}

/** Whether the person may do this; screens leave out what cannot be done, and say so where it would be looked for. */
export function useMay(scope: Scope): boolean {
  return useSession().scopes.includes(scope)
}
