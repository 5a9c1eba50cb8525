import { Button, Checkbox, Modal, Select, TextInput } from '@mantine/core'
import { IconKey } from '@tabler/icons-react'
import { useState } from 'react'
import type { Scope } from '../../../domain/staff.ts'
import { createKey, listKeys, revokeKey, type ApiKey } from '../../../http/contract/access.ts'
import { useChange, usePages } from '../../api.ts'
import { useSession } from '../../frame/session.tsx'
import { FormError } from '../../parts/FormError.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { ListPanel } from '../../parts/ListPanel.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { Secret } from '../../parts/Secret.tsx'
import { platformScopes, scopeAreas } from './state.ts'

export function Keys() {
  const keys = usePages(listKeys, { query: {} })
  const [making, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<ApiKey>()
  const revoke = useChange(revokeKey, {
    touches: ['keys'],
    done: 'The key was revoked',
    onDone: () => setRevoking(undefined),
    quiet: true,
  })
  const add = (
    <Button leftSection={<IconKey size={14} aria-hidden />} onClick={() => setMaking(true)}>
      Make API key
    </Button>
  )
  return (
    <ListPanel
      title="API keys"
      list={{ ...keys, items: keys.first ? undefined : keys.items }}
      columns={['Name', 'Begins with', 'Scopes', 'Last used', 'Ends']}
      acts={add}
      empty={{
        icon: <IconKey size={20} aria-hidden />,
        title: 'No API key yet',
        why: 'A platform needs one to send events and to read what was decided. Each key has only the scopes it is given.',
        act: add,
      }}
      renderRow={(key) => (
        <tr key={key.id}>
          <td>
            {key.name} {key.revokedMs === null ? null : <Badge tone="attention">revoked</Badge>}
          </td>
          <td className="mono small">{key.id}</td>
          <td className="muted small">{key.scopes.join(', ')}</td>
          <td className="muted small">
            {key.lastUsedMs === null ? 'never' : <RelativeTime timeMs={key.lastUsedMs} />}
          </td>
          <td className="muted small">{key.expiresMs === null ? 'never' : <RelativeTime timeMs={key.expiresMs} />}</td>
          <td className="num">
            {key.revokedMs === null ? (
              <Button variant="subtle" size="compact-xs" onClick={() => setRevoking(key)}>
                Revoke
              </Button>
            ) : null}
          </td>
        </tr>
      )}
    >
      <MakeKey opened={making} onClose={() => setMaking(false)} />
      <ConfirmWithPreview
        opened={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={`Revoke key “${revoking?.name}”`}
        act="Revoke key"
        harm
        busy={revoke.isPending}
        error={revoke.error}
        undo="A revoked key cannot be brought back; make a new one instead."
        onConfirm={() => revoking && revoke.mutate({ params: { keyId: revoking.id } })}
      >
        Whatever uses <code>{revoking?.id}…</code> is refused from the next second on.
      </ConfirmWithPreview>
    </ListPanel>
  )
}

const lives = [
  { value: '', label: 'until it is revoked' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'a year' },
]

function MakeKey({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const session = useSession()
  const [name, setName] = useState('')
  const [days, setDays] = useState('')
  const [chosen, setChosen] = useState<Scope[]>(platformScopes)
  const make = useChange(createKey, { touches: ['keys'], quiet: true })
  const token = make.data?.token
  const time = new Date(make.data?.createdMs ?? 0).toISOString()
  const close = () => {
    onClose()
    make.reset()
    setName('')
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={<h2>Make API key</h2>}
      size={560}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {token === undefined ? (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            make.mutate({
              body: {
                name: name.trim(),
                scopes: chosen,
                ...(days === '' ? {} : { expiresMs: Date.now() + Number(days) * 86_400_000 }),
              },
            })
          }}
        >
          <TextInput
            label="Name"
            description="Where it is used, so that you know it again"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Select
            label="Valid"
            data={lives}
            value={days}
            onChange={(value) => setDays(value ?? '')}
            allowDeselect={false}
          />
          <Checkbox.Group
            label="Scopes"
            description="Least is best"
            value={chosen}
            onChange={(value) => setChosen(value as Scope[])}
          >
            <div className="scope-grid">
              {scopeAreas().map(({ area, scopes }) => (
                <div key={area} className="row">
                  <span className="muted small" style={{ width: 76 }}>
                    {area}
                  </span>
                  {scopes.map((scope) => (
                    <Checkbox
                      key={scope}
                      value={scope}
                      label={scope.split(':')[1]}
                      aria-label={scope}
                      disabled={!session.scopes.includes(scope)}
                    />
                  ))}
                </div>
              ))}
            </div>
          </Checkbox.Group>
          <FormError error={make.error} />
          <Button type="submit" variant="filled" loading={make.isPending} disabled={chosen.length === 0}>
            Make API key
          </Button>
        </form>
      ) : (
        <div className="stack">
          <p style={{ margin: 0 }}>The key is shown only now. Keep it where your platform keeps its secrets.</p>
          <Secret text={token} label="API key" />
          <h3>Try it</h3>
          <pre className="raw" tabIndex={0} aria-label="Example call">
            {`curl ${location.origin}/v1/events -H "Authorization: Bearer ${token}" -H "content-type: application/json" -d '${JSON.stringify(
              {
                id: 'first',
                type: 'item.created',
                time,
                actor: { id: 'u1' },
                item: { id: 'i1', text: 'hello' },
              },
            )}'`}
          </pre>
          <Button variant="filled" onClick={close}>
            Done
          </Button>
        </div>
      )}
    </Modal>
  )
}
