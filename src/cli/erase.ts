import { erasePerson } from '../flows/erase.ts'
import { parse, type Command } from './command.ts'
import { operator, withInstallation } from './installation.ts'

export const command: Command = {
  name: 'erase',
  summary: 'erase the personal data of an actor for good',
  usage: `ACTOR --yes [--tenant ID] [--data DIR]
  Destroys the key of the actor's vault and takes words, media and origin out of their events. Decisions stay in the
  ledger, without the words. There is no undo; archives that "custos backup" made earlier still hold everything.`,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      { data: { type: 'string' }, tenant: { type: 'string' }, yes: { type: 'boolean' } },
      { min: 1, max: 1 },
    )
    const actorId = positionals[0]!
    if (values.yes !== true) {
      io.stderr.write(`custos: nothing was erased; to erase "${actorId}" for good, say so with --yes\n`)
      return 2
    }
    return withInstallation(io, { ...values, purpose: 'erase' }, async (installation) => {
      const { eventsErased } = await erasePerson(installation, installation.tenantId, actorId, operator)
      io.stdout.write(`"${actorId}" is erased: ${eventsErased} events, and everything in the vault.\n`)
      return 0
    })
  },
}
