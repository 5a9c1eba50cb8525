/**
 * Claims ingest.batch, ingest.single and ingest.latency: events over HTTP, durable before they are answered, with
 * PostgreSQL and the load generator on the same machine and the worker judging them meanwhile.
 */
import { openConnection, claim, messageEvent, quantile, say } from './load.ts'
import { makeKey, publishReferenceRules, startProduct } from '../test/product.ts'

const product = await startProduct()
try {
  const key = await makeKey(product.dataDir)
  await publishReferenceRules(product.url, key)
  const run = `b${process.pid}`
  let sent = 0

  const measure = async (connections: number, perRequest: number, requests: number) => {
    const open = await Promise.all(Array.from({ length: connections }, () => openConnection(product.url, key)))
    // Bodies are made beforehand: what is measured is the server, not JSON.stringify here.
    const bodies = Array.from({ length: requests }, () => {
      const events = Array.from({ length: perRequest }, () => messageEvent(run, Date.now()))
      return perRequest === 1 ? events[0]! : `[${events.join(',')}]`
    })
    const began = performance.now()
    let next = 0
    const latencies: number[] = []
    await Promise.all(
      open.map(async (connection) => {
        while (next < bodies.length) {
          const answer = await connection.post('/v1/events', bodies[next++]!)
          latencies.push(answer.latencyMs)
          const counts = JSON.parse(answer.body.toString()) as { accepted: number }
          if (answer.status !== 200 || counts.accepted !== perRequest)
            throw new Error(`answered ${answer.status}: ${answer.body.toString().slice(0, 300)}`)
        }
      }),
    )
    const seconds = (performance.now() - began) / 1_000
    for (const connection of open) connection.close()
    sent += perRequest * requests
    return { rate: (perRequest * requests) / seconds, p99: quantile(latencies, 0.99) }
  }

  const drained = async () => {
    const began = performance.now()
    for (;;) {
      const text = await (await fetch(`${product.url}/metrics`)).text()
      const lag = Number(/^custos_consumer_lag_events\{[^}]*\} (\d+)/m.exec(text)?.[1] ?? Number.NaN)
      if (lag === 0) return (performance.now() - began) / 1_000
      if (performance.now() - began > 120_000)
        throw new Error(`the worker is still ${lag} events behind after two minutes`)
      await new Promise((done) => setTimeout(done, 100))
    }
  }

  await measure(8, 500, 40) // warm
  await drained()
  const batch = await measure(8, 500, 240)
  const behindS = await drained()
  say(
    `batches of 500: ${Math.round(batch.rate)} events/s acknowledged, request p99 ${batch.p99.toFixed(0)} ms; the worker had judged all of them ${behindS.toFixed(1)} s later`,
  )
  claim('ingest.batch', batch.rate, 'events/s')
  const single = await measure(64, 1, 20_000)
  say(`one by one over 64 connections: ${Math.round(single.rate)} events/s, request p99 ${single.p99.toFixed(1)} ms`)
  claim('ingest.single', single.rate, 'events/s')
  await drained()

  // Latency at 2,000 events/s: 200 requests a second of 10 events each; one event in each request asks to be decided.
  const probes = await Promise.all(Array.from({ length: 32 }, () => openConnection(product.url, key)))
  const load = await Promise.all(Array.from({ length: 16 }, () => openConnection(product.url, key)))
  const latencies: number[] = []
  const began = performance.now()
  let tick = 0
  let late = 0
  const inFlight: Promise<void>[] = []
  const seconds = 20
  while (tick < seconds * 100) {
    const dueMs = tick * 10
    const waitMs = dueMs - (performance.now() - began)
    if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs))
    else if (waitMs < -50) late++
    const events = Array.from({ length: 19 }, () => messageEvent(run, Date.now()))
    const connection = load[tick % load.length]!
    const probe = probes[tick % probes.length]!
    const sentAt = performance.now()
    inFlight.push(
      connection.post('/v1/events', `[${events.join(',')}]`).then((answer) => {
        if (answer.status !== 200) throw new Error(answer.body.toString())
      }),
      probe.post('/v1/decide', messageEvent(run, Date.now())).then((answer) => {
        if (answer.status !== 200) throw new Error(answer.body.toString())
        if (tick > 200) latencies.push(performance.now() - sentAt)
      }),
    )
    sent += 20
    tick++
  }
  await Promise.all(inFlight)
  say(
    `2,000 events/s: event to committed decision p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms; ${late} of ${tick} ticks were late`,
  )
  claim('ingest.latency.p99', quantile(latencies, 0.99), 'ms')
  await drained()

  // The answer first: every event that was acknowledged is there, once.
  const text = await (await fetch(`${product.url}/metrics`)).text()
  const accepted = Number(/^custos_events_total\{[^}]*outcome="accepted"[^}]*\} (\d+)/m.exec(text)?.[1] ?? Number.NaN)
  if (accepted !== sent) throw new Error(`${sent} events were sent and acknowledged, the server counted ${accepted}`)
  for (const connection of [...probes, ...load]) connection.close()
} finally {
  await product.stop()
}
