import { Button, Modal, TagsInput, TextInput } from '@mantine/core'
import { IconWebhook } from '@tabler/icons-react'
import { useState } from 'react'
import {
  createWebhook,
  deleteWebhook,
  listWebhooks,
  testWebhook,
  type Webhook,
} from '../../../http/contract/effects.ts'
import { useChange, useRead } from '../../api.ts'
import { useMay } from '../../frame/session.tsx'
import { countText } from '../../frame/time.ts'
import { FormError } from '../../parts/FormError.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { ListPanel } from '../../parts/ListPanel.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { Secret } from '../../parts/Secret.tsx'

/** Where effects are sent, and how that goes. */
export function Webhooks() {
  const read = useRead(listWebhooks, {}, { everyMs: 5_000 })
  const may = useMay('webhooks:write')
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<Webhook>()
  const remove = useChange(deleteWebhook, {
    touches: ['webhooks'],
    done: 'Nothing is sent there any more',
    onDone: () => setRemoving(undefined),
    quiet: true,
  })
  const test = useChange(testWebhook, {
    touches: ['webhooks'],
    done: (result) =>
      result.ok
        ? `It took the test message in ${Math.round(result.tookMs)} ms`
        : `It did not take the test message: ${result.error ?? `status ${result.status}`}`,
  })
  return (
    <ListPanel
      title="Webhooks"
      list={{ items: read.data?.items, error: read.error, refetch: () => void read.refetch() }}
      columns={['URL', 'Topics', { title: 'Delivered', number: true }, { title: 'Failed', number: true }, 'Last']}
      acts={may ? <Button onClick={() => setAdding(true)}>Add webhook</Button> : null}
      empty={{
        icon: <IconWebhook size={20} aria-hidden />,
        title: 'Effects are sent nowhere yet',
        why: 'When an item is removed or restored, a feature closed or opened, or a decision made, your platform must hear of it: by webhook, or by asking GET /v1/effects.',
        act: may ? (
          <Button variant="filled" onClick={() => setAdding(true)}>
            Add webhook
          </Button>
        ) : null,
      }}
      renderRow={(webhook) => (
        <tr key={webhook.id}>
          <td style={{ overflowWrap: 'anywhere' }}>
            {webhook.url}{' '}
            {webhook.disabledMs === null ? null : <Badge tone="attention">off: {webhook.disabledBecause}</Badge>}
          </td>
          <td className="muted small">{webhook.topics.length === 0 ? 'all' : webhook.topics.join(', ')}</td>
          <td className="num">{countText(webhook.delivered)}</td>
          <td className="num">{countText(webhook.failed)}</td>
          <td className="small muted">
            {webhook.lastMs === null ? 'never' : <RelativeTime timeMs={webhook.lastMs} />}
            {webhook.lastError === null ? '' : ` · ${webhook.lastError}`}
          </td>
          <td>
            {may ? (
              <div className="row" style={{ justifyContent: 'flex-end' }}>
                <Button
                  size="compact-xs"
                  variant="subtle"
                  loading={test.isPending && test.variables?.params?.webhookId === webhook.id}
                  onClick={() => test.mutate({ params: { webhookId: webhook.id } })}
                >
                  Send test
                </Button>
                <Button size="compact-xs" variant="subtle" onClick={() => setRemoving(webhook)}>
                  Remove
                </Button>
              </div>
            ) : null}
          </td>
        </tr>
      )}
    >
      <AddWebhook opened={adding} onClose={() => setAdding(false)} />
      <ConfirmWithPreview
        opened={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title="Remove webhook"
        act="Remove webhook"
        busy={remove.isPending}
        error={remove.error}
        undo="Add it again at any time; it gets a new secret then."
        onConfirm={() => removing && remove.mutate({ params: { webhookId: removing.id } })}
      >
        Nothing more is sent to <code>{removing?.url}</code>. Effects can still be read at <code>GET /v1/effects</code>.
      </ConfirmWithPreview>
    </ListPanel>
  )
}

function AddWebhook({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [url, setUrl] = useState('')
  const [topics, setTopics] = useState<string[]>([])
  const add = useChange(createWebhook, { touches: ['webhooks'], quiet: true })
  const close = () => {
    onClose()
    add.reset()
    setUrl('')
    setTopics([])
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={<h2>Add webhook</h2>}
      size={520}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {add.data === undefined ? (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            add.mutate({ body: { url: url.trim(), ...(topics.length === 0 ? {} : { topics }) } })
          }}
        >
          <TextInput
            label="URL"
            type="url"
            required
            placeholder="https://platform.example/custos"
            value={url}
            onChange={(event) => setUrl(event.currentTarget.value)}
            data-autofocus
          />
          <TagsInput
            size="xs"
            label="Topics"
            description="decision.made, item.*, … Empty: all"
            value={topics}
            onChange={setTopics}
          />
          <FormError error={add.error} />
          <Button type="submit" variant="filled" loading={add.isPending}>
            Add webhook
          </Button>
        </form>
      ) : (
        <div className="stack">
          <p style={{ margin: 0 }}>Messages are signed with this secret (Standard Webhooks). It is shown only now.</p>
          <Secret text={add.data.secret} label="secret" />
          <Button variant="filled" onClick={close}>
            Done
          </Button>
        </div>
      )}
    </Modal>
  )
}
