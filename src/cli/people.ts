import { roles, type Role } from '../domain/staff.ts'
import { createPerson, createSignInLink, parseHandle } from '../http/access.ts'
import { selectPeople } from '../storage/access.ts'
import { dataHolder } from '../storage/data-lock.ts'
import { parse, table, UsageError, type Command } from './command.ts'
import { operator, withInstallation } from './installation.ts'

export const command: Command = {
  name: 'people',
  summary: 'list staff, add somebody, or print a sign-in link',
  usage: `list | add HANDLE --roles LIST [--name NAME] | link HANDLE   [--tenant ID] [--data DIR] [--json]
  add   roles are ${roles.join(', ')}; prints a sign-in link
  link  a link that signs the person in once, within 15 minutes`,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      {
        data: { type: 'string' },
        tenant: { type: 'string' },
        name: { type: 'string' },
        roles: { type: 'string' },
        json: { type: 'boolean' },
      },
      { min: 1, max: 2 },
    )
    const [action, given] = positionals
    if (action !== 'list' && action !== 'add' && action !== 'link')
      throw new UsageError(`"${action}" is none of list, add, link`)
    if (action !== 'list' && given === undefined) throw new UsageError(`${action} needs a handle`)
    if (action === 'list' && given !== undefined) throw new UsageError(`unexpected argument "${given}"`)
    if (action === 'add' && values.roles === undefined) throw new UsageError('add needs --roles')

    return withInstallation(io, { ...values, purpose: `people ${action}` }, async (installation) => {
      const { db, clock, tenantId, config } = installation
      const find = (search?: string) =>
        selectPeople(db.query, tenantId, { afterHandle: '', limit: 1_000, ...(search === undefined ? {} : { search }) })
      if (action === 'list') {
        const people = await find()
        if (values.json === true) io.stdout.write(`${JSON.stringify(people)}\n`)
        else
          io.stdout.write(
            table([
              ['HANDLE', 'NAME', 'STATE', 'ROLES'],
              ...people.map(({ handle, name, disabledMs, roles: held }) => [
                handle,
                name,
                disabledMs === null ? 'active' : 'disabled',
                held.join(','),
              ]),
            ]),
          )
        return 0
      }
      const handle = parseHandle(given!)
      const link = await db.transaction(async (tx) => {
        if (action === 'add') {
          const wanted = values.roles!.split(',').map((role) => role.trim()) as Role[]
          const person = { handle, name: values.name ?? given!, roles: wanted }
          const id = await createPerson(tx, installation, tenantId, person, operator)
          if (id === undefined) throw new Error(`Cannot add "${handle}": the handle is taken`)
          return createSignInLink(tx, installation, tenantId, id)
        }
        const person = (await find(handle)).find((candidate) => candidate.handle === handle)
        if (person === undefined)
          throw new Error(`Cannot make a link: tenant "${tenantId}" has nobody called "${handle}"`)
        if (person.disabledMs !== null) throw new Error(`Cannot make a link: "${handle}" is disabled`)
        return createSignInLink(tx, installation, tenantId, person.id)
      })
      const running = await dataHolder(config.dataDir, clock)
      const url = `${running?.url ?? `http://${config.host}:${config.port}`}/sign-in?token=${link.token}`
      if (values.json === true) io.stdout.write(`${JSON.stringify({ handle, url, expiresMs: link.expiresMs })}\n`)
      else {
        io.stdout.write(`${url}\n`)
        io.stderr.write('It works once, within 15 minutes.\n')
      }
      return 0
    })
  },
}
