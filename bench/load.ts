import { connect, type Socket } from 'node:net'

export type Answer = { status: number; body: Buffer; latencyMs: number }

/**
 * One keep-alive HTTP/1.1 connection that sends one request at a time. Bare sockets, so that the load generator leaves
 * the two cores to what is measured.
 */
export type Connection = {
  post: (path: string, body: string | Buffer, headers?: Record<string, string>) => Promise<Answer>
  close: () => void
}

export function openConnection(url: string, key: string): Promise<Connection> {
  const { hostname, port } = new URL(url)
  return new Promise((opened, failed) => {
    const socket: Socket = connect(Number(port), hostname)
    socket.setNoDelay(true)
    let received: Buffer = Buffer.alloc(0)
    // A slow answer must not hide behind the next request: requests are pipelined and timed from when they were due.
    const waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void; sentAt: number }[] = []
    const fail = (error: Error) => {
      for (const one of waiting.splice(0)) one.reject(error)
    }
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      for (;;) {
        const headEnd = received.indexOf('\r\n\r\n')
        if (headEnd < 0) return
        const head = received.toString('latin1', 0, headEnd)
        const end = headEnd + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
        if (received.length < end) return
        const one = waiting.shift()!
        one.resolve({
          status: Number(head.slice(9, 12)),
          body: received.subarray(headEnd + 4, end),
          latencyMs: performance.now() - one.sentAt,
        })
        received = received.subarray(end)
      }
    })
    socket.on('error', (error) => {
      failed(error)
      fail(error)
    })
    socket.on('close', () => fail(new Error('the connection was closed')))
    socket.on('connect', () =>
      opened({
        post: (path, body, headers = {}) =>
          new Promise((resolve, reject) => {
            waiting.push({ resolve, reject, sentAt: performance.now() })
            const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
            const type = headers['content-type'] === undefined ? 'content-type: application/json\r\n' : ''
            socket.write(
              `POST ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${key}\r\n${type}${more.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n`,
            )
            socket.write(body)
          }),
        close: () => socket.destroy(),
      }),
    )
  })
}

/** The value below which a share of the samples lies (nearest rank). */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** Prints one claim on stdout, the only thing that may be printed there. */
export function claim(name: string, value: number, unit: string): void {
  process.stdout.write(`${JSON.stringify({ claim: name, value: Number(value.toPrecision(4)), unit })}\n`)
}

/** Says something to the person who watches. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

let made = 0
/** An event of an ordinary kind and size, as JSON: a private message of 80 characters with thread, target and origin. */
export function messageEvent(run: string, nowMs: number): string {
  const n = made++
  return JSON.stringify({
    id: `${run}-${n}`,
    type: 'message.sent',
    time: new Date(nowMs).toISOString(),
    context: 'private_messaging',
    actor: { id: `u${n % 20_000}`, attributes: { createdAt: '2024-03-19T08:00:00Z', language: 'en' } },
    item: {
      id: `${run}-m${n}`,
      kind: 'message',
      text: `are we still meeting at the station tomorrow at ten, or was it eleven? ${n}`,
      language: 'en',
    },
    thread: { id: `t${n % 9_000}`, kind: 'direct', memberCount: 2 },
    targets: [{ id: `u${(n * 7_919) % 20_000}` }],
    origin: { ip: `198.51.100.${n % 250}`, device: `d${n % 20_000}` },
  })
}
