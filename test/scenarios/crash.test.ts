import { test } from 'node:test'
import { crashRounds } from '../crash.ts'

test(
  'killed at random during ingest (short round): nothing acknowledged is lost, nothing is done twice',
  { timeout: 180_000 },
  async (t) => {
    const report = await crashRounds({ serverKills: 4, databaseKills: 2, seed: 7, log: (line) => t.diagnostic(line) })
    t.diagnostic(JSON.stringify(report))
  },
)
