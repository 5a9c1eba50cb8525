import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findVideoTools } from './ffmpeg.ts'
import { soundOf } from './sound.ts'

const tools = await findVideoTools()
const options = { ffmpeg: 'ffmpeg', timeoutMs: 60_000, memoryBytes: 2 * 1024 ** 3 }

/** Stereo at 8,000 samples a second: a rising line on the left, silence on the right. */
function stereo(seconds: number): Buffer {
  const bytes = seconds * 8_000 * 4
  const wav = Buffer.alloc(44 + bytes)
  wav.write('RIFF', 0, 'latin1')
  wav.writeUInt32LE(36 + bytes, 4)
  wav.write('WAVEfmt ', 8, 'latin1')
  for (const [at, value] of [
    [16, 16],
    [24, 8_000],
    [28, 32_000],
    [40, bytes],
  ] as const)
    wav.writeUInt32LE(value, at)
  for (const [at, value] of [
    [20, 1],
    [22, 2],
    [32, 4],
    [34, 16],
  ] as const)
    wav.writeUInt16LE(value, at)
  wav.write('data', 36, 'latin1')
  for (let at = 0; at < bytes / 4; at++) wav.writeInt16LE((at % 200) * 100, 44 + at * 4)
  return wav
}

test(
  'a sound is made anew as WAV of one channel and known length',
  { skip: tools.ok ? false : tools.detail },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'custos-sound-'))
    try {
      const path = join(folder, 'media')
      await writeFile(path, stereo(3))
      const wav = Buffer.from((await soundOf(path, options))!)
      assert.equal(wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 16), 'RIFFWAVEfmt ')
      assert.equal(wav.readUInt32LE(4), wav.length - 8)
      assert.deepEqual([wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt32LE(40)], [1, 22_050, wav.length - 44])
      assert.ok(Math.abs((wav.length - 44) / 2 / 22_050 - 3) < 0.05, `${wav.length} bytes`)
      await writeFile(path, 'no sound at all')
      assert.equal(await soundOf(path, options), undefined)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
