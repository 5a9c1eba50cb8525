#!/usr/bin/env node
// npm run bench -- NAME: runs bench/NAME.bench.ts. Standard output carries one JSON object a claim and nothing else.
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  ensureConsole,
  ensureInstalled,
  exitLike,
  filesUnder,
  nodeBinary,
  root,
  runForwarding,
  say,
} from './prepare.mjs'

const [name, ...args] = process.argv.slice(2)
const suffix = '.bench.ts'
const names = filesUnder('bench')
  .filter((file) => file.endsWith(suffix))
  .map((file) => basename(file, suffix))
if (name === undefined || !names.includes(name)) {
  if (name !== undefined) say(`There is no bench "${name}".`)
  say(`usage: npm run bench -- NAME\nbenches: ${names.join(', ')}`)
  process.exit(name === undefined ? 0 : 1)
}
ensureInstalled()
if (existsSync(join(root, 'src/console'))) ensureConsole()
exitLike(await runForwarding(nodeBinary(), [join(root, 'bench', `${name}${suffix}`), ...args], { cwd: root }))
