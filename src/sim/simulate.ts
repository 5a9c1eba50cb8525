import { InputError } from '../domain/error.ts'
import { createRandom } from '../kernels/random.ts'
import { liveOrganically, welcomeEnthusiasts } from './organic.ts'
import { createPersonMaker, settlePopulation } from './people.ts'
import { runRaids, spreadHate } from './raids.ts'
import { reportMaliciously } from './reports.ts'
import { peddleEgregious, runScamRings, runSpammers, shareStolenPhoto, takeOverAccounts } from './scams.ts'
import type { Simulated } from './truth.ts'
import { createWorld, dayMs } from './world.ts'

export type SimulateOptions = {
  seed: number
  /** How many ordinary people live there at the start; scammers, spammers and raiders come on top. */
  actors: number
  days: number
  startMs: number
  /** Before every id, so that two simulations may feed one platform. Default `s<seed>-`. */
  idPrefix?: string
}

export const simulateLimits = { actorsMin: 50, actorsMax: 200_000, daysMin: 1, daysMax: 366 }

/**
 * A platform with people on it, from a seed: events in order of time, each with the truth beside it. The same options
 * give the same events on every machine. Memory grows with the people, not with the events.
 * Throws an InputError for options outside `simulateLimits`.
 */
export function* simulate(options: SimulateOptions): Generator<Simulated, void, undefined> {
  checkOptions(options)
  const { seed, actors, days, startMs } = options
  const idPrefix = options.idPrefix ?? `s${seed}-`
  const root = createRandom(seed)
  const make = createPersonMaker(root.fork('people'), idPrefix)
  const population = settlePopulation(root.fork('settling'), make, actors, startMs, idPrefix)
  const endMs = startMs + days * dayMs
  const world = createWorld({ seed, idPrefix, startMs, endMs, random: root.fork('life'), population, make })

  takeOverAccounts(world, actors)
  liveOrganically(world)
  welcomeEnthusiasts(world, Math.max(3, Math.round(actors / 120)))
  runScamRings(world, actors)
  runSpammers(world, actors)
  runRaids(world, actors)
  spreadHate(world, actors)
  reportMaliciously(world, Math.max(1, Math.round(actors / 900)))
  shareStolenPhoto(world, Math.max(8, Math.round(actors / 200)))
  peddleEgregious(world)

  for (let dueMs = world.schedule.nextMs(); dueMs !== undefined; dueMs = world.schedule.nextMs()) {
    world.nowMs = dueMs
    world.schedule.take()!()
    if (world.out.length === 0) continue
    const out = world.out
    world.out = []
    yield* out
  }
}

function checkOptions({ seed, actors, days, startMs }: SimulateOptions): void {
  const { actorsMin, actorsMax, daysMin, daysMax } = simulateLimits
  const bad = (field: string, value: number, problem: string, limit: number | string): never => {
    throw new InputError(`Cannot simulate: ${field} ${value} ${problem}`, [
      { field, problem, value: String(value), limit },
    ])
  }
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > 0xffff_ffff)
    bad('seed', seed, 'must be a whole number from 0', 0xffff_ffff)
  if (!Number.isSafeInteger(actors) || actors < actorsMin || actors > actorsMax)
    bad('actors', actors, `must be a whole number from ${actorsMin} to ${actorsMax}`, actorsMax)
  if (!Number.isFinite(days) || days < daysMin || days > daysMax)
    bad('days', days, `must lie from ${daysMin} to ${daysMax}`, daysMax)
  if (!Number.isSafeInteger(startMs) || startMs < 0) bad('startMs', startMs, 'must be a time after 1970', 0)
}
