#!/usr/bin/env node
// Builds what `import … from 'custos/match'` loads: dist/lib as JavaScript with types. Node does not strip types under
// node_modules, so a package that others install must bring JavaScript. `npm pack` and `npm publish` run this first.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureInstalled, exitLike, nodeBinary, root } from './prepare.mjs'

ensureInstalled()
rmSync(join(root, 'dist/lib'), { recursive: true, force: true })
const run = spawnSync(nodeBinary(), [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.library.json'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
})
exitLike({ code: run.status, signal: run.signal })
