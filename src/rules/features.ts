import { byteReader, byteWriter, type ByteReader, type ByteWriter } from '../kernels/byte-stream.ts'
import {
  createDistinct,
  distinctAdd,
  distinctCount,
  distinctIsOver,
  readDistinct,
  writeDistinct,
  type DistinctWindow,
} from '../kernels/distinct-window.ts'
import {
  createLast,
  createTally,
  lastAdd,
  lastIsOver,
  lastRead,
  readLast,
  readTally,
  tallyAdd,
  tallyCount,
  tallyIsOver,
  tallySum,
  writeLast,
  writeTally,
  type LastWindow,
  type TallyWindow,
} from '../kernels/sliding-window.ts'
import { hash53 } from '../kernels/string-hash.ts'
import type { Event } from '../domain/event.ts'
import type { FeatureReads, FeatureValue, Scope } from './scope.ts'
import type { Feature } from './rule-set.ts'

/**
 * The windows of all features of one tenant. The same events in the same order give the same values, whatever
 * snapshots and restores lie between them.
 */
export type FeatureState = {
  /** Counts the event and answers every feature before and with it. A feature whose key is missing is null. */
  observe: (parsed: { event: Event; occurredAtMs: number }) => FeatureReads
  /** Everything that is counted, as bytes. */
  snapshot: () => Uint8Array
  /** Digest of the declarations; a snapshot carries the digest of each feature, and only those that match come back. */
  readonly declaredSha256: string
  /** The windows of the feature of this name and digest, when it is counted here; for a state that carries on. */
  windowsOf: (name: string, sha256: string) => Windows | undefined
  /** Keys now held, per feature. */
  sizes: () => Record<string, number>
}

/** Everything that is counted for one feature. */
export type Windows = {
  feature: Feature
  /** Newest event time that moved the feature: lateness is measured from it, and old samples fall away by it. */
  newestMs: number
  moves: number
  keys: Map<string, TallyWindow> | Map<string, DistinctWindow> | Map<string, LastWindow>
}

const snapshotVersion = 1
const noLists: Scope['lists'] = new Map()
// Idle keys are looked for after this many moves: at random intervals it would depend on restarts.
const sweepEvery = 65_536

/**
 * State for these features, as in a snapshot or as an earlier state left it (which must not be used any more): features
 * that it counts under the same declaration go on, others start empty. So a changed file keeps what did not change.
 */
export function createFeatureState(
  { features, declaredSha256 }: { features: Feature[]; declaredSha256: string },
  before?: Uint8Array | FeatureState,
): FeatureState {
  const carried = before instanceof Uint8Array ? undefined : before
  const windows = features.map((feature): Windows => {
    const known = carried?.windowsOf(feature.name, feature.sha256)
    return known === undefined ? { feature, newestMs: -Infinity, moves: 0, keys: new Map() } : { ...known, feature }
  })
  if (before instanceof Uint8Array) restore(windows, before)
  return {
    declaredSha256,
    observe: ({ event, occurredAtMs }) => {
      const scope: Scope = {
        event,
        occurredAtMs,
        signals: [],
        features: { before: [], values: [] },
        hasLabel: () => false,
        lists: noLists,
        slots: [],
      }
      const reads: FeatureReads = { before: [], values: [] }
      for (const window of windows) observeOne(window, scope, reads)
      return reads
    },
    snapshot: () => {
      const out = byteWriter()
      out.u32(snapshotVersion)
      out.u32(windows.length)
      for (const window of windows) writeWindows(window, out)
      return out.done()
    },
    windowsOf: (name, sha256) => windows.find(({ feature }) => feature.name === name && feature.sha256 === sha256),
    sizes: () => Object.fromEntries(windows.map(({ feature, keys }) => [feature.name, keys.size])),
  }
}

function observeOne(windows: Windows, scope: Scope, reads: FeatureReads): void {
  const { feature } = windows
  const key = keyText(feature.key.run(scope))
  if (key === null) {
    reads.before.push(null)
    reads.values.push(null)
    return
  }
  const timeMs = scope.occurredAtMs
  const moves =
    (feature.on.has(scope.event.type) || feature.on.has('*')) &&
    (feature.where === undefined || feature.where.run(scope) === true)
  const ofValue = moves && feature.of !== undefined ? feature.of.run(scope) : null
  const counted = moves && (feature.of === undefined || ofValue !== null)
  const reachMs = feature.windowMs + feature.latenessMs
  const before = readAt(windows, key, timeMs, windows.newestMs - reachMs)
  reads.before.push(before)
  if (!counted) {
    reads.values.push(before)
    return
  }
  windows.newestMs = Math.max(windows.newestMs, timeMs)
  const horizonMs = windows.newestMs - reachMs
  addAt(windows, key, timeMs, ofValue, horizonMs)
  reads.values.push(readAt(windows, key, timeMs, horizonMs))
  windows.moves++
  if (windows.moves % sweepEvery === 0) sweep(windows, horizonMs)
}

function keyText(key: unknown): string | null {
  // Unpaired surrogates do not survive UTF-8, so a snapshot would split the key in two.
  if (typeof key === 'string') return key.isWellFormed() ? key : key.toWellFormed()
  return typeof key === 'number' || typeof key === 'boolean' ? String(key) : null
}

function readAt({ feature, keys }: Windows, key: string, timeMs: number, horizonMs: number): FeatureValue {
  const fromMs = Math.max(timeMs - feature.windowMs, horizonMs)
  const window = keys.get(key)
  switch (feature.kind) {
    case 'count':
      return window === undefined ? 0 : tallyCount(window as TallyWindow, fromMs, timeMs)
    case 'rate':
      return window === undefined
        ? 0
        : (tallyCount(window as TallyWindow, fromMs, timeMs) * feature.perMs) / feature.windowMs
    case 'sum':
      return window === undefined ? 0 : tallySum(window as TallyWindow, fromMs, timeMs)
    case 'distinct':
      return window === undefined ? 0 : distinctCount(window as DistinctWindow, fromMs, timeMs)
    case 'last':
      return window === undefined ? null : lastRead(window as LastWindow, fromMs, timeMs)
  }
}

function addAt(windows: Windows, key: string, timeMs: number, value: unknown, horizonMs: number): void {
  const { feature } = windows
  const settledMs = windows.newestMs - feature.latenessMs
  switch (feature.kind) {
    case 'count':
    case 'rate':
    case 'sum': {
      const addend = feature.kind === 'sum' ? value : 1
      if (typeof addend !== 'number') return
      tallyAdd(windowOf(windows.keys as Map<string, TallyWindow>, key, createTally), timeMs, addend, horizonMs)
      return
    }
    case 'distinct': {
      const members = Array.isArray(value) ? value : [value]
      const window = windowOf(windows.keys as Map<string, DistinctWindow>, key, createDistinct)
      for (const member of members) {
        const text = keyText(member)
        if (text !== null) distinctAdd(window, timeMs, hash53(text), settledMs, horizonMs)
      }
      return
    }
    case 'last': {
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return
      const window = windowOf(windows.keys as Map<string, LastWindow>, key, createLast)
      lastAdd(window, timeMs, value, settledMs, horizonMs)
    }
  }
}

function windowOf<Window>(keys: Map<string, Window>, key: string, create: () => Window): Window {
  let window = keys.get(key)
  if (window === undefined) keys.set(key, (window = create()))
  return window
}

/** Forgets keys with nothing left to count; their absence reads the same. */
function sweep({ feature, keys }: Windows, horizonMs: number): void {
  for (const [key, window] of keys) {
    const over =
      feature.kind === 'distinct'
        ? distinctIsOver(window as DistinctWindow, horizonMs)
        : feature.kind === 'last'
          ? lastIsOver(window as LastWindow, horizonMs)
          : tallyIsOver(window as TallyWindow, horizonMs)
    if (over) keys.delete(key)
  }
}

function writeWindows({ feature, newestMs, moves, keys }: Windows, out: ByteWriter): void {
  const body = byteWriter()
  body.f64(newestMs)
  body.f64(moves)
  body.u32(keys.size)
  for (const [key, window] of keys) {
    body.text(key)
    if (feature.kind === 'distinct') writeDistinct(window as DistinctWindow, body)
    else if (feature.kind === 'last') writeLast(window as LastWindow, body)
    else writeTally(window as TallyWindow, body)
  }
  out.text(feature.name)
  out.text(feature.sha256)
  out.bytes(body.done())
}

function restore(windows: Windows[], snapshot: Uint8Array): void {
  const from = byteReader(snapshot)
  const version = from.u32()
  if (version !== snapshotVersion)
    throw new Error(
      `Cannot restore features: the snapshot has format ${version}, this release reads ${snapshotVersion}`,
    )
  for (let left = from.u32(); left > 0; left--) {
    const name = from.text()
    const sha256 = from.text()
    const body = byteReader(from.bytes())
    const window = windows.find(({ feature }) => feature.name === name && feature.sha256 === sha256)
    if (window !== undefined) readWindows(window, body)
  }
}

function readWindows(windows: Windows, from: ByteReader): void {
  windows.newestMs = from.f64()
  windows.moves = from.f64()
  const keys = windows.keys as Map<string, unknown>
  const read = { distinct: readDistinct, last: readLast, count: readTally, rate: readTally, sum: readTally }[
    windows.feature.kind
  ]
  for (let left = from.u32(); left > 0; left--) {
    const key = from.text()
    keys.set(key, read(from))
  }
}
