// Hashing of photos with decoding, on one core and on two: the 12 JPEGs of the bridge, seven of them 1600 x 1004.
//   npm run bench -- pdq
import { fork } from 'node:child_process'
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { pdqDihedral, pdqHash, pdqStages, pdqToHex, type PdqConvention } from '../src/kernels/pdq.ts'
import { decodeImage, withPixels } from '../src/media/decode.ts'
import { hashImage } from '../src/media/hash-image.ts'
import { createMediaPool } from '../src/media/hash-pool.ts'
import { claim, say } from './load.ts'

const folder = fileURLToPath(new URL('../../shared/data/match/pdq/', import.meta.url))
const rounds = 8
const repeats = 4

type Tap = { file: string; hashed_width: number; hashed_height: number; hash: string; quality: number }
type Expected = { file: string; hash: string; quality: number }

const read = <Row>(path: string) =>
  readFileSync(folder + path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)

/** The share of reference images (both conventions) and stage dumps that come out identical, bit for bit. */
async function exactness(): Promise<number> {
  let checked = 0
  let identical = 0
  const check = (same: boolean, what: string) => {
    checked++
    if (same) identical++
    else say(`not identical: ${what}`)
  }
  const images = new Map(globSync(`${folder}images/**/*.*`).map((path) => [basename(path), path]))
  for (const [convention, file] of [
    ['full', 'full-res-convention.jsonl'],
    ['512', 'cpp-512-convention.jsonl'],
  ] as [PdqConvention, string][])
    for (const row of read<Expected>(`expected/${file}`)) {
      const bytes = readFileSync(images.get(row.file)!)
      const { rgb, width, height } = await decodeImage(bytes)
      const stages = pdqStages(rgb, width, height, convention)!
      const { pdq } = await hashImage(bytes, { convention })
      check(
        [pdqToHex(pdqHash(stages)), pdq?.hash].every((hash) => hash === row.hash) &&
          [stages.quality, pdq?.quality].every((quality) => quality === row.quality),
        `${row.file} (convention ${convention})`,
      )
    }
  const same = (values: Float32Array, path: string) =>
    Buffer.from(values.buffer).equals(readFileSync(`${folder}taps/${path}`))
  for (const tap of read<Tap>('taps/taps.jsonl')) {
    const stages = pdqStages(readFileSync(`${folder}taps/${tap.file}.rgb`), tap.hashed_width, tap.hashed_height)!
    check(same(stages.luma64, `${tap.file}.luma64.f32le`), `${tap.file}: 64 x 64 luma`)
    check(same(stages.dct16, `${tap.file}.dct16.f32le`), `${tap.file}: DCT`)
    check(pdqToHex(pdqHash(stages)) === tap.hash, `${tap.file}: hash`)
  }
  say(`${identical} of ${checked} reference images and stages identical`)
  return identical / checked
}

const photos = () => {
  const place = join(folder, 'images/bridge-mods')
  return readdirSync(place).map((name) => readFileSync(join(place, name)))
}

type Rate = { cpu: number; wall: number }

/** Best images a second of several rounds, by CPU time of this process (all its threads) and by the clock. */
async function rate(images: number, work: () => Promise<void>): Promise<Rate> {
  const best: Rate = { cpu: 0, wall: 0 }
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    const cpu = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(cpu)
    best.wall = Math.max(best.wall, (images * 1_000) / (performance.now() - began))
    best.cpu = Math.max(best.cpu, (images * 1_000_000) / (user + system))
  }
  return best
}

/** What one core does, measured in a process that may use one alone. */
async function onOneCore(): Promise<void> {
  sharp.concurrency(1)
  const files = photos()
  const count = files.length
  const decoded = await Promise.all(files.map((bytes) => decodeImage(bytes)))
  const stages: Record<string, Rate> = {
    'decode and hash': await rate(count * repeats, async () => {
      for (let repeat = 0; repeat < repeats; repeat++) for (const bytes of files) await hashImage(bytes)
    }),
    'decode and hash, by way of pixels': await rate(count, async () => {
      for (const bytes of files)
        await withPixels(bytes, ({ rgb, width, height }) => pdqDihedral(pdqStages(rgb, width, height)!))
    }),
    'decode and hash, libvips': await rate(count, async () => {
      for (const bytes of files) {
        const { data, info } = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true })
        pdqDihedral(pdqStages(data, info.width, info.height)!)
      }
    }),
    'decode alone': await rate(count, async () => {
      for (const bytes of files) await withPixels(bytes, () => {})
    }),
    'decode alone, libvips': await rate(count, async () => {
      for (const bytes of files) await sharp(bytes, { ignoreIcc: true }).raw().toBuffer()
    }),
    'hash alone': await rate(count, async () => {
      for (const { rgb, width, height } of decoded) pdqStages(rgb, width, height)
    }),
    'hash alone, convention 512': await rate(count, async () => {
      for (const { rgb, width, height } of decoded) pdqStages(rgb, width, height, '512')
    }),
    'hash alone, TypeScript': await rate(count, async () => {
      for (const { rgb, width, height } of decoded) pdqStages(rgb, width, height, 'full', 'typescript')
    }),
    'eight dihedral hashes of the stages': await rate(count, async () => {
      for (const { rgb, width, height } of decoded.slice(-1)) {
        const one = pdqStages(rgb, width, height)!
        for (let at = 0; at < count; at++) pdqDihedral(one)
      }
    }),
  }
  process.send!(stages)
}

if (process.argv[2] === 'one-core') await onOneCore()
else if (!existsSync(folder)) say(`${folder} is absent; nothing to measure`)
else {
  claim('pdq.exact', await exactness(), 'share')

  // Decoding runs on a thread of its own: without a fence, two threads on two cores would pass for one.
  const self = fileURLToPath(import.meta.url)
  const fenced = existsSync('/usr/bin/taskset')
  const child = fork(
    self,
    ['one-core'],
    fenced ? { execPath: '/usr/bin/taskset', execArgv: ['-c', '0', process.execPath] } : {},
  )
  const stages = await new Promise<Record<string, Rate>>((done, failed) => {
    child.once('message', (message) => done(message as Record<string, Rate>))
    child.once('exit', (code) => failed(new Error(`the one-core run ended with ${code}`)))
  })
  for (const [name, { cpu, wall }] of Object.entries(stages))
    say(`${name.padEnd(38)}${cpu.toFixed(0).padStart(7)}/s of CPU${wall.toFixed(0).padStart(7)}/s by the clock`)
  say(
    `hash, WebAssembly to TypeScript: ${(stages['hash alone']!.cpu / stages['hash alone, TypeScript']!.cpu).toFixed(1)} x`,
  )
  const versus = stages['decode and hash']!.cpu / stages['decode and hash, libvips']!.cpu
  say(`decode and hash, to the same hash of what libvips decodes: ${versus.toFixed(2)} x`)
  // By CPU time, so that what else runs on the machine does not count.
  claim('pdq.images.core1', stages['decode and hash']!.cpu, 'images/s')

  const files = photos()
  const pool = createMediaPool({ workers: 2 })
  const run = async (repeat: number) =>
    void (await Promise.all(Array.from({ length: repeat }, () => files.map((bytes) => pool.hash(bytes))).flat()))
  await run(2)
  const { wall, cpu } = await rate(files.length * repeats * 2, () => run(repeats * 2))
  say(
    `two workers: ${wall.toFixed(0)}/s by the clock; this process used ${((100 * wall) / cpu).toFixed(0)} % of a core to feed them`,
  )
  claim('pdq.images.core2', wall, 'images/s')
  await pool.close()
}
