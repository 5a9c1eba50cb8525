import { pdqFromHex, pdqToHex, pdqWords } from './pdq.ts'
import type { VpdqFrames } from './vpdq.ts'

/** Most frames of one text: four hours at one a second. */
export const vpdqFramesMax = 14_400
/** Longest text: frames of 64 digits, quality, seconds, and what separates them. */
export const vpdqTextMax = vpdqFramesMax * 100

/**
 * Frames as text, in the form that python-threatexchange and Hasher-Matcher-Actioner exchange: a JSON array of
 * `hash,quality,seconds`, in order of time, seconds to the millisecond. Equal frames give equal texts.
 */
export function vpdqToText({ words, qualities, timesMs }: VpdqFrames): string {
  return JSON.stringify(
    Array.from(qualities, (quality, at) => `${pdqToHex(words, at * pdqWords)},${quality},${timesMs[at]! / 1_000}`),
  )
}

/**
 * Frames from text: that form, or the lines that the command line of the reference writes (`frame,quality,hash,seconds`).
 * Throws a TypeError that says which frame is wrong and how.
 */
export function vpdqFromText(text: string): VpdqFrames {
  if (text.length > vpdqTextMax)
    throw new TypeError(`has ${text.length} characters and may have ${vpdqTextMax} (${vpdqFramesMax} frames)`)
  const trimmed = text.trim()
  const frames = trimmed.startsWith('[') ? ofJson(trimmed) : ofLines(trimmed)
  if (frames.length === 0) throw new TypeError('has no frames')
  if (frames.length > vpdqFramesMax) throw new TypeError(`has ${frames.length} frames and may have ${vpdqFramesMax}`)
  frames.sort((a, b) => a.timeMs - b.timeMs)
  const words = new Uint32Array(frames.length * pdqWords)
  for (const [at, { hash }] of frames.entries()) words.set(pdqFromHex(hash), at * pdqWords)
  return {
    words,
    qualities: Uint8Array.from(frames, ({ quality }) => quality),
    timesMs: Float64Array.from(frames, ({ timeMs }) => timeMs),
  }
}

type Frame = { hash: string; quality: number; timeMs: number }

function ofJson(text: string): Frame[] {
  let rows: unknown
  try {
    rows = JSON.parse(text)
  } catch {
    throw new TypeError('is not JSON')
  }
  return (rows as unknown[]).map((row, at) => {
    const [hash = '', quality = '', seconds = '', ...more] = typeof row === 'string' ? row.split(',') : []
    if (more.length > 0) throw new TypeError(`has a frame ${at + 1} that is not hash,quality,seconds`)
    return frameOf(at, hash, quality, seconds)
  })
}

function ofLines(text: string): Frame[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      const [number = '', quality = '', hash = '', seconds = '', ...more] = line.split(',')
      if (more.length > 0 || !/^\s*\d+\s*$/.test(number))
        throw new TypeError(`has a line ${at + 1} that is not frame,quality,hash,seconds`)
      return frameOf(at, hash, quality, seconds)
    })
}

function frameOf(at: number, hash: string, quality: string, seconds: string): Frame {
  const wrong = (what: string) => new TypeError(`has a frame ${at + 1} whose ${what}`)
  const [digits, level, time] = [hash.trim(), quality.trim(), seconds.trim()]
  if (!/^[0-9a-f]{64}$/i.test(digits)) throw wrong('hash is not 64 hexadecimal digits')
  if (!/^\d{1,3}$/.test(level) || Number(level) > 100) throw wrong('quality is not a whole number from 0 to 100')
  const timeMs = Math.round(Number(time) * 1_000)
  if (time === '' || !(timeMs >= 0 && timeMs <= 1e12)) throw wrong('time is not a number of seconds from 0')
  return { hash: digits, quality: Number(level), timeMs }
}
