import { table, UsageError, type Command } from './command.ts'

/** The commands of the group. A new one is a file and a line here. */
const commands: Record<string, { summary: string; load: () => Promise<{ command: Command }> }> = {
  bank: { summary: 'list banks of a server, add to them, import and export', load: () => import('./match-bank.ts') },
  hash: { summary: 'print hashes of files and folders', load: () => import('./match-hash.ts') },
  exchange: { summary: 'list, set up, run and watch exchanges', load: () => import('./match-exchange.ts') },
  index: { summary: 'what the search index of a running server is made of', load: () => import('./match-index.ts') },
  lookup: {
    summary: 'look files, hashes and texts up in the banks of a running Custos',
    load: () => import('./match-lookup.ts'),
  },
  cluster: { summary: 'find near-duplicates in a folder of photos', load: () => import('./match-cluster.ts') },
}

const usage = `NAME [ARGUMENTS]

Hashing, comparing and looking up. "custos match NAME help" explains one.

${table(Object.entries(commands).map(([name, { summary }]) => [`  ${name}`, summary]))}`

export const command: Command = {
  name: 'match',
  summary: 'hash, compare, cluster and look up media',
  usage,
  async run(args, io) {
    const [name, ...rest] = args
    const entry = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
    if (entry === undefined)
      throw new UsageError(
        name === undefined ? 'say which: bank, hash, cluster …' : `there is no "custos match ${name}"`,
      )
    const { command: chosen } = await entry.load()
    if (rest[0] === 'help') {
      io.stdout.write(`custos match ${name}: ${chosen.summary}\n\nusage: custos match ${name} ${chosen.usage}\n`)
      return 0
    }
    try {
      return await chosen.run(rest, io)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      io.stderr.write(`custos match ${name}: ${error.message}\nusage: custos match ${name} ${chosen.usage}\n`)
      return 2
    }
  },
}
