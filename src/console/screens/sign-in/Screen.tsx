import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useEffect, useState, type FormEvent } from 'react'
import { signIn } from '../../../http/contract/access.ts'
import { client, problemOf, problemText, queries } from '../../api.ts'
import { useUrl } from '../../frame/url.ts'
import './sign-in.css'

/** Sign in with a password; without one, by a link that the server or an administrator makes. */
export function Screen() {
  const url = useUrl()
  const [handle, setHandle] = useState('')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  useEffect(() => {
    document.title = 'Sign in · Custos'
  }, [])
  const send = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await client.call(signIn, { body: { handle: handle.trim(), password } })
      queries.clear()
      const then = url.search['return']
      // Only places within the console: an address from outside must not send people elsewhere.
      if (then?.startsWith('/') && !then.startsWith('//')) {
        const [path, query] = then.split('?')
        url.go(path!, Object.fromEntries(new URLSearchParams(query ?? '')))
      } else url.go('/')
    } catch (problem) {
      setError(problem)
      setPassword('')
    } finally {
      setBusy(false)
    }
  }
  return (
    <main className="sign-in">
      <form onSubmit={(event) => void send(event)} aria-labelledby="sign-in-title">
        <img src="/console/assets/mark-1.svg" width="32" height="32" alt="" />
        <h1 id="sign-in-title">Sign in to Custos</h1>
        <TextInput
          label="E-mail address or handle"
          size="sm"
          autoComplete="username"
          required
          withAsterisk={false}
          value={handle}
          onChange={(event) => setHandle(event.currentTarget.value)}
          autoFocus
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
        />
        {error === undefined ? null : (
          <p role="alert" className="sign-in-error">
            <strong>{problemOf(error).title}.</strong> {problemText(error)}
          </p>
        )}
        <Button type="submit" variant="filled" size="sm" loading={busy} fullWidth>
          Sign in
        </Button>
        <div className="sign-in-link">
          <h2>No password yet?</h2>
          <p>
            Open your sign-in link. The first one is printed on the terminal where Custos started; administrators make
            others under Keys &amp; people, or with <code>custos sign-in-link</code>.
          </p>
        </div>
      </form>
    </main>
  )
}
