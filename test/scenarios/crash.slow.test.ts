import { test } from 'node:test'
import { crashRounds } from '../crash.ts'

test(
  'killed 100 times (server) and 20 times (database) during ingest: nothing lost, nothing doubled, replay agrees',
  { timeout: 1_800_000 },
  async (t) => {
    const report = await crashRounds({
      serverKills: 100,
      databaseKills: 20,
      seed: 20_261_120,
      log: (line) => t.diagnostic(line),
    })
    t.diagnostic(JSON.stringify(report))
  },
)
