import {
  judgePairAs,
  moveClassifier as move,
  trainClassifier as train,
  type SimilarityDeps,
} from '../../flows/similarity.ts'
import { driftOf } from '../../match/similarity/drift.ts'
import {
  countPairs,
  selectClassifier,
  selectClassifiers,
  selectJudgedPairs,
  selectOpenPairs,
  type Classifier,
} from '../../match/similarity/store.ts'
import {
  getClassifier,
  judgePair,
  listClassifiers,
  listPairs,
  moveClassifier,
  trainClassifier,
  type ClassifierView,
} from '../contract/classifiers.ts'
import { authorOf } from '../principal.ts'
import { notFound, problem } from '../problem.ts'
import type { Mount } from '../server.ts'

const pageDefault = 50
/** The latest say whether it still holds. */
const pairsSinceMax = 5_000

/** Similarity classifiers: list, train, look at, move; and the pairs that they learn from. */
export function classifierRoutes(mount: Mount, deps: SimilarityDeps): void {
  const { query } = deps.db

  mount(listClassifiers, async ({ principal: { tenantId } }) => ({
    items: (await selectClassifiers(query, tenantId)).map(viewOf),
    pairs: await countPairs(query, tenantId),
  }))

  mount(getClassifier, async ({ params, principal: { tenantId } }) => {
    const classifier = await selectClassifier(query, tenantId, params.classifierId)
    if (classifier === undefined) throw notFound('classifier', params.classifierId)
    const { features, model } = classifier.model
    const { scope, trainedMs } = classifier
    const judged = (await selectJudgedPairs(query, tenantId, pairsSinceMax, trainedMs))
      .filter((pair) => scope === 'composite' || pair.part === scope)
      .map((pair) => ({ features: pair.features, same: pair.same! }))
    const since = driftOf(classifier.model, judged)
    return {
      ...(since === undefined ? {} : { since }),
      ...viewOf(classifier),
      intercept: model.intercept,
      shapes: model.shapes.map(({ knots, rises, missing }, index) => {
        let logOdds = 0
        const points = knots.map((value, knot) => {
          if (knot > 0) logOdds += rises[knot - 1]!
          return { value, logOdds }
        })
        return { feature: features[index]!, points, missing }
      }),
    }
  })

  mount(trainClassifier, async ({ body, principal, reply }) => {
    const trained = await train(deps, principal.tenantId, body.scope, authorOf(principal))
    if (!trained.ok) throw problem(409, 'Too few judged pairs', trained.detail)
    reply.header('location', `/v1/match/classifiers/${trained.classifier.classifierId}`)
    return viewOf(trained.classifier)
  })

  mount(moveClassifier, async ({ params, body, principal }) => {
    const moved = await move(deps, principal.tenantId, params.classifierId, body, authorOf(principal))
    if (moved.ok) return viewOf(moved.classifier)
    if (moved.reason === 'no-such-classifier') throw notFound('classifier', params.classifierId)
    throw problem(
      409,
      moved.reason === 'already' ? 'Nothing to change' : 'Not better than the thresholds',
      moved.detail,
    )
  })

  mount(listPairs, async ({ query: { after = '', limit = pageDefault }, principal: { tenantId } }) => {
    const items = await selectOpenPairs(query, tenantId, after, limit)
    return { items, next: items.length < limit ? null : items.at(-1)!.pairId }
  })

  mount(judgePair, async ({ params, body, principal }) => {
    const judged = await judgePairAs(deps, principal.tenantId, params.pairId, body.same, authorOf(principal))
    if (!judged.ok) throw notFound('pair', params.pairId)
    return judged.pair
  })
}

function viewOf({ classifierId, scope, version, mode, model, report, trainedMs, movedMs }: Classifier): ClassifierView {
  return { classifierId, scope, version, mode, features: model.features, report, trainedMs, movedMs }
}
