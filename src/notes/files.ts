import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { InputError } from '../domain/error.ts'
import type { TablePart } from './read-table.ts'

const chunkBytes = 1024 * 1024

/**
 * The parts of a table at a path: the file itself, or every `.tsv` and `.tsv.gz` file of a folder in the order of their
 * names. Files that begin as gzip does are unpacked, whatever they are called. Throws `InputError` when there is nothing.
 */
export async function partsAt(path: string, field: string): Promise<(TablePart & { bytes: number })[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    const problem = found.code === 'ENOENT' ? 'does not exist' : `cannot be read: ${found.message}`
    throw new InputError(`Cannot read ${field}`, [{ field, problem, value: path }])
  }
  if (!found.isDirectory()) return [await partOf(path)]
  const names = (await readdir(path)).filter((name) => /\.tsv(\.gz)?$/.test(name)).sort()
  if (names.length === 0)
    throw new InputError(`Cannot read ${field}`, [{ field, problem: 'holds no .tsv or .tsv.gz file', value: path }])
  return Promise.all(names.map((name) => partOf(join(path, name))))
}

async function partOf(path: string): Promise<TablePart & { bytes: number }> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    const zipped = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
    return { name: basename(path), bytes: size, open: () => (zipped ? unzipped(path) : plain(path)) }
  } finally {
    await file.close()
  }
}

const plain = (path: string): AsyncIterable<Uint8Array> => createReadStream(path, { highWaterMark: chunkBytes })

async function* unzipped(path: string): AsyncIterable<Uint8Array> {
  const source = createReadStream(path, { highWaterMark: chunkBytes })
  const gunzip = createGunzip({ chunkSize: chunkBytes })
  source.on('error', (error) => gunzip.destroy(error))
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Uint8Array>
  } finally {
    source.destroy()
  }
}
