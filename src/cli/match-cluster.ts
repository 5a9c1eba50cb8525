import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { extname, isAbsolute, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { turnText } from '../domain/plain-words.ts'
import { radiusMax } from '../kernels/hamming-index.ts'
import { nearGroups } from '../kernels/near-groups.ts'
import { dihedrals, pdqFromHex, pdqWords } from '../kernels/pdq.ts'
import { createMediaPool, type MediaPool } from '../media/hash-pool.ts'
import { reportPage, type Cluster, type ClusterMember, type ClusterReport } from './cluster-report.ts'
import { parse, type Command, type Io } from './command.ts'
import { imageTypes } from './ingest-source.ts'
import { findFiles, inOrder, linesToResume, type FoundFile } from './match-files.ts'
import { csvCell, problemOf, recordOf, type HashRecord } from './match-hash.ts'
import { createProgress, type Progress } from './progress.ts'
import { wholeNumber } from './whole-number.ts'

/** Hashes under this quality are too unspecific (PDQ paper, section 6); such photos are grouped as identical files alone. */
const qualityMin = 50
const thumbSide = 240
const wordsEach = dihedrals.length * pdqWords

const usage = `FOLDER [options]

Groups the near-duplicates among the photos of a folder, in any of eight turned and mirrored positions, and writes a page
to look at (pictures blurred until asked for), the groups as JSON and CSV, and the hashes: the same command later hashes
only what is new or changed. Every member of a group lies within the radius of its centre, so that groups do not chain.

  --out FILE       the page (default custos-clusters.html); .json, .csv and .hashes.jsonl lie beside it
  --radius N       bits of 256 that may differ (0 to ${radiusMax}; default 31)
  --thumbnails N   pictures in the page, centres first (default 3000; about 6 kB each)
  --workers N      processes that decode (default: one a core)`

export const command: Command = {
  name: 'cluster',
  summary: 'find near-duplicates in a folder of photos',
  usage,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      {
        out: { type: 'string', default: 'custos-clusters.html' },
        radius: { type: 'string', default: '31' },
        thumbnails: { type: 'string', default: '3000' },
        workers: { type: 'string' },
      },
      { min: 1, max: 1 },
    )
    const radius = wholeNumber('radius', values.radius, 0, radiusMax)
    const thumbnails = wholeNumber('thumbnails', values.thumbnails, 0, 100_000)
    const workers =
      values.workers === undefined ? availableParallelism() : wholeNumber('workers', values.workers, 1, 256)
    const from = (path: string) => (isAbsolute(path) ? path : resolve(io.cwd, path))
    const folder = positionals[0]!
    const page = from(values.out)
    const beside = (extension: string) => `${page.replace(/\.html?$/i, '')}${extension}`

    const pool = createMediaPool({ workers, timeoutMs: 300_000, pendingMax: Infinity })
    try {
      const photos = await hashPhotos({ folder, from, cache: beside('.hashes.jsonl'), pool, workers, io })
      const search = createProgress(io, Date.now, 'Comparing')
      const { report, members } = clusterPhotos(folder, photos, radius, search)
      search.end(
        report.groups.length === 0
          ? `no two of ${report.photos.toLocaleString('en')} photos are alike`
          : `${report.groups.length.toLocaleString('en')} groups with ${members.toLocaleString('en')} of ${report.photos.toLocaleString('en')} photos`,
      )
      const thumbs = await makeThumbs(report, thumbnails, from, pool, workers, io)
      await writeWhole(page, reportPage(report, thumbs))
      await writeWhole(beside('.json'), groupsJson(report))
      await writeWhole(beside('.csv'), groupsCsv(report))
      io.stdout.write(`${page}\n`)
      return report.unreadable.length === 0 ? 0 : 3
    } finally {
      await pool.close()
    }
  },
}

/** Photos in the order of their names; words of all eight hashes lie side by side for those with a PDQ. */
type Photos = { records: HashRecord[]; words: Uint32Array[] }

type HashOptions = {
  folder: string
  from: (path: string) => string
  cache: string
  pool: MediaPool
  workers: number
  io: Io
}

async function hashPhotos({ folder, from, cache, pool, workers, io }: HashOptions): Promise<Photos> {
  const progress = createProgress(io, Date.now, 'Hashing')
  const known = new Map<string, CacheLine>()
  for await (const line of linesToResume(cache)) {
    const record = JSON.parse(line) as CacheLine
    known.set(record.file, record)
  }
  const found: FoundFile[] = []
  for await (const file of findFiles([folder], from, (path) => imageTypes.has(extname(path).toLowerCase())))
    found.push(file)
  const appended = createWriteStream(cache, { flags: 'a' })
  const photos: Photos = { records: [], words: [] }
  let hashed = 0
  async function* files() {
    yield* found
  }
  const work = async (file: FoundFile): Promise<CacheLine> => {
    const old = known.get(file.path)
    // Not kept twice: 100,000 lines of hashes as text would be the largest thing in memory.
    known.delete(file.path)
    if (old?.bytes === file.bytes && old.modifiedMs === file.modifiedMs) return old
    hashed++
    const answer = await pool.hashFile(from(file.path), 'full').catch(problemOf)
    const line = { ...recordOf(file, 'full', true, answer), bytes: file.bytes, modifiedMs: file.modifiedMs }
    // What could not be read at all may be readable next time.
    if (line.sha256 !== undefined && !appended.write(`${JSON.stringify(line)}\n`)) await once(appended, 'drain')
    return line
  }
  for await (const { dihedral, ...record } of inOrder(files(), workers * 4, work)) {
    photos.records.push(record)
    photos.words.push(wordsOf(dihedral))
    progress.show(photos.records.length, found.length, `${photos.records.length.toLocaleString('en')} photos`)
  }
  appended.end()
  await finished(appended)
  const before = found.length - hashed
  progress.end(
    `${found.length.toLocaleString('en')} photos${before === 0 ? '' : `, ${before.toLocaleString('en')} of them hashed before`}`,
  )
  return photos
}

type CacheLine = HashRecord & { bytes: number; modifiedMs: number }

function wordsOf(dihedral: readonly string[] | undefined): Uint32Array {
  const words = new Uint32Array(dihedral === undefined ? 0 : wordsEach)
  for (const [turn, hash] of (dihedral ?? []).entries()) words.set(pdqFromHex(hash), turn * pdqWords)
  return words
}

/** Groups by near hashes, and of what has no good hash by equal files. */
function clusterPhotos(
  folder: string,
  { records, words }: Photos,
  radius: number,
  progress: Progress,
): { report: ClusterReport; members: number } {
  const good: number[] = []
  const bySha = new Map<string, number[]>()
  for (const [at, { quality, sha256, error }] of records.entries()) {
    if (error !== undefined) continue
    if ((quality ?? 0) >= qualityMin) good.push(at)
    else bySha.set(sha256!, [...(bySha.get(sha256!) ?? []), at])
  }
  // Of equally good centres the first is taken: rather the original than what was made smaller of it.
  const pixels = ({ width = 0, height = 0 }: HashRecord) => width * height
  good.sort((a, b) => pixels(records[b]!) - pixels(records[a]!) || records[b]!.bytes! - records[a]!.bytes! || a - b)
  const hashes = new Uint32Array(good.length * wordsEach)
  for (const [index, at] of good.entries()) hashes.set(words[at]!, index * wordsEach)
  const memberOf = (at: number, distance: number, turn: number): ClusterMember => {
    const { file, bytes, width, height, sha256, pdq, quality } = records[at]!
    return {
      file,
      bytes: bytes!,
      width: width!,
      height: height!,
      sha256: sha256!,
      ...(pdq === undefined ? {} : { pdq, quality }),
      distance,
      ...(turn === 0 ? {} : { turn: turnText(dihedrals[turn]!) }),
    }
  }
  const near = nearGroups(hashes, radius, (share) =>
    progress.show(share * good.length, good.length, `${good.length.toLocaleString('en')} photos`),
  )
  const groups: Cluster[] = near.map(({ members, related }) => ({
    members: members.map(({ at, distance, version }) => memberOf(good[at]!, distance, version)),
    related: good[related]!,
  }))
  for (const same of bySha.values())
    if (same.length > 1) groups.push({ members: same.map((at) => memberOf(at, 0, 0)), related: same[0]! })
  groups.sort((a, b) => b.members.length - a.members.length)
  const unreadable = records.flatMap(({ file, error }) => (error === undefined ? [] : [{ file, error }]))
  return {
    report: { folder, photos: records.length, radius, groups, unreadable },
    members: groups.reduce((sum, { members }) => sum + members.length, 0),
  }
}

/** Small pictures: the centre of every group, then the second of every group, and so on until there are enough. */
async function makeThumbs(
  { groups }: ClusterReport,
  most: number,
  from: (path: string) => string,
  pool: MediaPool,
  workers: number,
  io: Io,
): Promise<Map<string, Uint8Array>> {
  const progress = createProgress(io, Date.now, 'Drawing')
  const wanted: string[] = []
  for (let place = 0; wanted.length < most; place++) {
    const at = groups.flatMap(({ members }) => members[place]?.file ?? [])
    if (at.length === 0) break
    wanted.push(...at.slice(0, most - wanted.length))
  }
  async function* files() {
    yield* wanted
  }
  const thumbs = new Map<string, Uint8Array>()
  const draw = async (file: string) => ({
    file,
    thumb: await pool.thumbnail(from(file), thumbSide).catch(() => undefined),
  })
  for await (const { file, thumb } of inOrder(files(), workers * 4, draw)) {
    if (thumb !== undefined) thumbs.set(file, thumb)
    progress.show(thumbs.size, wanted.length, `${thumbs.size.toLocaleString('en')} pictures`)
  }
  return thumbs
}

function* groupsJson({ groups, ...head }: ClusterReport): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"groups":[`
  for (const [at, group] of groups.entries()) yield `${at === 0 ? '\n' : ',\n'}${JSON.stringify(group)}`
  yield '\n]}\n'
}

const csvColumns = ['distance', 'turn', 'file', 'bytes', 'width', 'height', 'quality', 'pdq', 'sha256'] as const

function* groupsCsv({ groups }: ClusterReport): Generator<string> {
  yield `group,${csvColumns.join(',')}\n`
  for (const [at, { members }] of groups.entries())
    for (const member of members) yield `${at + 1},${csvColumns.map((column) => csvCell(member[column])).join(',')}\n`
}

/** Writes beside the target and renames, so that half a page is never mistaken for one. */
async function writeWhole(path: string, pieces: Iterable<string>): Promise<void> {
  const stream = createWriteStream(`${path}.part`)
  let failed: Error | undefined
  stream.on('error', (error) => (failed = error))
  for (const piece of pieces) {
    if (failed !== undefined) break
    if (!stream.write(piece)) await Promise.race([once(stream, 'drain'), once(stream, 'close')])
  }
  stream.end()
  await finished(stream).catch(() => {})
  if (failed !== undefined) throw new Error(`Cannot write "${path}": ${failed.message}`, { cause: failed })
  await rename(`${path}.part`, path)
}
