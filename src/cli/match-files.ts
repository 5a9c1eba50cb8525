import { createReadStream } from 'node:fs'
import { opendir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from './command.ts'

/** One regular file: its path as a person would write it from where the command was started. */
export type FoundFile = { path: string; bytes: number; modifiedMs: number }

/**
 * Every file that the arguments name, folders with all that is in them, in order of name. Hidden files and links inside
 * folders are left out. Holds the names of one folder at a time.
 */
export async function* findFiles(
  paths: readonly string[],
  from: (path: string) => string,
  wanted: (path: string) => boolean = () => true,
): AsyncGenerator<FoundFile> {
  for (const path of paths) {
    const info = await stat(from(path)).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`cannot read "${path}": ${error.code === 'ENOENT' ? 'it is not there' : error.message}`)
    })
    if (info.isDirectory()) yield* filesIn(path, from, wanted)
    else yield { path, bytes: info.size, modifiedMs: Math.floor(info.mtimeMs) }
  }
}

async function* filesIn(
  folder: string,
  from: (path: string) => string,
  wanted: (path: string) => boolean,
): AsyncGenerator<FoundFile> {
  const entries: { name: string; folder: boolean }[] = []
  for await (const entry of await opendir(from(folder))) {
    if (entry.name.startsWith('.')) continue
    if (entry.isDirectory()) entries.push({ name: entry.name, folder: true })
    else if (entry.isFile() && wanted(entry.name)) entries.push({ name: entry.name, folder: false })
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.folder) {
      yield* filesIn(path, from, wanted)
      continue
    }
    // A file may go while its folder is read.
    const info = await stat(from(path)).catch(() => undefined)
    if (info !== undefined) yield { path, bytes: info.size, modifiedMs: Math.floor(info.mtimeMs) }
  }
}

/** Works on several items at once and yields the results in the order of the items. */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = []
  for await (const item of items) {
    const result = work(item)
    // Whoever waits for it later sees the error; until then it must not count as nobody's.
    result.catch(() => {})
    running.push(result)
    if (running.length >= atOnce) yield await running.shift()!
  }
  while (running.length > 0) yield await running.shift()!
}

/**
 * The whole lines of a file that a run may have left unfinished, after cutting off the half line at its end. Answers
 * nothing for a file that is not there.
 */
export async function* linesToResume(path: string): AsyncGenerator<string> {
  let rest = ''
  let kept = 0
  try {
    for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        kept += Buffer.byteLength(line) + 1
        yield line
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (rest !== '') await truncate(path, kept)
}
