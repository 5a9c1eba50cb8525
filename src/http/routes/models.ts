import type { EntryVectors } from '../../flows/entry-vectors.ts'
import { countSuited, countVectors } from '../../match/vectors/store.ts'
import type { Embedder } from '../../media/embedding.ts'
import type { Query } from '../../storage/database.ts'
import { listModels, type ModelView } from '../contract/models.ts'
import type { Mount } from '../server.ts'

export type ModelRoutesDeps = {
  query: Query
  embedder: Pick<Embedder, 'models' | 'unusable'>
  vectors: Pick<EntryVectors, 'stateOf'>
}

/** The operator's models: in use, unusable, or gone with vectors left, and their progress. */
export function modelRoutes(mount: Mount, { query, embedder, vectors }: ModelRoutesDeps): void {
  mount(listModels, async ({ principal: { tenantId } }) => {
    const counts = new Map((await countVectors(query, tenantId)).map((one) => [one.model, one]))
    const suited = await countSuited(query, tenantId)
    const countsOf = (model: string) => ({
      vectors: counts.get(model)?.vectors ?? 0,
      none: counts.get(model)?.none ?? 0,
    })
    const inUse = embedder.models.map(({ id, type, dimensions, threshold }): ModelView => ({
      model: id,
      signalType: type,
      ...vectors.stateOf(id)!,
      dimensions,
      ...(threshold === undefined ? {} : { threshold }),
      entries: suited[type],
      ...countsOf(id),
    }))
    const unusable = embedder.unusable.map(({ id, problem }): ModelView => ({
      model: id,
      signalType: counts.get(id)?.type ?? null,
      state: 'unusable',
      problem,
      entries: 0,
      ...countsOf(id),
    }))
    const known = new Set([...inUse, ...unusable].map(({ model }) => model))
    const old = [...counts.values()]
      .filter(({ model }) => !known.has(model))
      .map(({ model, type }): ModelView => ({
        model,
        signalType: type,
        state: 'old',
        entries: suited[type],
        ...countsOf(model),
      }))
    return { items: [...inUse, ...unusable, ...old] }
  })
}
