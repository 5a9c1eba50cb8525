import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Client } from '../src/http/client.ts'
import { createWebhook, listEffects, type Effect } from '../src/http/contract/effects.ts'

export type Received = { headers: IncomingHttpHeaders; body: string; answered: number }
export type Message = { type: string; data: { id: string; subject: string; body: Record<string, unknown> } }
export type Receiver = {
  /** Every attempt, the failed ones too. */
  received: Received[]
  /** What was taken, in the order in which it came. */
  messages: () => Message[]
  /** Asserts that webhooks and cursor said the same, each subject in its order, and that every message is signed. */
  assertDelivered: (effects: readonly Effect[]) => void
  close: () => void
}

/** A platform's own server for webhooks, registered with Custos; it fails to take the first messages. */
export async function openReceiver(platform: Client, options: { failures: number }): Promise<Receiver> {
  let { failures } = options
  const received: Received[] = []
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answered = failures-- > 0 ? 503 : 204
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString(), answered })
      response.writeHead(answered).end()
    })
  })
  await new Promise<void>((done) => void receiver.listen(0, '127.0.0.1', done))
  const { port } = receiver.address() as AddressInfo
  const { secret } = await platform.call(createWebhook, { body: { url: `http://127.0.0.1:${port}/custos` } })
  const messages = () =>
    received.filter(({ answered }) => answered === 204).map(({ body }) => JSON.parse(body) as Message)
  return {
    received,
    messages,
    assertDelivered(effects) {
      assertSigned(received, secret)
      const seen = new Set<string>()
      const first = messages()
        .filter(({ data }) => !seen.has(data.id) && seen.add(data.id))
        .map(({ type, data }) => ({ ...data, topic: type }))
      assert.deepEqual(bySubject(first), bySubject(effects))
    },
    close() {
      receiver.closeAllConnections()
      receiver.close()
    },
  }
}

/** Every message carries the signature of Standard Webhooks over id, time and body. */
function assertSigned(received: readonly Received[], secret: string): void {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  for (const { headers, body } of received) {
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
    assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    assert.ok(Math.abs(Number(headers['webhook-timestamp']) * 1_000 - Date.now()) < 600_000)
  }
}

function bySubject(list: readonly { subject: string; id: string; topic: string; body: unknown }[]) {
  const groups: Record<string, unknown[]> = {}
  for (const { subject, id, topic, body } of list) (groups[subject] ??= []).push({ id, topic, body })
  return groups
}

/** Everything that the cursor gives, in order. */
export async function allEffects(platform: Client): Promise<Effect[]> {
  const effects: Effect[] = []
  for (let cursor: string | null | undefined; ;) {
    const page = await platform.call(listEffects, {
      query: { limit: 1_000, ...(cursor === undefined || cursor === null ? {} : { after: cursor }) },
    })
    effects.push(...page.items)
    if (page.items.length === 0 || page.next === cursor) return effects
    cursor = page.next
  }
}
