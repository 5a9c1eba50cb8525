import { useSyncExternalStore } from 'react'
import { hashContent, lookupMatches, type LookupBody } from '../../../http/contract/match.ts'
import type { Problem } from '../../../http/contract/route.ts'
import { ApiError } from '../../../http/client.ts'
import { client } from '../../api.ts'
import { signalsOfHash } from '../../parts/hash-words.ts'
import type { Answer, Hashes, TypedKind } from './state.ts'

/** One thing that is looked up. Files stay on this machine: the server hashes them and keeps nothing. */
export type Asked = {
  id: string
  name: string
  state: 'waiting' | 'sending' | 'hashing' | 'done' | 'failed'
  /** 0 to 1. */
  sent: number
  file?: File
  /** The browser's own address of the file, for as long as it is on the list. */
  localUrl?: string
  kind?: 'photo' | 'video' | 'audio'
  typed?: { as: TypedKind; words: string }
  hashes?: Hashes
  answer?: Answer
  error?: unknown
}

const atOnceMax = 2
export const filesMax = 200

// Kept outside the screen, so that going to an entry and Back shows the same again.
let list: Asked[] = []
let made = 0
let running = 0
const listeners = new Set<() => void>()

function change(next: Asked[]) {
  for (const one of list)
    if (one.localUrl !== undefined && !next.some(({ id }) => id === one.id)) URL.revokeObjectURL(one.localUrl)
  list = next
  for (const listener of listeners) listener()
}

function patch(id: string, part: Partial<Asked>) {
  change(list.map((one) => (one.id === id ? { ...one, ...part } : one)))
}

/** Everything that was asked last: one thing, or many files at once. */
export function useAsked(): readonly Asked[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => list,
  )
}

/** Forgets what was asked. */
export function forgetAsked(): void {
  change([])
}

/** Hashes files and looks them up, a few at a time, in place of what was asked before. */
export function askFiles(files: readonly File[]): void {
  change(
    files.slice(0, filesMax).map((file) => ({
      id: `f${++made}`,
      name: file.name || 'pasted picture',
      state: 'waiting',
      sent: 0,
      file,
      localUrl: URL.createObjectURL(file),
      ...kindOf(file.type),
    })),
  )
  go()
}

/** Looks words up: a hash, an address or a text. */
export function askWords(as: TypedKind, words: string): void {
  change([{ id: `w${++made}`, name: words, state: 'hashing', sent: 1, typed: { as, words } }])
  const id = list[0]!.id
  void look(id, async () => {
    if (as === 'text') {
      const [hashes, answer] = await Promise.all([
        send<Hashes>(hashContent, JSON.stringify({ text: words })),
        client.call(lookupMatches, { body: { text: words } }),
      ])
      return { hashes, answer }
    }
    const signals = as === 'hash' ? signalsOfHash(words) : undefined
    const body: LookupBody =
      as === 'link'
        ? { links: [words], follow: true }
        : as === 'media'
          ? { media: [{ url: words }] }
          : { signals: signals ?? {}, turned: true }
    const answer = await client.call(lookupMatches, { body })
    return { answer, ...(signals === undefined ? {} : { hashes: { signals } }) }
  })
}

/** Asks again what failed. */
export function askAgain(id: string): void {
  const one = list.find((each) => each.id === id)
  if (one?.typed !== undefined) askWords(one.typed.as, one.typed.words)
  else if (one !== undefined) {
    change(list.map((each) => (each.id === id ? { ...each, state: 'waiting', sent: 0, error: undefined } : each)))
    go()
  }
}

function kindOf(mime: string): Pick<Asked, 'kind'> {
  const kind = { image: 'photo', video: 'video', audio: 'audio' }[mime.split('/')[0] ?? ''] as Asked['kind']
  return kind === undefined ? {} : { kind }
}

async function look(id: string, ask: () => Promise<Pick<Asked, 'hashes' | 'answer'>>): Promise<void> {
  try {
    const found = await ask()
    patch(id, { ...found, state: 'done', ...(found.hashes?.kind === undefined ? {} : { kind: found.hashes.kind }) })
  } catch (error) {
    patch(id, { state: 'failed', error })
  }
}

function go() {
  for (const one of list) {
    if (running >= atOnceMax) return
    const { file, id } = one
    if (one.state !== 'waiting' || file === undefined) continue
    running++
    patch(id, { state: 'sending' })
    void look(id, async () => {
      const form = new FormData()
      form.append('file', file)
      const [hashes, answer] = await Promise.all([
        send<Hashes>(hashContent, file),
        send<Answer>(lookupMatches, form, (sent) => patch(id, { sent, ...(sent === 1 ? { state: 'hashing' } : {}) })),
      ])
      return { hashes, answer }
    }).finally(() => {
      running--
      go()
    })
  }
}

/** Sends a body that is not JSON by contract, and tells how much of it has left. */
function send<T>(
  route: typeof hashContent | typeof lookupMatches,
  body: File | FormData | string,
  onSent?: (share: number) => void,
): Promise<T> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest()
    request.open(route.method, client.url(route, {}))
    if (typeof body === 'string') request.setRequestHeader('content-type', 'application/json')
    else if (body instanceof File) request.setRequestHeader('content-type', body.type || 'application/octet-stream')
    if (onSent !== undefined) {
      request.upload.addEventListener('progress', (event) => {
        if (event.lengthComputable && event.loaded < event.total) onSent(event.loaded / event.total)
      })
      request.upload.addEventListener('load', () => onSent(1))
    }
    request.addEventListener('error', () => failed(new TypeError('The server does not answer')))
    request.addEventListener('load', () => {
      let answer: unknown
      try {
        answer = JSON.parse(request.responseText)
      } catch {
        return failed(new TypeError(`The answer is not JSON: ${request.responseText.slice(0, 200)}`))
      }
      if (request.status < 400) done(answer as T)
      else failed(new ApiError(request.status, answer as Problem))
    })
    request.send(body)
  })
}
