import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Outcome } from '../domain/error.ts'

/** What one run of ffmpeg or ffprobe may take. */
export type ToolLimits = {
  timeoutMs: number
  /** Address space, in bytes; enforced where the system has `ulimit -v`. */
  memoryBytes: number
}

export type ToolRun = {
  /** Undefined when it was ended by a signal. */
  code: number | undefined
  /** Why we ended it: it took too long, or the reader had enough. */
  ended?: 'timeout' | 'stopped'
  /** The beginning of what it said. */
  said: string
}

export type VideoTools = Outcome<
  { ffmpeg: string; ffprobe: string; version: string; passthrough: readonly string[] },
  'no-ffmpeg'
>

/**
 * Containers that videos and animated images come in, by the names of ffmpeg's demuxers. Playlists, `concat`, image
 * sequences and whatever else opens further files or addresses are not among them.
 */
export const videoFormats =
  'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ogg,gif,apng,h264,hevc,m4v,mpegvideo,ivf'

/** Containers that sound comes in, by the names of ffmpeg's demuxers; nothing that opens further files or addresses. */
export const audioFormats = `${videoFormats},mp3,wav,w64,aiff,flac,aac,ac3,eac3,amr,caf,au,ape,wv,tta,dsf`

/** Input options that keep ffmpeg from reading anything but the one file (or the pipe) that it was given. */
export function closedInput(protocol: 'file' | 'pipe', formats = videoFormats): string[] {
  return ['-protocol_whitelist', protocol, '-format_whitelist', formats]
}

/** What makes ffmpeg write the beginning of a file's first sound track as 16-bit samples of one channel. */
export function soundArguments(path: string, secondsMax: number, samplesPerSecond: number): string[] {
  const input = [...closedInput('file', audioFormats), '-t', String(secondsMax), '-i', `file:${path}`, '-map', '0:a:0']
  const output = ['-ac', '1', '-ar', String(samplesPerSecond), '-f', 's16le', 'pipe:1']
  return ['-hide_banner', '-nostdin', '-v', 'error', '-threads', '1', ...input, ...output]
}

const stderrCharsMax = 4_000
const found = new Map<string, Promise<VideoTools>>()

/**
 * Whether ffmpeg (a name on the PATH, or a path) and the ffprobe beside it run here, and which version. Looked for once;
 * again after they were missing.
 */
export function findVideoTools(ffmpeg = 'ffmpeg'): Promise<VideoTools> {
  const looked =
    found.get(ffmpeg) ??
    look(ffmpeg).then((tools) => {
      if (!tools.ok) found.delete(ffmpeg)
      return tools
    })
  found.set(ffmpeg, looked)
  return looked
}

async function look(ffmpeg: string): Promise<VideoTools> {
  const ffprobe = join(dirname(ffmpeg), basename(ffmpeg).replace('ffmpeg', 'ffprobe'))
  const limits = { timeoutMs: 20_000, memoryBytes: 4 * 1024 ** 3 }
  const versions: string[] = []
  for (const [name, program] of [
    ['ffmpeg', ffmpeg],
    ['ffprobe', ffprobe],
  ] as const) {
    let text = ''
    const ran = await runTool(program, ['-version'], limits, {
      read: (chunk) => void (text += chunk.toString('latin1')),
    })
    const version = new RegExp(`^${name} version (\\S+)`).exec(text)?.[1]
    if (ran.code !== 0 || version === undefined)
      return {
        ok: false,
        reason: 'no-ffmpeg',
        detail: `Video is off: ${program} does not run here; install ffmpeg (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg)`,
      }
    versions.push(version)
  }
  const [major = 0, minor = 0] = (/^n?(\d+)\.(\d+)/.exec(versions[0]!) ?? []).slice(1).map(Number)
  // Builds without a number are from the development branch, and newer than 5.1.
  const old = major > 0 && (major < 5 || (major === 5 && minor < 1))
  return {
    ok: true,
    ffmpeg,
    ffprobe,
    version: versions[0]!,
    passthrough: old ? ['-vsync', '0'] : ['-fps_mode', 'passthrough'],
  }
}

/** What is read from a tool and what it is given: `read` gets its output in pieces and answers false to end it. */
export type ToolIo = { read: (chunk: Buffer) => boolean | void; feed?: AsyncIterable<Uint8Array> }

/**
 * Runs ffmpeg or ffprobe (a name on the PATH, or a path) in a process of its own with limits on time and memory. `feed`
 * is written to its input. Nothing of the environment but the search path is passed on.
 */
export type RunTool = (tool: string, args: readonly string[], limits: ToolLimits, io: ToolIo) => Promise<ToolRun>
export const runTool: RunTool = (tool, args, limits, io) => startTool(tool, args, limits, io.feed !== undefined).run(io)

/** A process that has been started and keeps neither the program alive nor anything open until it is run. */
export type StartedTool = {
  /** Reads and feeds it to its end; the time that it may take counts from here. Once. */
  run: (io: ToolIo) => Promise<ToolRun>
  /** Whether it has ended already. */
  ended: () => boolean
  /** Ends it unused. */
  stop: () => void
}

/** Starts what `runTool` runs. One that is `fed` waits for its input, and ends when this program does. */
export function startTool(tool: string, args: readonly string[], limits: ToolLimits, fed: boolean): StartedTool {
  const options = {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    stdio: [fed ? 'pipe' : 'ignore', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  }
  const limited =
    `ulimit -c 0; ulimit -v ${Math.round(limits.memoryBytes / 1024)}; ` +
    `ulimit -t ${Math.ceil(limits.timeoutMs / 1_000) * 2}; exec "$0" "$@"`
  const child =
    process.platform === 'win32'
      ? spawn(tool, args, options)
      : // What a system cannot limit it says on its error output, and goes on.
        spawn('/bin/sh', ['-c', limited, tool, ...args], options)
  let said = ''
  let ended: ToolRun['ended']
  let over = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < stderrCharsMax) said += text.slice(0, stderrCharsMax - said.length)
  })
  // It may end before it has read everything: its exit says why.
  if (fed) child.stdin.on('error', () => {})
  const closed = new Promise<ToolRun>((done) => {
    child.once('error', (error) => {
      over = true
      done({ code: 127, said: error.message })
    })
    child.once('exit', () => (over = true))
    child.once('close', (code) => done({ code: code ?? undefined, ...(ended === undefined ? {} : { ended }), said }))
  })
  const held = [child, ...([child.stdin, child.stdout, child.stderr] as unknown as (Socket | null)[])]
  for (const one of held) one?.unref()
  const end = (why: NonNullable<ToolRun['ended']>) => {
    ended ??= why
    child.kill('SIGKILL')
  }
  return {
    ended: () => over,
    stop: () => end('stopped'),
    async run({ read, feed }) {
      for (const one of held) one?.ref()
      const deadline = setTimeout(() => end('timeout'), limits.timeoutMs)
      let failed: { error: unknown } | undefined
      const fail = (error: unknown) => {
        failed ??= { error }
        end('stopped')
      }
      child.stdout.on('data', (chunk: Buffer) => {
        if (ended !== undefined) return
        try {
          if (read(chunk) === false) end('stopped')
        } catch (error) {
          fail(error)
        }
      })
      if (feed !== undefined) feedAll(child.stdin, feed).catch(fail)
      try {
        const ran = await closed
        if (failed !== undefined) throw failed.error
        return ran
      } finally {
        clearTimeout(deadline)
      }
    },
  }
}

async function feedAll(to: NodeJS.WritableStream & { destroyed?: boolean }, from: AsyncIterable<Uint8Array>) {
  for await (const chunk of from) {
    if (to.destroyed === true) return
    if (!to.write(chunk))
      await new Promise<void>((on) => {
        const go = () => {
          to.off('drain', go).off('close', go)
          on()
        }
        to.on('drain', go).on('close', go)
      })
  }
  to.end()
}

export type RgbFrame = { rgb: Uint8Array; width: number; height: number }

/**
 * Cuts a stream of binary PPM pictures (`P6 <width> <height> 255`, then RGB) into frames. The bytes of a frame are
 * written over by the next one. Throws for anything else in the stream.
 */
export function createFrameReader(pixelsMax: number, see: (frame: RgbFrame) => void): (chunk: Uint8Array) => void {
  let head = ''
  let frame: RgbFrame | undefined
  let filled = 0
  let spare = new Uint8Array(0)
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (frame === undefined) {
        head += String.fromCharCode(chunk[at++]!)
        const match = /^P6\s+(\d+)\s+(\d+)\s+255\s$/.exec(head)
        if (match === null) {
          if (head.length > 32) throw new Error('ffmpeg answered something that is not a picture')
          continue
        }
        const [width, height] = [Number(match[1]), Number(match[2])]
        if (width * height > pixelsMax) throw new Error(`ffmpeg answered a picture of ${width} x ${height}`)
        if (spare.length !== width * height * 3) spare = new Uint8Array(width * height * 3)
        frame = { rgb: spare, width, height }
        head = ''
        filled = 0
      }
      const take = Math.min(chunk.length - at, frame.rgb.length - filled)
      frame.rgb.set(chunk.subarray(at, at + take), filled)
      filled += take
      at += take
      if (filled === frame.rgb.length) {
        see(frame)
        frame = undefined
      }
    }
  }
}
