import { findEmbedded } from '../src/storage/embedded.ts'
import { testServerDir } from './database.ts'

// Test files run in processes of their own and share one server, so none of them may stop it; bin/test.mjs does.
const server = await findEmbedded(testServerDir)
if (server !== undefined) process.kill(server.pid, 'SIGINT')
