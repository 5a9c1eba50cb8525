import { Tabs } from '@mantine/core'
import { useMay } from '../../frame/session.tsx'
import { useUrl } from '../../frame/url.ts'
import { Page } from '../../parts/Page.tsx'
import { Parked } from './Parked.tsx'
import { TenantSettings } from './TenantSettings.tsx'
import { Webhooks } from './Webhooks.tsx'

/** Settings of the tenant, and where effects are sent. */
export function Screen() {
  const url = useUrl()
  const maySettings = useMay('settings:read')
  const mayWebhooks = useMay('webhooks:read')
  const tab = url.search['tab'] ?? (maySettings ? 'tenant' : 'webhooks')
  return (
    <Page title="Settings" about="of this tenant" scroll>
      {!maySettings && !mayWebhooks ? <p className="muted">Settings are for engineers and administrators.</p> : null}
      <Tabs value={tab} onChange={(value) => url.set({ tab: value === 'tenant' ? undefined : (value ?? undefined) })}>
        <Tabs.List mb="md">
          {maySettings ? <Tabs.Tab value="tenant">Tenant</Tabs.Tab> : null}
          {mayWebhooks ? <Tabs.Tab value="webhooks">Webhooks</Tabs.Tab> : null}
          {mayWebhooks ? <Tabs.Tab value="parked">Undelivered</Tabs.Tab> : null}
        </Tabs.List>
        {maySettings ? (
          <Tabs.Panel value="tenant">
            <TenantSettings />
          </Tabs.Panel>
        ) : null}
        {mayWebhooks ? (
          <>
            <Tabs.Panel value="webhooks">
              <Webhooks />
            </Tabs.Panel>
            <Tabs.Panel value="parked">
              <Parked />
            </Tabs.Panel>
          </>
        ) : null}
      </Tabs>
    </Page>
  )
}
