#!/usr/bin/env node
// Starts Custos from a fresh clone: installs what is missing, then hands over to src/cli/main.ts on a Node that runs it.
import { join } from 'node:path'
import { ensureConsole, ensureInstalled, exitLike, nodeBinary, nodeFlags, root, runForwarding } from './prepare.mjs'

const args = process.argv.slice(2)
ensureInstalled()
if (args[0] === 'start' && !args.includes('--help')) ensureConsole()

exitLike(
  await runForwarding(nodeBinary(), [...nodeFlags, join(root, 'src/cli/main.ts'), ...args], {
    // The channel tells the server when this launcher is killed, so that no orphan keeps the data folder.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  }),
)
