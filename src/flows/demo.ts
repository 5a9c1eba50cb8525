import { readFile } from 'node:fs/promises'
import { InputError } from '../domain/error.ts'
import type { Event } from '../domain/event.ts'
import { uuidv7 } from '../domain/ids.ts'
import { insertTruth } from '../insight/store.ts'
import { encodeJpeg } from '../media/encode.ts'
import { publishRules } from '../rules/publish.ts'
import type { CheckOptions } from '../rules/check-file.ts'
import { selectRules } from '../rules/store.ts'
import { createPhotographer, withPhotos } from '../sim/photos.ts'
import { simulate, simulateLimits } from '../sim/simulate.ts'
import type { Truth } from '../sim/truth.ts'
import { insertPerson, selectPersonByHandle, setRoles } from '../storage/access.ts'
import type { Acceptance } from './accept.ts'
import type { AppealDeps } from './appeal.ts'
import { seedBanks, type SeedBankDeps } from './demo-bank.ts'
import { appealAsSimulated, reviewAsSimulated } from './demo-people.ts'
import type { ReviewDeps, Reviewer } from './review.ts'

export type DemoDeps = AppealDeps &
  ReviewDeps &
  Omit<SeedBankDeps, 'photograph'> & {
    /** The same acceptance that the API uses. */
    accept: (tenantId: string, events: readonly Event[]) => Promise<readonly Acceptance[]>
    /** What rules are checked against. */
    ruleOptions: (tenantId: string) => Promise<CheckOptions>
    /** Makes changed banks and rules known to the detectors at once. */
    refresh: () => Promise<void>
    sleep: (ms: number) => Promise<void>
    log: (line: Record<string, unknown>) => void
  }

export type DemoOptions = { seed: number; actors: number; speed: number }
export const demoDefaults: DemoOptions = { seed: 7, actors: 4_000, speed: 30 }
export const demoSpeedMax = 1_000

export type DemoStatus = {
  state: 'off' | 'preparing' | 'backfilling' | 'live' | 'stopping' | 'ended' | 'failed'
  seed?: number
  actors?: number
  speed?: number
  startedAtMs?: number
  /** The time on the simulated platform. */
  simulatedMs?: number
  sent: number
  refused: number
  appealsFiled: number
  reviewed: number
  problem?: string
}

export type Demo = {
  /** Starts the simulated platform on a tenant; an InputError when it runs already or the options are out of range. */
  start: (tenantId: string, options: Partial<DemoOptions>) => DemoStatus
  /** Resolves when nothing more is sent. */
  stop: (tenantId: string) => Promise<DemoStatus>
  status: (tenantId: string) => DemoStatus
  stopAll: () => Promise<void>
}

const hourMs = 3_600_000
/** A little more than a day, so that the charts of a day are full from the first minute. */
const backfillMs = 26 * hourMs
const totalDays = 12
const batchEvents = 500
const liveEveryMs = 500
const peopleEveryMs = 2_500

const rulesFile = new URL('../rules/reference-rules.yaml', import.meta.url)
/** `stopping` is asked for from outside; `over` says that no more events will come. */
type Run = { status: DemoStatus; stopping: boolean; over: boolean; done: Promise<void> }

/**
 * The simulated platform on a running instance: banks and rules first, then a day of the past as fast as it goes, then
 * the present at `speed` simulated seconds a second. Everything travels the same way as events from outside; the truth
 * is kept apart. Simulated people appeal, and two reviewers with plainly simulated names decide some of the jobs.
 */
export function createDemo(deps: DemoDeps): Demo {
  const runs = new Map<string, Run>()
  const off: DemoStatus = { state: 'off', sent: 0, refused: 0, appealsFiled: 0, reviewed: 0 }
  const status = (tenantId: string): DemoStatus => ({ ...(runs.get(tenantId)?.status ?? off) })
  const stop = async (tenantId: string): Promise<DemoStatus> => {
    const run = runs.get(tenantId)
    if (run !== undefined) {
      run.stopping = true
      if (isRunning(run.status)) run.status.state = 'stopping'
      await run.done
    }
    return status(tenantId)
  }
  return {
    status,
    stop,
    start(tenantId, given) {
      const options = checkOptions(given)
      const before = runs.get(tenantId)
      if (before !== undefined && isRunning(before.status))
        throw new InputError('The simulated platform is running already; stop it first', [
          { field: 'state', problem: 'is running', value: before.status.state },
        ])
      const run: Run = {
        status: { ...off, ...options, state: 'preparing', startedAtMs: deps.clock() },
        stopping: false,
        over: false,
        done: Promise.resolve(),
      }
      runs.set(tenantId, run)
      run.done = play(deps, tenantId, options, run).then(
        () => void (run.status.state = run.stopping ? 'off' : 'ended'),
        (error: Error) => {
          run.status.state = 'failed'
          run.status.problem = error.message
          deps.log({ level: 'error', msg: 'the simulated platform stopped', error: error.stack })
        },
      )
      return status(tenantId)
    },
    stopAll: async () => void (await Promise.all([...runs.keys()].map((tenantId) => stop(tenantId)))),
  }
}

function isRunning({ state }: DemoStatus): boolean {
  return !['off', 'ended', 'failed'].includes(state)
}

function checkOptions(given: Partial<DemoOptions>): DemoOptions {
  const options = { ...demoDefaults, ...given }
  const { actorsMin } = simulateLimits
  const bad = (field: keyof DemoOptions, min: number, max: number): never => {
    const problem = `must lie from ${min} to ${max}`
    throw new InputError(`${field} ${problem}`, [{ field, problem, value: String(options[field]), limit: max }])
  }
  if (!Number.isSafeInteger(options.seed) || options.seed < 0 || options.seed > 0xffff_ffff) bad('seed', 0, 0xffff_ffff)
  if (!Number.isSafeInteger(options.actors) || options.actors < actorsMin || options.actors > 50_000)
    bad('actors', actorsMin, 50_000)
  if (!(options.speed >= 1 && options.speed <= demoSpeedMax)) bad('speed', 1, demoSpeedMax)
  return options
}

async function play(deps: DemoDeps, tenantId: string, options: DemoOptions, run: Run): Promise<void> {
  const photograph = createPhotographer(encodeJpeg)
  const reviewers = await prepare(deps, tenantId, options, photograph)
  const wallMs = deps.clock()
  const startMs = wallMs - backfillMs
  // Ids of their own for every start: the same seed may play again on the same tenant.
  const idPrefix = `d${Math.floor(wallMs / 1_000).toString(36)}-`
  const { seed, actors } = options
  const source = withPhotos(simulate({ seed, actors, days: totalDays, startMs, idPrefix }), photograph)
  run.status.state = run.stopping ? 'stopping' : 'backfilling'
  const people = playPeople(deps, tenantId, wallMs, reviewers, run)
  try {
    await playEvents(deps, tenantId, options, source, wallMs, run)
  } finally {
    run.over = true
    await people
  }
}

/** The past in large batches, each as soon as the one before is durable; then the present, each event at its moment. */
async function playEvents(
  deps: DemoDeps,
  tenantId: string,
  { speed }: DemoOptions,
  source: AsyncIterable<{ event: Event; truth: Truth }>,
  wallMs: number,
  run: Run,
): Promise<void> {
  let batch: { event: Event; truth: Truth }[] = []
  const send = async (): Promise<void> => {
    const sending = batch
    batch = []
    if (sending.length === 0) return
    await deps.db.transaction((tx) =>
      insertTruth(
        tx,
        tenantId,
        sending.map(({ truth }) => truth),
      ),
    )
    for (const answer of await deps.accept(
      tenantId,
      sending.map(({ event }) => event),
    ))
      if (answer.status === 'refused') run.status.refused++
      else run.status.sent++
  }
  let liveSinceMs = 0
  let sentAtMs = 0
  for await (const { event, truth } of source) {
    if (run.stopping) break
    const simulatedMs = Date.parse(event.time)
    run.status.simulatedMs = simulatedMs
    if (simulatedMs < wallMs) {
      batch.push({ event, truth })
      if (batch.length >= batchEvents) await send()
      continue
    }
    if (liveSinceMs === 0) {
      await send()
      liveSinceMs = sentAtMs = deps.clock()
      run.status.state = 'live'
    }
    const dueMs = liveSinceMs + (simulatedMs - wallMs) / speed
    while (deps.clock() < dueMs && !run.stopping) {
      await send()
      sentAtMs = deps.clock()
      await deps.sleep(Math.min(liveEveryMs, Math.max(1, dueMs - deps.clock())))
    }
    // On the running platform it happens now.
    batch.push({ event: { ...event, time: new Date(Math.min(deps.clock(), dueMs)).toISOString() }, truth })
    if (batch.length >= batchEvents || deps.clock() - sentAtMs >= liveEveryMs) {
      await send()
      sentAtMs = deps.clock()
    }
  }
  await send()
}

/** Appeals and verdicts, at the pace of people, until the events are over. */
async function playPeople(
  deps: DemoDeps,
  tenantId: string,
  sinceMs: number,
  reviewers: readonly Reviewer[],
  run: Run,
): Promise<void> {
  for (let turn = 0; !run.stopping && !run.over; turn++) {
    try {
      run.status.appealsFiled += await appealAsSimulated(deps, tenantId, sinceMs, 3)
      for (const reviewer of reviewers)
        for (let job = 0; job < 2; job++) if (await reviewAsSimulated(deps, tenantId, reviewer)) run.status.reviewed++
    } catch (error) {
      // A conflict with a real person at the same job is no reason to stop.
      deps.log({ level: 'warn', msg: 'a simulated person could not act', error: (error as Error).message })
    }
    for (let waited = 0; waited < peopleEveryMs && !run.stopping && !run.over; waited += 250) await deps.sleep(250)
  }
}

/** Rules if there are none, banks, and two reviewers whose names say what they are. */
async function prepare(
  deps: DemoDeps,
  tenantId: string,
  { seed, actors }: DemoOptions,
  photograph: SeedBankDeps['photograph'],
): Promise<Reviewer[]> {
  if ((await selectRules(deps.db.query, tenantId)).length === 0) {
    const text = await readFile(rulesFile, 'utf8')
    const options = await deps.ruleOptions(tenantId)
    const author = { kind: 'system', part: 'demo' } as const
    await deps.db.transaction((tx) =>
      publishRules(tx, tenantId, text, { ledger: deps.ledger, nowMs: deps.clock(), author, options }),
    )
  }
  await seedBanks({ ...deps, photograph }, tenantId, seed, actors)
  await deps.refresh()
  return Promise.all(
    ['1', '2'].map(async (number): Promise<Reviewer> => {
      const handle = `demo-reviewer-${number}`
      const id = await deps.db.transaction(async (tx) => {
        const id = uuidv7(deps.clock(), deps.randomBytes)
        const person = { id, handle, name: `Demo reviewer ${number} (simulated)`, nowMs: deps.clock() }
        const known = (await insertPerson(tx, person)) ? id : (await selectPersonByHandle(tx.query, handle))!.id
        await setRoles(tx, tenantId, known, ['senior_reviewer'])
        return known
      })
      return { kind: 'person', id, role: 'senior_reviewer' }
    }),
  )
}
