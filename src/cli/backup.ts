import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { readConfig, secretKeyFile } from '../config.ts'
import { writeBackup } from '../storage/backup.ts'
import { connect } from '../storage/connect.ts'
import { parse, type Command, type Io } from './command.ts'
import { release } from '../release.ts'

export const command: Command = {
  name: 'backup',
  summary: 'write everything into one archive, while the server runs or not',
  usage: `[FILE] [--without-key] [--data DIR]
  FILE           archive to write (default: ./custos-TIME.tar.gz); must not exist
  --without-key  leave the secret key out; the restore then needs CUSTOS_SECRET_KEY`,
  async run(args, io: Io) {
    const { values, positionals } = parse(
      args,
      { data: { type: 'string' }, 'without-key': { type: 'boolean' } },
      { min: 0, max: 1 },
    )
    const config = readConfig(io.env, io.cwd, { dataDir: values.data })
    const clock = () => Date.now()
    const stamp = new Date(clock()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
    const out = resolve(io.cwd, positionals[0] ?? `custos-${stamp}.tar.gz`)
    await mkdir(dirname(out), { recursive: true })
    const log = (line: string) => void io.stderr.write(`${line}\n`)
    const connection = await connect(config, { purpose: 'backup', clock, log })
    try {
      const manifest = await writeBackup({
        db: connection.db,
        dataDir: config.dataDir,
        out,
        release: release(),
        clock,
        includeSecretKey: values['without-key'] !== true,
        secretKeyFile,
        onProgress: log,
      })
      const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
      const { size } = await stat(out)
      io.stdout.write(
        `${out}\n${rows} rows of ${manifest.tables.length} tables, ${manifest.files.length} files, ${megabytes(size)}\n`,
      )
      if (manifest.secretKeyIncluded)
        io.stdout.write(
          'It holds the secret key: whoever has it can read everything. Keep it as you keep a password.\n',
        )
      return 0
    } finally {
      await connection.close()
    }
  },
}

/** Bytes as a person reads them. */
export function megabytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
