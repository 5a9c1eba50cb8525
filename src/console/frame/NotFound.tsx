import { Button } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { EmptyState } from '../parts/EmptyState.tsx'
import { Page } from '../parts/Page.tsx'
import { useUrl } from './url.ts'

export function NotFound() {
  const url = useUrl()
  return (
    <Page title="No such screen">
      <EmptyState
        icon={<IconMapOff size={20} aria-hidden />}
        title="There is no screen at this address"
        why={<code>{url.path}</code>}
      >
        <Button onClick={() => url.go('/')}>Go to the overview</Button>
      </EmptyState>
    </Page>
  )
}
