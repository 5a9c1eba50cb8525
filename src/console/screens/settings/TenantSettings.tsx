import { Button, NumberInput, Switch, TagsInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { getSettings, updateSettings, type Tenant } from '../../../http/contract/settings.ts'
import { client, useChange, useRead } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { ValueDiff } from '../../parts/Diff.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { Panel } from '../../parts/Page.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'

export function TenantSettings() {
  const read = useRead(getSettings, {})
  if (read.data === undefined)
    return read.error ? (
      <ErrorState what="Settings" error={read.error} onRetry={() => void read.refetch()} />
    ) : (
      <SkeletonRows rows={6} what="settings" />
    )
  return <Form key={JSON.stringify(read.data)} tenant={read.data} />
}

const limits = [
  ['key', 'Requests of one API key'],
  ['person', 'Requests of one signed-in person'],
  ['events', 'Events of the whole tenant'],
] as const

/** What differs between two states of the form, in words. */
function changesOf(before: Tenant, name: string, after: Tenant['settings']): [string, string, string][] {
  const now = before.settings
  const changes: [string, string, string][] = [
    ['Name', before.name, name],
    [
      'Unknown event types',
      now.acceptUnknownTypes ? 'accepted' : 'refused',
      after.acceptUnknownTypes ? 'accepted' : 'refused',
    ],
    ['Media hosts', now.mediaHosts.join(', ') || 'none', after.mediaHosts.join(', ') || 'none'],
    ...limits.map(([key, label]): [string, string, string] => [
      label,
      `${now.rateLimits[key].perSecond}/s, burst ${now.rateLimits[key].burst}`,
      `${after.rateLimits[key].perSecond}/s, burst ${after.rateLimits[key].burst}`,
    ]),
  ]
  return changes.filter(([, was, is]) => was !== is)
}

function Form({ tenant }: { tenant: Tenant }) {
  const may = useMay('settings:write')
  const [name, setName] = useState(tenant.name)
  const [settings, setSettings] = useState(tenant.settings)
  const [asking, setAsking] = useState(false)
  const save = useChange(updateSettings, {
    touches: ['settings', 'session', 'tenants'],
    done: 'Settings saved',
    onDone: () => setAsking(false),
    quiet: true,
  })
  const changes = changesOf(tenant, name.trim(), settings)
  const send = async () => {
    const { etag } = await client.callFull(getSettings, {})
    const { acceptUnknownTypes, mediaHosts, rateLimits } = settings
    save.mutate({
      body: { name: name.trim(), acceptUnknownTypes, mediaHosts, rateLimits },
      headers: { 'if-match': etag ?? '*' },
    })
  }
  return (
    <div className="columns">
      <Panel title="Tenant">
        <div className="stack" style={{ gap: 16, maxWidth: 560 }}>
          <TextInput
            label="Name"
            value={name}
            disabled={!may}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Switch
            label="Accept events of unknown types"
            description="Off: events whose type is neither built in nor declared are refused"
            checked={settings.acceptUnknownTypes}
            disabled={!may}
            onChange={(event) => setSettings({ ...settings, acceptUnknownTypes: event.currentTarget.checked })}
          />
          <TagsInput
            size="xs"
            label="Hosts that media may be fetched from"
            description="cdn.example, or *.example for all below. Private addresses are never fetched from."
            placeholder="Enter after each"
            value={settings.mediaHosts}
            disabled={!may}
            onChange={(mediaHosts) => setSettings({ ...settings, mediaHosts })}
          />
          <fieldset style={{ border: 0, padding: 0, margin: 0 }} disabled={!may}>
            <legend className="small" style={{ fontWeight: 500 }}>
              Rate limits
            </legend>
            {limits.map(([key, label]) => (
              <div key={key} className="row" style={{ padding: '4px 0' }}>
                <span className="grow muted">{label}</span>
                <NumberInput
                  aria-label={`${label}, per second`}
                  value={settings.rateLimits[key].perSecond}
                  min={0.1}
                  w={110}
                  suffix=" /s"
                  thousandSeparator=","
                  disabled={!may}
                  onChange={(value) =>
                    setSettings({
                      ...settings,
                      rateLimits: {
                        ...settings.rateLimits,
                        [key]: { ...settings.rateLimits[key], perSecond: Number(value) },
                      },
                    })
                  }
                />
                <NumberInput
                  aria-label={`${label}, burst`}
                  value={settings.rateLimits[key].burst}
                  min={1}
                  w={130}
                  prefix="burst "
                  thousandSeparator=","
                  allowDecimal={false}
                  disabled={!may}
                  onChange={(value) =>
                    setSettings({
                      ...settings,
                      rateLimits: {
                        ...settings.rateLimits,
                        [key]: { ...settings.rateLimits[key], burst: Number(value) },
                      },
                    })
                  }
                />
              </div>
            ))}
          </fieldset>
          {may ? (
            <div>
              <Button variant="filled" disabled={changes.length === 0} onClick={() => setAsking(true)}>
                Save settings
              </Button>
            </div>
          ) : null}
        </div>
      </Panel>
      <Panel title="Declared event types">
        {Object.keys(settings.eventTypes).length === 0 ? (
          <p className="faint small" style={{ margin: 0 }}>
            None beside the built-in ones. Declare them with <code>PATCH /v1/settings</code>.
          </p>
        ) : (
          <EvidenceList
            facts={Object.entries(settings.eventTypes).map(([type, declared]) => [
              type,
              declared.description ?? 'declared',
            ])}
          />
        )}
      </Panel>
      <ConfirmWithPreview
        opened={asking}
        onClose={() => setAsking(false)}
        title="Save settings"
        act="Save settings"
        busy={save.isPending}
        error={save.error}
        undo="Settings can be changed back at any time. The change is in the audit log."
        onConfirm={() => void send()}
      >
        <ValueDiff changes={changes} />
      </ConfirmWithPreview>
    </div>
  )
}
