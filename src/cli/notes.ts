import { table, UsageError, type Command } from './command.ts'

/** The commands of the group. A new one is a file and a line here. */
const commands: Record<string, { summary: string; load: () => Promise<{ command: Command }> }> = {
  score: { summary: 'score notes from tables of ratings', load: () => import('./notes-score.ts') },
}

export const command: Command = {
  name: 'notes',
  summary: 'score community notes',
  usage: `NAME [ARGUMENTS]

Community notes. "custos notes NAME help" explains one.

${table(Object.entries(commands).map(([name, { summary }]) => [`  ${name}`, summary]))}`,
  async run(args, io) {
    const [name, ...rest] = args
    const entry = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
    if (entry === undefined)
      throw new UsageError(name === undefined ? 'say which: score' : `there is no "custos notes ${name}"`)
    const { command: chosen } = await entry.load()
    if (rest[0] === 'help') {
      io.stdout.write(`custos notes ${name}: ${chosen.summary}\n\nusage: custos notes ${name} ${chosen.usage}\n`)
      return 0
    }
    try {
      return await chosen.run(rest, io)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      io.stderr.write(`custos notes ${name}: ${error.message}\nusage: custos notes ${name} ${chosen.usage}\n`)
      return 2
    }
  },
}
