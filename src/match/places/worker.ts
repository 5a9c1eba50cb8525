// The thread in which photos are looked for by their local features. It knows no tenants and has no connections.
import { parentPort } from 'node:worker_threads'
import { createPlacesDesk, type Asked, type Told } from './desk.ts'
import type { PlacesAnswer, PlacesRequest } from './thread.ts'

const desk = createPlacesDesk()

parentPort?.on('message', ({ number, asked }: PlacesRequest | { number?: undefined; asked: Told }) => {
  if (number === undefined) return desk.tell(asked)
  let answer: PlacesAnswer
  try {
    answer = { number, ok: true, answer: desk.ask(asked satisfies Asked) }
  } catch (error) {
    answer = { number, ok: false, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  parentPort!.postMessage(answer)
})
