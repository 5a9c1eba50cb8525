import { argon2, createHash, timingSafeEqual } from 'node:crypto'
import type { RandomBytes } from '../domain/ids.ts'
import { HttpProblem } from './problem.ts'

/** 256 random bits as text for a URL, a header or a cookie. */
export function randomToken(randomBytes: RandomBytes): string {
  return Buffer.from(randomBytes(32)).toString('base64url')
}

/** What is stored of a token: it has 256 random bits, so one round of SHA-256 cannot be searched back. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest()
}

// RFC 9106, section 4: the second recommended option, for memory-constrained environments.
const memoryKib = 65_536
const passes = 3
const lanes = 4
const tagBytes = 32
const saltBytes = 16
/** NIST SP 800-63B-4, section 3.1.1.2: at least 15 characters where the password is the only factor. */
export const passwordLengthMin = 15
export const passwordLengthMax = 256

// Each hash takes 64 MiB and a fifth of a second: more at once would be a way to exhaust the machine.
const hashesAtOnceMax = 2
const hashesWaitingMax = 20
let running = 0
const waiting: (() => void)[] = []

async function derive(password: string, salt: Uint8Array, cost: { m: number; t: number; p: number }, bytes: number) {
  if (running >= hashesAtOnceMax) {
    if (waiting.length >= hashesWaitingMax)
      throw new HttpProblem(503, 'Too many sign-ins at once', 'Try again in a moment.', undefined, {
        'retry-after': '2',
      })
    await new Promise<void>((go) => waiting.push(go))
  } else running++
  try {
    return await new Promise<Buffer>((done, fail) =>
      argon2(
        'argon2id',
        {
          // NFKC: the same password typed on another keyboard may arrive composed differently (RFC 8265).
          message: password.normalize('NFKC'),
          nonce: salt,
          parallelism: cost.p,
          tagLength: bytes,
          memory: cost.m,
          passes: cost.t,
        },
        (error, tag) => (error === null ? done(tag) : fail(error)),
      ),
    )
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}

/** A password as a PHC string: `$argon2id$v=19$m=65536,t=3,p=4$salt$tag`. */
export async function hashPassword(password: string, randomBytes: RandomBytes): Promise<string> {
  const salt = Buffer.from(randomBytes(saltBytes))
  const tag = await derive(password, salt, { m: memoryKib, t: passes, p: lanes }, tagBytes)
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${text(salt)}$${text(tag)}`
}

/** Whether the password is the one that was hashed. Takes as long for no hash at all, so that nobody learns who exists. */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored ?? '')
  if (parts === null) {
    await derive(password, Buffer.alloc(saltBytes), { m: memoryKib, t: passes, p: lanes }, tagBytes)
    return false
  }
  const [, m, t, p, salt, tag] = parts
  const expected = Buffer.from(tag!, 'base64')
  const got = await derive(
    password,
    Buffer.from(salt!, 'base64'),
    { m: Number(m), t: Number(t), p: Number(p) },
    expected.length,
  )
  return timingSafeEqual(got, expected)
}
