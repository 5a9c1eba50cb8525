#!/usr/bin/env node
// npm test: installs what is missing, checks types, lint and format (test/checks.test.ts), and runs every test.
//   npm test -- src/rules          only test files whose path contains this
//   npm test -- --test-name-pattern=appeal   flags go to node --test
//   npm test -- --slow             the slow ones (*.slow.test.ts) instead
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import {
  ensureConsole,
  ensureInstalled,
  exitLike,
  filesUnder,
  nodeBinary,
  root,
  runForwarding,
  say,
} from './prepare.mjs'

const args = process.argv.slice(2)
const slow = args.includes('--slow')
const flags = args.filter((arg) => arg.startsWith('-') && arg !== '--slow')
const filters = args.filter((arg) => !arg.startsWith('-')).map((arg) => arg.replace(/^\.\//, ''))

const files = ['src', 'test']
  .flatMap(filesUnder)
  .filter((file) => /\.test\.tsx?$/.test(file) && file.endsWith('.slow.test.ts') === slow)
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
if (files.length === 0) {
  say(filters.length === 0 ? 'There are no tests.' : `No test file matches ${filters.join(', ')}.`)
  process.exit(filters.length === 0 ? 0 : 1)
}

ensureInstalled()
const missing = ensurePrograms()
ensureConsole()

const run = await runForwarding(
  nodeBinary(),
  [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-concurrency=${slow ? 1 : 2}`,
    `--test-reporter=${join(root, 'bin/reporter.mjs')}`,
    '--test-reporter-destination=stdout',
    ...flags,
    ...files,
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      CUSTOS_TEST_MISSING: missing.join('\n'),
      PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    },
  },
)
const stopped = spawnSync(nodeBinary(), [join(root, 'test/stop-database.ts')], { cwd: root, encoding: 'utf8' })
if (stopped.status !== 0) say(`The test database could not be stopped: ${stopped.stderr.trim()}`)
exitLike(run)

/** Whether a program is on the path, or at the path that a variable names. */
function has(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)))
}

/** Looks for the programs that some tests need, installs them where it may, and says what will be skipped without them. */
function ensurePrograms() {
  const programs = [
    {
      name: 'ffmpeg',
      there: () => existsSync(process.env.FFMPEG ?? '') || has('ffmpeg'),
      skips: 'tests that decode video and audio',
    },
    {
      name: 'libchromaprint-tools',
      there: () => has('fpcalc'),
      skips: 'the comparison of audio fingerprints with fpcalc',
    },
    {
      name: 'chromium',
      there: () => ['chromium', 'chromium-browser', 'google-chrome'].some(has),
      skips: 'browser tests of the console',
    },
  ]
  const absent = programs.filter((program) => !program.there())
  if (absent.length === 0) return []
  const names = absent.map((program) => program.name)
  const debian = existsSync('/etc/debian_version') && has('apt-get')
  if (debian && process.getuid?.() === 0) {
    say(`Installing ${names.join(' and ')} with apt-get (tests need them; this happens once)...`)
    const options = {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 15 * 60_000,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }
    const update = spawnSync('apt-get', ['update', '-qq'], options)
    for (const name of names) {
      const install = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], options)
      if (install.status !== 0)
        say(`apt-get could not install ${name}: ${(install.stderr || update.stderr || '').trim().split('\n').at(-1)}`)
    }
  }
  return programs
    .filter((program) => !program.there())
    .map((program) => {
      const how = debian ? `sudo apt-get install ${program.name}` : `install ${program.name} and put it on the path`
      const line = `${program.name} is missing, so ${program.skips} are skipped (to run them: ${how})`
      say(line)
      return line
    })
}
