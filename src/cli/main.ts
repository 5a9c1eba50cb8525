import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { editDistance, settings } from '../config.ts'
import { errorLines, table, UsageError, type Command, type Io } from './command.ts'
import { release } from '../release.ts'

// Stripping types and compiling 300 files takes three seconds; the second start finds them done.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/custos', import.meta.url)))

/** Every command: its name, what it does, and how to load it. Loaded when called, so that `--help` stays instant. */
const commands: Record<string, { summary: string; load: () => Promise<{ command: Command }> }> = {
  start: { summary: 'start everything: API, console, database', load: () => import('./start.ts') },
  doctor: { summary: 'check this installation and say how to mend it', load: () => import('./doctor.ts') },
  backup: { summary: 'write everything into one archive', load: () => import('./backup.ts') },
  restore: { summary: 'fill an empty data folder from an archive', load: () => import('./restore.ts') },
  keys: { summary: 'make, list and revoke API keys', load: () => import('./keys.ts') },
  people: { summary: 'list staff, add somebody, print a sign-in link', load: () => import('./people.ts') },
  explain: { summary: 'print why a decision was made, and replay it', load: () => import('./explain.ts') },
  ledger: { summary: 'verify the hash chain, rebuild projections', load: () => import('./ledger.ts') },
  ingest: { summary: 'send events from files or folders of images', load: () => import('./ingest.ts') },
  match: { summary: 'hash, compare, cluster and look up media', load: () => import('./match.ts') },
  notes: { summary: 'score community notes', load: () => import('./notes.ts') },
  sim: { summary: 'write the events of a simulated platform', load: () => import('./sim.ts') },
  erase: { summary: 'erase the personal data of an actor for good', load: () => import('./erase.ts') },
}

function help(): string {
  return [
    `Custos ${release()}: an integrity platform.\n\n`,
    'usage: custos COMMAND [ARGUMENTS]\n\n',
    table(Object.entries(commands).map(([name, { summary }]) => [`  ${name}`, summary])),
    '\n"custos COMMAND --help" explains one. Settings come from the environment:\n\n',
    table(settings.map(({ name, byDefault, meaning }) => [`  ${name}`, byDefault, meaning])),
  ].join('')
}

/** Runs one command line and answers the exit code: 0 done, 1 did not work, 2 called wrongly. */
export async function main(args: string[], io: Io): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(help())
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === '-v') {
    io.stdout.write(`${release()}\n`)
    return 0
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) {
    const near = Object.keys(commands)
      .map((known) => ({ known, distance: editDistance(name, known) }))
      .filter(({ known, distance }) => distance <= 2 || (name.length >= 3 && known.startsWith(name)))
      .sort((a, b) => a.distance - b.distance)[0]
    const hint = near === undefined ? 'see "custos --help"' : `did you mean "${near.known}"?`
    io.stderr.write(`custos: there is no command "${name}"; ${hint}\n`)
    return 2
  }
  try {
    const { command } = await entry.load()
    if (rest.includes('--help') || rest.includes('-h')) {
      io.stdout.write(`custos ${command.name}: ${command.summary}\n\nusage: custos ${command.name} ${command.usage}\n`)
      return 0
    }
    try {
      return await command.run(rest, io)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      io.stderr.write(`custos ${name}: ${error.message}\nusage: custos ${name} ${command.usage}\n`)
      return 2
    }
  } catch (error) {
    io.stderr.write(errorLines(error, io.env.CUSTOS_LOG === 'debug'))
    return 1
  }
}

if (import.meta.main) {
  const io: Io = { stdout: process.stdout, stderr: process.stderr, cwd: process.cwd(), env: process.env }
  // A reader that closes early (| head) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  process.exitCode = await main(process.argv.slice(2), io)
}
