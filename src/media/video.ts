import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InputError, type Outcome } from '../domain/error.ts'
import { pdqStages } from '../kernels/pdq.ts'
import { createTmk, type TmkFeatures } from '../kernels/tmk.ts'
import { vpdqStep, type VpdqFrames } from '../kernels/vpdq.ts'
import {
  closedInput,
  createFrameReader,
  findVideoTools,
  runTool,
  type RgbFrame,
  type RunTool,
  type ToolLimits,
  type VideoTools,
} from './ffmpeg.ts'
import { createFrameHashes, type FrameHashes } from './frame-hashes.ts'
import { readAvcTrack, type ReadAt } from './mp4.ts'
import { thinFilter, thinStream } from './thin.ts'

export type HashedVideo = {
  frames: VpdqFrames
  /** The same frames without the bars around the picture, where the video has such at the same place throughout. */
  inner?: VpdqFrames
  durationMs: number
  width: number
  height: number
  fps: number
  /** Whether the decoder was given only what the hashes need. */
  thinned: boolean
  /** Why frames are missing of a file that could be read in part. */
  damage?: string
}

export type VideoOptions = ToolLimits & {
  /** Program, or path of it; ffprobe is beside it. */
  ffmpeg: string
  /** One hash every so many seconds, and 0 for one of each frame. */
  secondsPerHash: number
  /** Largest frame. */
  pixelsMax: number
  /** Most hashes of one video; more is refused. */
  framesMax: number
  threads: number
  /** Whether frames that no hash needs are kept from the decoder where that is known to change nothing. */
  thin: boolean
}

/** 8K frames, four hours at one hash a second, five minutes of work, 4 GB. */
export const videoDefaults: VideoOptions = {
  ffmpeg: 'ffmpeg',
  secondsPerHash: 1,
  pixelsMax: 8_192 * 4_320,
  framesMax: 14_400,
  timeoutMs: 300_000,
  memoryBytes: 4 * 1024 ** 3,
  threads: 2,
  thin: true,
}

type Tools = VideoTools & { ok: true }

/**
 * vPDQ of a video or animated image: PDQ at full resolution of every `int(seconds * fps)`-th frame in the order of
 * showing, rotation ignored, times as frame number over frame rate; as the reference (facebook/ThreatExchange, vpdq).
 * Bytes, or the path of a file. Decoded by ffmpeg in a process of its own, which can read nothing else; `runFed` may have
 * started it before. Refuses with
 * `no-ffmpeg` where it is not installed; throws an InputError that names the limit for what is hostile, broken, or no
 * video. A frame with a side under 5 pixels has no hash.
 */
export async function hashVideo(
  media: Uint8Array | string,
  options: Partial<VideoOptions> = {},
  runFed: RunTool = runTool,
): Promise<Outcome<{ video: HashedVideo }, 'no-ffmpeg'>> {
  const limits = { ...videoDefaults, ...options }
  const tools = await findVideoTools(limits.ffmpeg)
  if (!tools.ok) return tools
  const video =
    typeof media === 'string'
      ? await withFile(
          media,
          async (read, bytes) => (await hashThin(tools, read, bytes, limits, runFed)) ?? hashAny(tools, media, limits),
        )
      : ((await hashThin(tools, readOf(media), media.length, limits, runFed)) ??
        (await withTemporaryFile(media, (path) => hashAny(tools, path, limits))))
  return { ok: true, video }
}

/**
 * TMK+PDQF of a video: fifteen frames a second at 64 x 64, rotated as shown, as the reference's pipeline makes them
 * (facebook/ThreatExchange, tmk/cpp/hashing). Options, refusals and errors as of `hashVideo`.
 */
export async function hashVideoTmk(
  media: Uint8Array | string,
  options: Partial<VideoOptions> = {},
): Promise<Outcome<{ tmk: TmkFeatures }, 'no-ffmpeg'>> {
  const limits = { ...videoDefaults, framesMax: 15 * videoDefaults.framesMax, ...options }
  const tools = await findVideoTools(limits.ffmpeg)
  if (!tools.ok) return tools
  const make = async (path: string) => {
    await probe(tools, path, limits)
    const tmk = createTmk()
    const picture = ['-s', '64x64', '-pix_fmt', 'rgb24', '-r', '15']
    const { count, said } = await decode(
      tools,
      [...fileInput(path, limits), ...picture],
      limits,
      ({ rgb, width, height }) => tmk.add(pdqStages(rgb, width, height)!.dct16),
    )
    if (count === 0) throw refuse('has no frames that can be decoded', said)
    return tmk.finish()
  }
  const made = typeof media === 'string' ? await make(media) : await withTemporaryFile(media, make)
  return { ok: true, tmk: made }
}

/**
 * A frame from near the beginning as PNG, upright and at most 1,280 pixels wide, for screens; undefined where there is
 * none or no ffmpeg.
 */
export async function posterOf(path: string, options: Partial<VideoOptions> = {}): Promise<Uint8Array | undefined> {
  const limits = { ...videoDefaults, ...options }
  const tools = await findVideoTools(limits.ffmpeg)
  if (!tools.ok) return undefined
  const { durationMs = 0 } = await probe(tools, path, limits)
  const chunks: Buffer[] = []
  let bytes = 0
  const from = durationMs > 3_000 ? ['-ss', '1'] : []
  const one = ['-frames:v', '1', '-vf', `scale='min(1280,iw)':-2`, '-f', 'image2pipe', '-c:v', 'png', 'pipe:1']
  const args = ['-nostdin', '-v', 'error', '-threads', '1', ...from, ...fileInput(path, limits), ...one]
  const { code } = await runTool(tools.ffmpeg, args, limits, {
    read(chunk) {
      chunks.push(chunk)
      return (bytes += chunk.length) < posterBytesMax
    },
  })
  return code === 0 && bytes > 0 ? Buffer.concat(chunks) : undefined
}

const posterBytesMax = 64 * 1024 * 1024

/** H.264 in MP4, of which the decoder is given only what the frames asked for need; undefined for all other files. */
async function hashThin(
  tools: Tools,
  read: ReadAt,
  bytes: number,
  limits: VideoOptions,
  runFed: RunTool,
): Promise<HashedVideo | undefined> {
  const track = limits.thin && limits.secondsPerHash > 0 ? await readAvcTrack(read, bytes) : undefined
  if (track === undefined || track.width * track.height > limits.pixelsMax) return undefined
  const { fps, sizes, width, height } = track
  const step = vpdqStep(limits.secondsPerHash, fps)
  const wanted = Math.ceil(sizes.length / step)
  if (step === 1 || wanted > limits.framesMax) return undefined
  const { chunks, told } = thinStream(track, step, read)
  const hashes = createFrameHashes(fps, step)
  // The same for every video, so that a process can be started before the video comes. Times are places here, one a
  // millisecond or two; a muxer wants them to rise by more than rounding leaves.
  const input = ['-strict', 'strict', '-copyts', '-f', 'flv', ...decoderLimits(limits), ...closedInput('pipe')]
  const args = [...input, '-i', 'pipe:0', '-vf', `${thinFilter},setpts=N/TB`, ...tools.passthrough]
  const run: RunTool = (tool, all, within, io) => runFed(tool, all, within, { ...io, feed: chunks })
  const { count } = await decode(tools, args, limits, (frame) => hashes.add(frame), run)
  // What does not come out as the index says is left to the demuxer that knows more.
  if (count !== wanted || told.truncated) return undefined
  return {
    ...madeOf(hashes),
    durationMs: Math.round((sizes.length / fps) * 1_000),
    fps,
    width,
    height,
    thinned: true,
  }
}

/** Anything that ffmpeg demuxes, every frame decoded. */
async function hashAny(tools: Tools, path: string, limits: VideoOptions): Promise<HashedVideo> {
  const { fps, width, height, durationMs } = await probe(tools, path, limits)
  const step = vpdqStep(limits.secondsPerHash, fps)
  const hashes = createFrameHashes(fps, step)
  const picked = step === 1 ? [] : ['-vf', `select='not(mod(n,${step}))'`]
  const ran = await decode(
    tools,
    ['-noautorotate', ...fileInput(path, limits), ...picked, ...tools.passthrough],
    limits,
    (frame) => hashes.add(frame),
  )
  if (ran.count === 0) throw refuse('has no frames that can be decoded', ran.said)
  return {
    ...madeOf(hashes),
    durationMs: durationMs ?? Math.round(((ran.count * step) / fps) * 1_000),
    fps,
    width,
    height,
    thinned: false,
    ...(ran.code === 0 && ran.said === '' ? {} : { damage: withoutPaths(ran.said).split('\n')[0]!.slice(0, 200) }),
  }
}

/** Runs ffmpeg and hands its pictures over one by one; answers how many there were. */
async function decode(
  tools: Tools,
  args: readonly string[],
  limits: VideoOptions,
  see: (frame: RgbFrame) => void,
  run: RunTool = runTool,
) {
  let count = 0
  const read = createFrameReader(limits.pixelsMax, (frame) => {
    count++
    if (count <= limits.framesMax) see(frame)
  })
  const ran = await run(
    tools.ffmpeg,
    ['-nostdin', '-hide_banner', '-v', 'error', '-threads', String(limits.threads), ...args, ...pictureOutput],
    limits,
    {
      read(chunk) {
        read(chunk)
        return count <= limits.framesMax
      },
    },
  )
  if (count > limits.framesMax)
    throw refuse(`has more than ${limits.framesMax} frames to hash`, undefined, limits.framesMax)
  if (ran.ended === 'timeout') throw tooSlow(limits)
  return { ...ran, count }
}

const pictureOutput = ['-an', '-sn', '-dn', '-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1']
const decoderLimits = (limits: VideoOptions) => ['-max_pixels', String(limits.pixelsMax)]
const fileInput = (path: string, limits: VideoOptions) => [
  ...decoderLimits(limits),
  ...closedInput('file'),
  '-i',
  `file:${path}`,
  '-map',
  '0:V:0',
]

type Probed = { fps: number; width: number; height: number; durationMs?: number }

/** What the container says of the first video stream that is not a cover picture. */
async function probe(tools: Tools, path: string, limits: VideoOptions): Promise<Probed> {
  let text = ''
  const entries = 'stream=width,height,avg_frame_rate,r_frame_rate:format=duration'
  const asked = [
    '-v',
    'error',
    ...closedInput('file'),
    '-select_streams',
    'V:0',
    '-show_entries',
    entries,
    '-of',
    'json',
  ]
  const { code, ended, said } = await runTool(tools.ffprobe, [...asked, `file:${path}`], limits, {
    read: (chunk) => (text += chunk.toString('utf8')).length < 100_000,
  })
  if (ended === 'timeout') throw tooSlow(limits)
  if (code !== 0) {
    if (/whitelist/i.test(said)) throw refuse('is a playlist or another file that is not itself a video', said)
    if (/moov atom not found|end of file|truncat/i.test(said)) throw refuse('is truncated', said)
    throw refuse('is damaged, or no video', said)
  }
  const { streams, format } = JSON.parse(text) as {
    streams?: Partial<Record<'width' | 'height', number> & Record<'avg_frame_rate' | 'r_frame_rate', string>>[]
    format?: { duration?: string }
  }
  const stream = streams?.[0]
  if (stream === undefined) throw refuse('has no video in it')
  const { width = 0, height = 0 } = stream
  if (width < 1 || height < 1) throw refuse('has no frames that can be decoded', said)
  if (width * height > limits.pixelsMax)
    throw refuse(`has more than ${limits.pixelsMax} pixels a frame`, `${width} x ${height}`, limits.pixelsMax)
  const fps = rateOf(stream.avg_frame_rate) ?? rateOf(stream.r_frame_rate)
  if (fps === undefined) throw refuse('has no frame rate', said)
  const seconds = Number(format?.duration)
  return { fps, width, height, ...(seconds > 0 ? { durationMs: Math.round(seconds * 1_000) } : {}) }
}

function rateOf(text: string | undefined): number | undefined {
  const [over = 0, under = 0] = (text ?? '').split('/').map(Number)
  const rate = over / under
  return rate > 0 && Number.isFinite(rate) ? rate : undefined
}

function madeOf(hashes: FrameHashes): Pick<HashedVideo, 'frames' | 'inner'> {
  const inner = hashes.inner()
  return { frames: hashes.frames(), ...(inner === undefined ? {} : { inner }) }
}

const readOf =
  (bytes: Uint8Array): ReadAt =>
  (offset, length) =>
    Promise.resolve(bytes.subarray(offset, offset + length))

async function withFile<T>(path: string, work: (read: ReadAt, bytes: number) => Promise<T>): Promise<T> {
  const file = await open(path, 'r')
  try {
    const read: ReadAt = async (offset, length) => {
      const bytes = new Uint8Array(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    }
    return await work(read, (await file.stat()).size)
  } finally {
    await file.close()
  }
}

async function withTemporaryFile<T>(bytes: Uint8Array, work: (path: string) => Promise<T>): Promise<T> {
  if (bytes.length === 0) throw refuse('is empty', '0 bytes', 1)
  const folder = await mkdtemp(join(tmpdir(), 'custos-video-'))
  try {
    const path = join(folder, 'video')
    await writeFile(path, bytes)
    return await work(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Where the file lay is nobody's business. */
const withoutPaths = (said: string) => said.replaceAll(/file:\S+/g, 'the file:').trim()

const tooSlow = (limits: VideoOptions) =>
  refuse(`took longer than ${limits.timeoutMs} ms to decode`, undefined, limits.timeoutMs)

function refuse(problem: string, value?: string, limit?: number): InputError {
  return new InputError(`The video ${problem}`, [
    {
      field: 'media',
      problem,
      ...(value === undefined || value === '' ? {} : { value: withoutPaths(value).slice(0, 200) }),
      ...(limit === undefined ? {} : { limit }),
    },
  ])
}
