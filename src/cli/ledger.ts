import { readConfig } from '../config.ts'
import { verifyLedger } from '../ledger/seal.ts'
import { connect } from '../storage/connect.ts'
import { selectLedgerTenants } from '../storage/ledger-records.ts'
import { parse, UsageError, type Command, type Io } from './command.ts'

export const command: Command = {
  name: 'ledger',
  summary: 'verify the hash chain, or rebuild every projection from the ledger',
  usage: `verify|rebuild [--tenant ID] [--data DIR] [--json]
  verify   recompute the hash of every sealed entry and name the first that does not hold
  rebuild  make standing, queues and counts anew from the ledger, and say whether they came out the same`,
  async run(args, io: Io) {
    const { values, positionals } = parse(
      args,
      { data: { type: 'string' }, tenant: { type: 'string' }, json: { type: 'boolean' } },
      { min: 1, max: 1 },
    )
    const action = positionals[0]
    if (action !== 'verify' && action !== 'rebuild') throw new UsageError(`"${action}" is neither verify nor rebuild`)
    const config = readConfig(io.env, io.cwd, { dataDir: values.data })
    const log = (line: string) => void io.stderr.write(`${line}\n`)
    const connection = await connect(config, { purpose: `ledger ${action}`, clock: () => Date.now(), log })
    try {
      const tenants = values.tenant === undefined ? await selectLedgerTenants(connection.db.query) : [values.tenant]
      if (tenants.length === 0) io.stdout.write('The ledger is empty.\n')
      return action === 'verify' ? await verify(tenants) : await rebuild(tenants)
    } finally {
      await connection.close()
    }

    async function verify(tenants: string[]): Promise<number> {
      let broken = 0
      for (const tenant of tenants) {
        const found = await verifyLedger(connection.db.query, tenant)
        if (!found.ok) broken++
        if (values.json === true) io.stdout.write(`${JSON.stringify({ tenant, ...found })}\n`)
        else if (found.ok) io.stdout.write(`ok    ${tenant}: ${found.entries} entries, head ${found.head}\n`)
        else
          io.stdout.write(
            `FAIL  ${tenant}: ${found.problem}${found.entryId === undefined ? '' : ` (${found.entryId})`}\n`,
          )
      }
      return broken === 0 ? 0 : 1
    }

    async function rebuild(tenants: string[]): Promise<number> {
      const { rebuildProjections } = await import('../ledger/rebuild.ts')
      const { projectors } = await import('../app.ts')
      const report = await rebuildProjections(connection.db, projectors, tenants)
      if (values.json === true) io.stdout.write(`${JSON.stringify(report)}\n`)
      else {
        for (const { table, same } of report.tables) io.stdout.write(`${same ? 'same   ' : 'CHANGED'}  ${table}\n`)
        io.stdout.write(`${report.entries} entries replayed into ${report.tables.length} tables\n`)
      }
      return report.tables.every((table) => table.same) ? 0 : 1
    }
  },
}
