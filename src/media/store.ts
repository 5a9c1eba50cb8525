import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export type MediaFiles = {
  /** Keeps bytes under their SHA-256 and answers it. They are on disk, durably, when this resolves. */
  put: (bytes: Uint8Array) => Promise<string>
  /** The bytes, or undefined when there are none under this name. */
  read: (sha256: string) => Promise<Uint8Array | undefined>
  remove: (sha256: string) => Promise<void>
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Content-addressed files: `<folder>/ab/cd/<sha256>`. Any number of processes may share one folder. */
export function createMediaFiles(folder: string): MediaFiles {
  const pathOf = (sha256: string) => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TypeError('A media name must be a lower-case SHA-256')
    return join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256)
  }
  return {
    async put(bytes) {
      const sha256 = sha256Of(bytes)
      const path = pathOf(sha256)
      if ((await stat(path).catch(() => undefined))?.size === bytes.length) return sha256
      await mkdir(dirname(path), { recursive: true })
      const draft = join(dirname(path), `.${sha256}.${randomUUID()}`)
      try {
        const file = await open(draft, 'wx')
        try {
          await file.writeFile(bytes)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(draft, path)
      } catch (error) {
        await rm(draft, { force: true })
        throw error
      }
      // The name is durable only once its folder is; new folders, once theirs are.
      for (let at = dirname(path), up = 0; up < 3; at = dirname(at), up++) await syncFolder(at)
      return sha256
    },
    async read(sha256) {
      try {
        return await readFile(pathOf(sha256))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    remove: (sha256) => rm(pathOf(sha256), { force: true }),
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders; its file system journals names.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
