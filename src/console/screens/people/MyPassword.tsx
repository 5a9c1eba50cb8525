import { Button, PasswordInput } from '@mantine/core'
import { useState } from 'react'
import { setPassword } from '../../../http/contract/access.ts'
import { useChange } from '../../api.ts'
import { useSession } from '../../frame/session.tsx'
import { FormError } from '../../parts/FormError.tsx'
import { Panel } from '../../parts/Page.tsx'

const lengthMin = 15

export function MyPassword() {
  const { person } = useSession()
  const [current, setCurrent] = useState('')
  const [password, setNew] = useState('')
  const change = useChange(setPassword, {
    touches: ['session'],
    done: ({ sessionsEnded }) =>
      `Your password is set${sessionsEnded > 0 ? `; ${sessionsEnded} other sessions ended` : ''}`,
    onDone: () => {
      setCurrent('')
      setNew('')
    },
    quiet: true,
  })
  return (
    <Panel title={person.hasPassword ? 'Change your password' : 'Set a password'}>
      <form
        className="stack"
        style={{ maxWidth: 360 }}
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate({ body: { password, ...(person.hasPassword ? { current } : {}) } })
        }}
      >
        <input type="text" autoComplete="username" value={person.handle} readOnly hidden />
        {person.hasPassword ? (
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            required
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-label': 'Show the current password' }}
          />
        ) : null}
        <PasswordInput
          label="New password"
          description={`At least ${lengthMin} characters; a sentence is fine. Ends your other sessions.`}
          autoComplete="new-password"
          required
          minLength={lengthMin}
          value={password}
          onChange={(event) => setNew(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the new password' }}
        />
        <FormError error={change.error} />
        <Button type="submit" variant="filled" loading={change.isPending} disabled={password.length < lengthMin}>
          Save password
        </Button>
      </form>
    </Panel>
  )
}
