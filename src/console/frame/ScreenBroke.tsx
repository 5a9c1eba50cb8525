import type { ErrorComponentProps } from '@tanstack/react-router'
import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { EmptyState } from '../parts/EmptyState.tsx'

/** Shown in place of a screen that threw: the rest of the console goes on. */
export function ScreenBroke({ error, reset }: ErrorComponentProps) {
  const said = error instanceof Error ? error.message : String(error)
  // A new version was installed while this one was open: its chunks are gone, a reload brings the new ones.
  const replaced = /dynamically imported module|Importing a module script failed/.test(said)
  return (
    <div role="alert" style={{ flex: 1 }}>
      <EmptyState
        icon={<IconAlertTriangle size={20} aria-hidden />}
        title={replaced ? 'Custos was updated' : 'This screen broke'}
        why={
          replaced
            ? 'Reload to use the new version. Nothing is lost.'
            : `Nothing on the server was changed. The browser said: ${said.slice(0, 300)}`
        }
      >
        <Button onClick={() => (replaced ? location.reload() : reset())}>{replaced ? 'Reload' : 'Try again'}</Button>
      </EmptyState>
    </div>
  )
}
