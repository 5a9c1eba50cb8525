import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
/** As the launcher starts it. */
export const nodeFlags = JSON.parse(readFileSync(join(root, 'bin/node-flags.json'), 'utf8')) as string[]

export type Product = {
  url: string
  dataDir: string
  pid: number
  /** Milliseconds from the start of the process to the line that says where it listens. */
  startedMs: number
  output: () => string
  signInLink: string | undefined
  /** Sends a signal to the program itself, not to a launcher around it. */
  kill: (signal: NodeJS.Signals) => void
  exited: Promise<number | null>
  /** Ctrl-C, and waits; removes the data folder when it made it. */
  stop: () => Promise<void>
}

export type ProductOptions = { dataDir?: string; args?: string[]; env?: Record<string, string>; keep?: boolean }

/** An empty folder that, as root, the unprivileged user of PostgreSQL may enter. */
export function makeDataDir(purpose: string): string {
  const dir = mkdtempSync(join(tmpdir(), `custos-${purpose}-`))
  chmodSync(dir, 0o755)
  return dir
}

/** Starts the whole product as a user would, on a free port, and waits until it serves. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const dataDir = options.dataDir ?? makeDataDir('bench')
  const began = performance.now()
  const child = spawn(
    process.execPath,
    [...nodeFlags, join(root, 'src/cli/main.ts'), 'start', '--data', dataDir, '--port', '0', ...(options.args ?? [])],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CUSTOS_LOG: 'warn', ...options.env },
    },
  )
  let output = ''
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const url = await new Promise<string>((ready, failed) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const found = /https?:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
      if (found !== undefined && /Ctrl-C/.test(output)) ready(found)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => failed(new Error(`custos exits ${code}: ${output.slice(-2_000)}`)))
  })
  return {
    url,
    dataDir,
    pid: child.pid!,
    startedMs: performance.now() - began,
    output: () => output,
    signInLink: /https?:\/\/\S+\/sign-in\?token=\S+/.exec(output)?.[0],
    kill: (signal) => void child.kill(signal),
    exited,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
      await exited
      if (options.dataDir === undefined && options.keep !== true) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Runs one custos command and answers what it printed; throws when it fails. */
export async function custos(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, [join(root, 'src/cli/main.ts'), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let out = ''
  let err = ''
  child.stdout!.on('data', (chunk: Buffer) => (out += chunk))
  child.stderr!.on('data', (chunk: Buffer) => (err += chunk))
  const code = await new Promise<number | null>((done) => child.once('exit', done))
  if (code !== 0) throw new Error(`custos ${args.join(' ')} exits ${code}: ${(err + out).slice(-2_000)}`)
  return out
}

/** An API key with all the scopes that a platform needs. */
export async function makeKey(dataDir: string): Promise<string> {
  const out = await custos(['keys', 'create', '--data', dataDir, '--name', 'bench', '--scopes', 'all', '--json'])
  return (JSON.parse(out) as { key: string }).key
}

/** Publishes the reference rules, so that what is measured judges events as a real installation does. */
export async function publishReferenceRules(url: string, key: string): Promise<void> {
  const text = await readFile(join(root, 'src/rules/reference-rules.yaml'), 'utf8')
  const answer = await fetch(`${url}/v1/rules`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  })
  if (!answer.ok) throw new Error(`publishing the reference rules: ${answer.status} ${await answer.text()}`)
}
