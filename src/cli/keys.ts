import { scopes, type Scope } from '../domain/staff.ts'
import { createKey, recordChange, staffSubject } from '../http/access.ts'
import { revokeKey, selectKeys } from '../storage/access.ts'
import { parse, table, UsageError, type Command } from './command.ts'
import { operator, withInstallation } from './installation.ts'

const platformScopes: Scope[] = ['events:write', 'decide:write', 'uploads:write', 'effects:read', 'gates:read']

export const command: Command = {
  name: 'keys',
  summary: 'make, list and revoke API keys',
  usage: `create [--name NAME] [--scopes LIST|all] [--days N] | list | revoke ID   [--tenant ID] [--data DIR] [--json]
  create  prints the key once; only its hash is kept
          --scopes  comma-separated; default: ${platformScopes.join(',')}
          all of them: ${scopes.join(', ')}
          --days    the key lapses after so many days; default: never
  revoke  takes effect within a second on a running server`,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      {
        data: { type: 'string' },
        tenant: { type: 'string' },
        name: { type: 'string' },
        scopes: { type: 'string' },
        days: { type: 'string' },
        json: { type: 'boolean' },
      },
      { min: 1, max: 2 },
    )
    const [action, id] = positionals
    if (action !== 'create' && action !== 'list' && action !== 'revoke')
      throw new UsageError(`"${action}" is none of create, list, revoke`)
    if (action === 'revoke' && id === undefined) throw new UsageError('revoke needs the id of a key')
    if (action !== 'revoke' && id !== undefined) throw new UsageError(`unexpected argument "${id}"`)
    if (values.days !== undefined && !/^[1-9]\d{0,4}$/.test(values.days))
      throw new UsageError(`--days "${values.days}" is not a whole number from 1 to 99999`)

    return withInstallation(io, { ...values, purpose: `keys ${action}` }, async (installation) => {
      const { db, clock, tenantId } = installation
      if (action === 'list') {
        const keys = await selectKeys(db.query, tenantId, { afterCreatedMs: -1, afterId: '', limit: 1_000 })
        if (values.json === true) io.stdout.write(`${JSON.stringify(keys)}\n`)
        else if (keys.length === 0) io.stdout.write('There are no keys yet; "custos keys create" makes one.\n')
        else
          io.stdout.write(
            table([
              ['ID', 'NAME', 'STATE', 'MADE', 'LAST USED', 'SCOPES'],
              ...keys.map((key) => [
                `ck_${key.id}`,
                key.name,
                key.revokedMs !== null ? 'revoked' : (key.expiresMs ?? Infinity) <= clock() ? 'lapsed' : 'live',
                day(key.createdMs),
                key.lastUsedMs === null ? 'never' : day(key.lastUsedMs),
                key.scopes.length === scopes.length ? 'all' : key.scopes.join(','),
              ]),
            ]),
          )
        return 0
      }
      if (action === 'create') {
        const wanted =
          values.scopes === undefined
            ? platformScopes
            : values.scopes === 'all'
              ? scopes
              : (values.scopes.split(',').map((scope) => scope.trim()) as Scope[])
        const expiresMs = values.days === undefined ? undefined : clock() + Number(values.days) * 86_400_000
        const made = await db.transaction((tx) =>
          createKey(
            tx,
            installation,
            tenantId,
            { name: values.name ?? 'made on the command line', scopes: wanted, expiresMs },
            operator,
          ),
        )
        if (values.json === true)
          io.stdout.write(`${JSON.stringify({ id: made.id, key: made.token, tenant: tenantId, scopes: wanted })}\n`)
        else {
          io.stdout.write(`${made.token}\n`)
          io.stderr.write(`Key ${made.id} for ${wanted.join(', ')}. It is shown this once; keep it safe.\n`)
        }
        return 0
      }
      const bare = id!.replace(/^ck_/, '').split('_')[0]!
      const found = await db.transaction(async (tx) => {
        const revoked = await revokeKey(tx, tenantId, bare, clock())
        if (revoked !== undefined && !revoked.already)
          await recordChange(tx, installation, tenantId, operator, staffSubject('key', `ck_${bare}`), {
            [`keys.ck_${bare}`]: { before: { name: revoked.key.name, scopes: revoked.key.scopes }, after: null },
          })
        return revoked
      })
      if (found === undefined) throw new Error(`Cannot revoke: tenant "${tenantId}" has no key "${id}"`)
      io.stdout.write(
        found.already ? `ck_${bare} was revoked before.\n` : `ck_${bare} ("${found.key.name}") is revoked.\n`,
      )
      return 0
    })
  },
}

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
