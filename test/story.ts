import assert from 'node:assert/strict'
import sharp from 'sharp'
import { ApiError } from '../src/http/client.ts'
import type { SubjectView } from '../src/http/contract/subjects.ts'
import type { Upload } from '../src/http/contract/match.ts'
import { paintPicture } from '../src/kernels/picture.ts'
import { encodeJpeg } from '../src/media/encode.ts'
import type { TestApp } from './app.ts'

// What one needs to tell a story of the product from outside.

export const minuteMs = 60_000
export const iso = (timeMs: number) => new Date(timeMs).toISOString()
export const pause = (ms: number) => new Promise<void>((done) => void setTimeout(done, ms))
export async function until<T>(what: string, look: () => Promise<T | undefined | false>, limitMs = 10_000): Promise<T> {
  for (const endMs = Date.now() + limitMs; Date.now() < endMs; await pause(50)) {
    const found = await look()
    if (found !== undefined && found !== false) return found
  }
  assert.fail(`${what}: not within ${limitMs} ms`)
}
export async function failure(work: Promise<unknown>): Promise<ApiError> {
  const error = await work.then(
    () => assert.fail('it should have been refused'),
    (caught: unknown) => caught,
  )
  if (!(error instanceof ApiError)) throw error
  return error
}
export const event = (id: string, actorId: string, more: Record<string, unknown> = {}, timeMs = Date.now()) => ({
  id,
  type: 'item.created',
  time: iso(timeMs),
  context: 'feed',
  actor: { id: actorId },
  ...more,
})
export const photoOf = (bytes: Uint8Array) => [{ id: 'p', kind: 'photo', bytes: Buffer.from(bytes).toString('base64') }]
export async function picture(seed: number): Promise<Uint8Array> {
  const { rgb, width, height } = paintPicture(seed, 'product', 480, 360)
  return encodeJpeg(rgb, width, height, 92)
}
export const recompressed = async (bytes: Uint8Array, width: number, quality: number) =>
  new Uint8Array(await sharp(bytes).resize(width).jpeg({ quality }).toBuffer())

/** How much neighbouring pixels differ: 0 for a plain area. */
export async function detailOf(bytes: Buffer): Promise<number> {
  const { data, info } = await sharp(bytes)
    .resize(256, 192, { fit: 'fill' })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  let sum = 0
  for (let at = info.channels; at < data.length; at += info.channels)
    sum += (data[at]! - data[at - info.channels]!) ** 2
  return sum / data.length
}

/** Uploads a JPEG with the key of the platform. */
export async function uploadTo({ url, key }: Pick<TestApp, 'url' | 'key'>, bytes: Uint8Array): Promise<Upload> {
  const answer = await fetch(`${url}/v1/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'image/jpeg' },
    body: Buffer.from(bytes),
  })
  assert.equal(answer.status, 201)
  return (await answer.json()) as Upload
}

/** What holds of an account, without the ids that are its own. */
export function holding({ status, standing, gates, consequences, labels }: SubjectView) {
  return {
    status,
    standing,
    gates: gates.map(({ feature, context, untilMs, reason }) => ({ feature, context, untilMs, reason })),
    consequences: consequences
      .filter(({ state }) => state === 'running')
      .map(({ context, action, level, features, fromMs, untilMs, arithmetic, automation }) => {
        return { context, action, level, features, fromMs, untilMs, arithmetic, automation }
      }),
    labels,
  }
}
