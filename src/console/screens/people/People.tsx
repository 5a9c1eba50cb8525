import { Button, Modal, MultiSelect, TextInput } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { roles, type Role } from '../../../domain/staff.ts'
import {
  createPerson,
  createSignInLink,
  endSessions,
  getPerson,
  listPeople,
  updatePerson,
  type Person,
} from '../../../http/contract/access.ts'
import { client, useChange, usePages } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import { FormError } from '../../parts/FormError.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { ListPanel } from '../../parts/ListPanel.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { Secret } from '../../parts/Secret.tsx'
import { ValueDiff } from '../../parts/Diff.tsx'
import { roleWords } from './state.ts'

const roleOptions = roles.map((role) => ({ value: role, label: `${role.replaceAll('_', ' ')}: ${roleWords[role]}` }))

export function People() {
  const people = usePages(listPeople, { query: {} })
  const may = useMay('people:write')
  const [adding, setAdding] = useState(false)
  const [changing, setChanging] = useState<Person>()
  const [link, setLink] = useState<{ person: Person; url: string; expiresMs: number }>()
  const makeLink = useChange(createSignInLink, { touches: [] })
  return (
    <ListPanel
      title="People"
      list={{ ...people, items: people.first ? undefined : people.items }}
      columns={['Name', 'Signs in as', 'Roles', 'Last signed in']}
      acts={
        may ? (
          <Button leftSection={<IconUserPlus size={14} aria-hidden />} onClick={() => setAdding(true)}>
            Add person
          </Button>
        ) : null
      }
      renderRow={(person) => (
        <tr key={person.id}>
          <td>
            {person.name} {person.disabledMs === null ? null : <Badge tone="attention">disabled</Badge>}
          </td>
          <td className="muted">{person.handle}</td>
          <td className="muted">{person.roles.join(', ').replaceAll('_', ' ')}</td>
          <td className="muted small">
            {person.lastSignInMs === null ? 'never' : <RelativeTime timeMs={person.lastSignInMs} />}
          </td>
          <td>
            {may ? (
              <div className="row" style={{ justifyContent: 'flex-end' }}>
                <Button
                  variant="subtle"
                  size="compact-xs"
                  disabled={person.disabledMs !== null}
                  onClick={() =>
                    makeLink.mutate(
                      { params: { personId: person.id } },
                      {
                        onSuccess: ({ path, expiresMs }) => setLink({ person, url: location.origin + path, expiresMs }),
                      },
                    )
                  }
                >
                  Make sign-in link
                </Button>
                <Button variant="subtle" size="compact-xs" onClick={() => setChanging(person)}>
                  Change
                </Button>
              </div>
            ) : null}
          </td>
        </tr>
      )}
    >
      <AddPerson opened={adding} onClose={() => setAdding(false)} />
      {changing === undefined ? null : (
        <ChangePerson key={changing.id} person={changing} onClose={() => setChanging(undefined)} />
      )}
      <Modal
        opened={link !== undefined}
        onClose={() => setLink(undefined)}
        title={<h2>Sign-in link for {link?.person.name}</h2>}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {link === undefined ? null : (
          <div className="stack">
            <p style={{ margin: 0 }}>
              Signs them in once, and ends <RelativeTime timeMs={link.expiresMs} />. It is shown only here: hand it to
              them yourself.
            </p>
            <Secret text={link.url} label="sign-in link" />
          </div>
        )}
      </Modal>
    </ListPanel>
  )
}

function AddPerson({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [name, setName] = useState('')
  const [handle, setHandle] = useState('')
  const [held, setHeld] = useState<Role[]>(['reviewer'])
  const add = useChange(createPerson, {
    touches: ['people'],
    done: (person) => `${person.name} was added`,
    onDone: onClose,
    quiet: true,
  })
  return (
    <Modal opened={opened} onClose={onClose} title={<h2>Add person</h2>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate({ body: { name: name.trim(), handle: handle.trim(), roles: held } })
        }}
      >
        <TextInput
          label="Name"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          label="E-mail address or handle"
          description="What they sign in with"
          required
          value={handle}
          onChange={(event) => setHandle(event.currentTarget.value)}
        />
        <MultiSelect
          label="Roles"
          data={roleOptions}
          value={held}
          onChange={(value) => setHeld(value as Role[])}
          required
        />
        <FormError error={add.error} />
        <Button type="submit" variant="filled" loading={add.isPending} disabled={held.length === 0}>
          Add person
        </Button>
      </form>
    </Modal>
  )
}

function ChangePerson({ person, onClose }: { person: Person; onClose: () => void }) {
  const [held, setHeld] = useState<Role[]>(person.roles)
  const change = useChange(updatePerson, {
    touches: ['people'],
    done: `${person.name} was changed`,
    onDone: onClose,
    quiet: true,
  })
  const end = useChange(endSessions, {
    touches: ['people'],
    done: ({ ended }) => `${ended} ${ended === 1 ? 'session' : 'sessions'} of ${person.name} ended`,
  })
  // The ETag of what is shown goes with the change, so that nobody's change is lost.
  const send = async (body: { roles?: Role[]; disabled?: boolean }) => {
    const { etag } = await client.callFull(getPerson, { params: { personId: person.id } })
    change.mutate({ params: { personId: person.id }, body, headers: { 'if-match': etag ?? '*' } })
  }
  return (
    <ConfirmWithPreview
      opened
      onClose={onClose}
      title={`Change ${person.name}`}
      act="Save roles"
      busy={change.isPending}
      error={change.error}
      undo="Roles can be changed back at any time. The change is in the audit log."
      ready={held.length > 0}
      onConfirm={() => void send({ roles: held })}
    >
      <div className="stack">
        <MultiSelect label="Roles" data={roleOptions} value={held} onChange={(value) => setHeld(value as Role[])} />
        <ValueDiff changes={[['Roles', person.roles.join(', '), held.join(', ')]]} />
        <div className="row wrap">
          <Button onClick={() => end.mutate({ params: { personId: person.id } })} loading={end.isPending}>
            End all sessions
          </Button>
          <Button onClick={() => void send({ disabled: person.disabledMs === null })}>
            {person.disabledMs === null ? 'Disable account' : 'Enable account'}
          </Button>
        </div>
      </div>
    </ConfirmWithPreview>
  )
}
