import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readConfig, secretKeyFile } from '../config.ts'
import { verifyLedger } from '../ledger/seal.ts'
import { connect, contentOf } from '../storage/connect.ts'
import { dataHolder, DataInUseError } from '../storage/data-lock.ts'
import { locateEmbedded } from '../storage/embedded.ts'
import { restoreBackup, verifyBackup } from '../storage/restore.ts'
import { parse, type Command, type Io } from './command.ts'

export const command: Command = {
  name: 'restore',
  summary: 'fill an empty data folder from an archive',
  usage: `FILE [--data DIR]
  FILE        archive that "custos backup" wrote; it is checked from end to end before anything is written
  --data DIR  folder to fill (default: CUSTOS_DATA or ./data); must be empty or missing`,
  async run(args, io: Io) {
    const { values, positionals } = parse(args, { data: { type: 'string' } }, { min: 1, max: 1 })
    const config = readConfig(io.env, io.cwd, { dataDir: values.data })
    const archive = resolve(io.cwd, positionals[0]!)
    const clock = () => Date.now()
    const log = (line: string) => void io.stderr.write(`${line}\n`)

    const holder = await dataHolder(config.dataDir, clock)
    if (holder !== undefined) throw new DataInUseError(config.dataDir, holder, 'restore')
    const present = await contentOf(config.dataDir)
    if (present.length > 0)
      throw new Error(
        `Cannot restore: ${config.dataDir} is not empty (it has ${present.slice(0, 3).join(', ')}${present.length > 3 ? ', …' : ''}); give an empty folder with --data`,
      )
    const manifest = await verifyBackup(archive, log)
    if (!manifest.secretKeyIncluded && config.secretKey === undefined)
      throw new Error(
        `Cannot restore: ${archive} was made without the secret key; set CUSTOS_SECRET_KEY to the key of that installation`,
      )

    const connection = await connect(config, { purpose: 'restore', clock, log, make: true })
    let done = false
    try {
      const { migrated } = await restoreBackup({
        db: connection.db,
        dataDir: config.dataDir,
        archive,
        manifest,
        onProgress: log,
      })
      for (const { tenantId, sequence, hash } of manifest.ledgers) {
        const found = await verifyLedger(connection.db.query, tenantId)
        if (!found.ok) throw new Error(`The restored ledger of tenant "${tenantId}" does not verify: ${found.problem}`)
        if (found.entries !== sequence || found.head !== hash)
          throw new Error(`The restored ledger of tenant "${tenantId}" ends elsewhere than the one that was backed up`)
        io.stdout.write(`Ledger of tenant "${tenantId}": ${found.entries} entries verify, head ${hash.slice(0, 16)}…\n`)
      }
      done = true
      const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
      io.stdout.write(
        `Restored ${rows} rows and ${manifest.files.length} files of ${manifest.createdAt} into ${config.dataDir}` +
          `${migrated.length === 0 ? '' : `, and brought them to this release (${migrated.join(', ')})`}.\n`,
      )
      if (config.secretKey !== undefined && manifest.secretKeyIncluded)
        io.stdout.write(
          `CUSTOS_SECRET_KEY is set and wins over the restored ${secretKeyFile}; they should be the same.\n`,
        )
      return 0
    } finally {
      await connection.close()
      // The folder was empty before: half a restore must not look like an installation.
      if (!done) {
        if (connection.how === 'started')
          await rm(locateEmbedded(config.dataDir).clusterDir, { recursive: true, force: true })
        for (const name of await contentOf(config.dataDir))
          await rm(join(config.dataDir, name), { recursive: true, force: true })
      }
    }
  },
}
