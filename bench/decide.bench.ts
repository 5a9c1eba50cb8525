/** Claim decide.latency: POST /v1/decide at 200 requests a second over 16 connections, answered when committed. */
import { openConnection, claim, messageEvent, quantile, say } from './load.ts'
import { makeKey, publishReferenceRules, startProduct } from '../test/product.ts'

const product = await startProduct()
try {
  const key = await makeKey(product.dataDir)
  await publishReferenceRules(product.url, key)
  const run = `d${process.pid}`
  const connections = await Promise.all(Array.from({ length: 16 }, () => openConnection(product.url, key)))
  const latencies: number[] = []
  const began = performance.now()
  const inFlight: Promise<void>[] = []
  const warmUp = 400
  for (let tick = 0; tick < 200 * 20; tick++) {
    const waitMs = tick * 5 - (performance.now() - began)
    if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs))
    const connection = connections[tick % connections.length]!
    inFlight.push(
      connection.post('/v1/decide', messageEvent(run, Date.now())).then((answer) => {
        const { verdict } = JSON.parse(answer.body.toString()) as { verdict: string }
        if (answer.status !== 200 || verdict !== 'allow')
          throw new Error(`answered ${answer.status}: ${answer.body.toString().slice(0, 300)}`)
        if (tick >= warmUp) latencies.push(answer.latencyMs)
      }),
    )
  }
  await Promise.all(inFlight)
  say(
    `decide at 200/s: p50 ${quantile(latencies, 0.5).toFixed(2)} ms, p99 ${quantile(latencies, 0.99).toFixed(2)} ms over ${latencies.length} calls`,
  )
  claim('decide.latency.p99', quantile(latencies, 0.99), 'ms')
  for (const connection of connections) connection.close()
} finally {
  await product.stop()
}
