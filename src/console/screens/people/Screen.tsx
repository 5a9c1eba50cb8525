import { Tabs } from '@mantine/core'
import { useMay } from '../../frame/session.tsx'
import { useUrl } from '../../frame/url.ts'
import { Page } from '../../parts/Page.tsx'
import { Keys } from './Keys.tsx'
import { MyPassword } from './MyPassword.tsx'
import { People } from './People.tsx'

/** Staff and their roles, API keys and their scopes, and one's own password. */
export function Screen() {
  const url = useUrl()
  const mayPeople = useMay('people:read')
  const mayKeys = useMay('keys:write')
  const tab = url.search['tab'] ?? (mayPeople ? 'people' : mayKeys ? 'keys' : 'me')
  return (
    <Page title="Keys & people" about="who may do what in this tenant" scroll>
      <Tabs value={tab} onChange={(value) => url.set({ tab: value ?? undefined })}>
        <Tabs.List mb="md">
          {mayPeople ? <Tabs.Tab value="people">People</Tabs.Tab> : null}
          {mayKeys ? <Tabs.Tab value="keys">API keys</Tabs.Tab> : null}
          <Tabs.Tab value="me">My password</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="people">
          <People />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <Keys />
        </Tabs.Panel>
        <Tabs.Panel value="me">
          <MyPassword />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
