import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { InputError } from '../domain/error.ts'
import type { AnyRoute } from './contract/any-route.ts'
import { signalTypes } from '../match/signal-types/all.ts'
import type { SignalType } from '../match/signal-types/signal-type.ts'
import { HttpProblem } from './problem.ts'
import type { HandlerInput, Mount } from './server.ts'

/** Signal types by the names that Hasher-Matcher-Actioner gives them, where they differ from ours. */
const theirNames: Record<string, string> = { md5: 'video_md5', text: 'raw_text', tlsh: 'text_tlsh' }
export const theirName = (name: string): string => theirNames[name] ?? name

/** The signal type that a client means, by its name or ours; undefined for none. */
export function typeNamed(name: string): SignalType | undefined {
  return signalTypes.find((type) => theirName(type.name) === name) ?? signalTypes.find((type) => type.name === name)
}

/** Which signals of which content type are made unless the client names some. */
export const contentTypes: Record<string, readonly string[]> = {
  photo: ['pdq'],
  video: ['md5', 'vpdq'],
  audio: ['chromaprint', 'md5'],
}

/** The refusal of a request, as these clients read it. */
export function refuse(status: number, message: string): HttpProblem {
  return new HttpProblem(status, 'Refused', message)
}

/** Mounts a route so that what it refuses is answered as `{ message }`, with the status that these clients expect. */
export function hmaMount(mount: Mount) {
  return <R extends AnyRoute>(route: R, handler: (input: HandlerInput<R>) => unknown): void =>
    mount(route, async (input) => {
      try {
        return (await handler(input)) as never
      } catch (error) {
        const known = error instanceof HttpProblem || error instanceof InputError
        if (!known) throw error
        input.reply.code(error instanceof HttpProblem ? error.status : 400)
        return { message: error.message } as never
      }
    })
}

/** True for what Python's clients send for true. */
export const isYes = (text: string | undefined): boolean => /^(true|1|yes|on|t|y)$/i.test(text ?? '')

/** Names of a list joined by commas; undefined where none is given. */
export const namesIn = (text: string | undefined): string[] | undefined =>
  text === undefined || text === ''
    ? undefined
    : text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')

/** The JSON object of a request. */
export function objectOf(request: FastifyRequest, required = true): Record<string, unknown> {
  const body: unknown = request.body
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  if (body === undefined && !required) return {}
  throw refuse(body === undefined ? 415 : 400, 'The body must be a JSON object')
}

/** 0 to 1, the same for the same seed; from the given random bytes without one. */
export function coinOf(seed: string | undefined, randomBytes: (length: number) => Uint8Array): number {
  const bytes = seed === undefined ? randomBytes(4) : createHash('sha256').update(seed).digest()
  return Buffer.from(bytes).readUInt32BE(0) / 2 ** 32
}
