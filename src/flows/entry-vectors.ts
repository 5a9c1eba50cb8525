import type { Embedder, EmbeddingModel } from '../media/embedding.ts'
import type { MediaLibrary } from '../media/library.ts'
import { selectBankChanges, selectSnapshot, type BankChange } from '../match/memory/store.ts'
import {
  countVectors,
  deleteVectors,
  insertVectors,
  selectUnseenEntries,
  selectUnseenOf,
  type EntryToEmbed,
  type MadeVector,
} from '../match/vectors/store.ts'
import type { Clock } from '../domain/ids.ts'
import type { Database } from '../storage/database.ts'

export type EntryVectorsDeps = {
  db: Pick<Database, 'query'>
  clock: Clock
  embedder: Pick<Embedder, 'models' | 'unusable'>
  media: Pick<MediaLibrary, 'read'>
  /** Takes new vectors into the indexes. */
  refresh: () => Promise<void>
  log: (line: { level: 'info' | 'warn'; msg: string; [key: string]: unknown }) => void
}

export type ModelState = 'making' | 'complete' | 'failing'
export type EntryVectors = {
  /** Gives every new entry its vectors, and goes on with the older ones for a while. False when nothing is left to do. */
  tick: () => Promise<boolean>
  /** Where each model in use is: still making vectors of older entries, done with them, or unable to. */
  stateOf: (modelId: string) => { state: ModelState; problem?: string } | undefined
  stop: () => void
}

/** So many entries are embedded between two commits, and so many vectors dropped. */
const pageEntries = 32
const dropVectors = 2_000
const changedPage = 2_000
const retryMs = 30_000

type Progress = {
  model: EmbeddingModel
  after: { tenantId: string; entryId: string }
  complete: boolean
  /** Asked again from then on; why it stopped. */
  failing?: { problem: string; untilMs: number }
}

/**
 * Vectors of bank entries, in the background: of every entry as it comes, whoever added it, and of all older ones once
 * for each model. Vectors of models that are no longer in the folder stay until all that took their place are complete.
 */
export function createEntryVectors(deps: EntryVectorsDeps): EntryVectors {
  const { db, clock, embedder, log } = deps
  const models = embedder.models.map((model): Progress => ({
    model,
    after: { tenantId: '', entryId: '' },
    complete: false,
  }))
  let since: string | undefined
  let dropped = false
  let stopped = false

  /** What a model makes of entries, in a commit. Throws when the model itself is at fault. */
  const embed = async (model: EmbeddingModel, entries: readonly EntryToEmbed[]) => {
    const made: MadeVector[] = []
    try {
      for (const entry of entries) {
        if (stopped) break
        made.push({ ...pick(entry), model: model.id, type: model.type, ...(await vectorOf(model, entry)) })
      }
    } finally {
      await insertVectors(db.query, made)
    }
    return made.length
  }

  const vectorOf = async (
    model: EmbeddingModel,
    { tenantId, text, mediaSha256 }: EntryToEmbed,
  ): Promise<Pick<MadeVector, 'vector' | 'because'>> => {
    const content = model.kind === 'text' ? text! : await deps.media.read(tenantId, mediaSha256!)
    if (content === undefined) return { vector: null, because: 'the file is gone' }
    try {
      const vector = await model.embed(content)
      return vector === undefined ? { vector: null, because: 'it has no direction' } : { vector, because: null }
    } catch (error) {
      const because = (error as Error).message.split('\n')[0]!.slice(0, 500)
      // An entry that a model cannot take is passed by; a model that takes nothing any more is asked again later.
      if ((error as Error).name !== 'InputError' && !(await model.works())) throw error
      return { vector: null, because }
    }
  }

  const attempt = async (progress: Progress, work: () => Promise<number>): Promise<number> => {
    if (progress.failing !== undefined && clock() < progress.failing.untilMs) return 0
    try {
      const made = await work()
      delete progress.failing
      return made
    } catch (error) {
      const problem = (error as Error).message.split('\n')[0]!
      if (progress.failing === undefined)
        log({ level: 'warn', msg: 'a model fails', model: progress.model.id, error: problem })
      progress.failing = { problem, untilMs: clock() + retryMs }
      // What came meanwhile is found by going through all entries again.
      progress.complete = false
      progress.after = { tenantId: '', entryId: '' }
      return 0
    }
  }

  /** Entries that changed since the last time: new ones among them have no vectors yet. */
  const follow = async (): Promise<number> => {
    since ??= await selectSnapshot(db.query)
    let made = 0
    for (let until: string | undefined, after: BankChange | undefined; ;) {
      const page = await selectBankChanges(db.query, since, { until, after, limit: changedPage })
      until = page.until
      after = page.changes.at(-1)
      const idsOf = Map.groupBy(
        page.changes.filter(({ entryId }) => entryId !== ''),
        ({ tenantId }) => tenantId,
      )
      for (const [tenantId, of] of idsOf)
        for (const progress of models)
          made += await attempt(progress, async () => {
            const ids = of.map(({ entryId }) => entryId)
            return embed(progress.model, await selectUnseenOf(db.query, progress.model, tenantId, ids))
          })
      if (stopped) return made
      if (page.changes.length < changedPage) {
        since = until
        return made
      }
    }
  }

  const goOn = async (progress: Progress): Promise<number> =>
    attempt(progress, async () => {
      const entries = await selectUnseenEntries(db.query, progress.model, progress.after, pageEntries)
      const made = await embed(progress.model, entries)
      if (stopped) return made
      if (entries.length > 0) progress.after = pick(entries.at(-1)!)
      if (entries.length < pageEntries) {
        progress.complete = true
        log({ level: 'info', msg: 'a model has looked at every bank entry', model: progress.model.id })
      }
      return made
    })

  /** Vectors of models that are in the folder no longer, once every model of their kind is complete. */
  const dropOld = async (): Promise<void> => {
    if (dropped || models.length === 0 || models.some(({ complete }) => !complete)) return
    const known = new Set([...models.map(({ model }) => model.id), ...embedder.unusable.map(({ id }) => id)])
    for (const { model, type } of await countVectors(db.query)) {
      if (known.has(model) || !models.some((one) => one.model.type === type)) continue
      let count = 0
      for (let some = dropVectors; some === dropVectors && !stopped; count += some)
        some = await deleteVectors(db.query, model, dropVectors)
      log({ level: 'info', msg: 'vectors of a model that is gone were dropped', model, vectors: count })
    }
    dropped = !stopped
  }

  return {
    async tick() {
      if (models.length === 0) return false
      let made = await follow()
      for (const progress of models) if (!progress.complete && !stopped) made += await goOn(progress)
      if (!stopped) await dropOld()
      if (made > 0 && !stopped) await deps.refresh()
      return !stopped && models.some(({ complete, failing }) => !complete && failing === undefined)
    },
    stateOf(modelId) {
      const progress = models.find(({ model }) => model.id === modelId)
      if (progress === undefined) return undefined
      if (progress.failing !== undefined) return { state: 'failing', problem: progress.failing.problem }
      return { state: progress.complete ? 'complete' : 'making' }
    },
    stop: () => void (stopped = true),
  }
}

const pick = ({ tenantId, entryId }: { tenantId: string; entryId: string }) => ({ tenantId, entryId })
