// Writes the JSON Schemas of files that people edit, from the same source that checks them: node bin/write-schemas.mjs
import { mkdir, writeFile } from 'node:fs/promises'
import { ruleFileSchema } from '../src/rules/schema.ts'

const folder = new URL('../docs/schemas/', import.meta.url)
await mkdir(folder, { recursive: true })
await writeFile(new URL('rule-file.json', folder), `${JSON.stringify(ruleFileSchema, null, 2)}\n`)
