import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApp } from '../../../test/app.ts'
import { assertIntact, settled } from '../../../test/hostile.ts'
import { createRandom, type Random } from '../../kernels/random.ts'
import { ApiError } from '../client.ts'
import { makeBank, makeBankEntry } from '../contract/banks.ts'
import {
  getClassifier,
  judgePair,
  listClassifiers,
  listPairs,
  moveClassifier,
  trainClassifier,
} from '../contract/classifiers.ts'
import { appendEvents } from '../contract/events.ts'
import { lookupMatches } from '../contract/match.ts'
import { publishRuleFile } from '../contract/rules.ts'

const rule = `
rules:
  - id: known-photo
    owner: test
    description: A photo of the bank
    on: [item.created]
    when: size(signals("match.media")) > 0
    then:
      - violation: { violation: scam, severity: 2, confidence: 0.6, route: review }
    mode: live
`
const hashOf = (random: Random) =>
  Array.from({ length: 8 }, () => random.uint32().toString(16).padStart(8, '0')).join('')

/** The hash with so many bits changed. */
function moved(random: Random, hash: string, bits: number): string {
  const bytes = Buffer.from(hash, 'hex')
  for (const bit of random.sample(
    Array.from({ length: 256 }, (_, at) => at),
    bits,
  ))
    bytes[bit >> 3]! ^= 1 << (bit & 7)
  return bytes.toString('hex')
}

test('verdicts on matches train a classifier that begins in shadow, goes live when it is better, and explains itself', async () => {
  const app = await testApp()
  const { platform } = app
  const staff = await app.staff(['admin', 'reviewer'])
  const random = createRandom(11)
  await staff.call(publishRuleFile, { body: { text: rule } })
  const { bankId } = await staff.call(makeBank, { body: { name: 'photos', purpose: 'test', action: 'review' } })
  const entries: string[] = []
  for (let index = 0; index < 30; index++) {
    const hash = hashOf(random)
    entries.push(hash)
    await staff.call(makeBankEntry, { params: { bankId }, body: { pdq: hash, quality: 90 } })
  }

  const refused = await staff.call(trainClassifier, { body: { scope: 'photo' } }).catch((error: unknown) => error)
  assert.ok(refused instanceof ApiError && refused.status === 409)
  assert.match(refused.problem.detail ?? '', /at least 20 .* there are 0 and 0/)

  // True copies lie near; what only looks like an entry lies near the threshold.
  const truth = new Map<string, boolean>()
  const events = Array.from({ length: 120 }, (_, index) => {
    const same = random.chance(0.6)
    const bits = same ? random.int(20) : 17 + random.int(14)
    truth.set(`i${index}`, same)
    return {
      id: `e${index}`,
      type: 'item.created',
      time: new Date().toISOString(),
      actor: { id: `u${index}` },
      item: {
        id: `i${index}`,
        media: [{ id: 'm', kind: 'photo', hashes: { pdq: moved(random, random.pick(entries), bits) } }],
      },
    }
  })
  await platform.call(appendEvents, { body: events as never })
  await settled(app)
  let judged = 0
  for (;;) {
    const { items } = await staff.call(listPairs, { query: { limit: 50 } })
    if (items.length === 0) break
    for (const pair of items) {
      assert.ok(pair.features.pdq! > 0.87 && pair.features.agreeing === 1, JSON.stringify(pair.features))
      const answer = await staff.call(judgePair, {
        params: { pairId: pair.pairId },
        body: { same: truth.get(pair.itemId!)! },
      })
      assert.deepEqual([answer.same, answer.source], [truth.get(pair.itemId!), 'pair'])
      judged++
    }
  }
  assert.equal(judged, 120)

  const trained = await staff.call(trainClassifier, { body: { scope: 'photo' } })
  assert.deepEqual([trained.scope, trained.version, trained.mode], ['photo', 1, 'shadow'])
  assert.ok(trained.report.beatsThresholds, trained.report.verdict)
  assert.ok(trained.report.auc > 0.85 && trained.report.pairs.same + trained.report.pairs.different === 120)

  const near = { photos: [{ pdq: moved(random, entries[0]!, 4), quality: 90 }] }
  const far = { photos: [{ pdq: moved(random, entries[0]!, 29), quality: 90 }] }
  const [watched] = (await staff.call(lookupMatches, { body: near })).matches
  const [judgement] = watched!.judgements!
  assert.deepEqual([judgement!.mode, judgement!.classifierId], ['shadow', trained.classifierId])
  assert.notEqual(watched!.confidence, judgement!.probability)
  const logOdds = judgement!.contributions.reduce((sum, part) => sum + part.logOdds, judgement!.base)
  assert.ok(Math.abs(1 / (1 + Math.exp(-logOdds)) - judgement!.probability) < 1e-9)

  const { classifierId } = trained
  const live = await staff.call(moveClassifier, {
    params: { classifierId },
    body: { mode: 'live', reason: 'better on unseen pairs' },
  })
  assert.equal(live.mode, 'live')
  await new Promise((done) => setTimeout(done, 1_100))
  const [sure] = (await staff.call(lookupMatches, { body: near })).matches
  const [unsure] = (await staff.call(lookupMatches, { body: far })).matches
  assert.equal(sure!.confidence, sure!.judgements![0]!.probability)
  assert.ok(sure!.confidence > 0.8 && unsure!.confidence < 0.4, `${sure!.confidence} ${unsure!.confidence}`)

  const { shapes } = await staff.call(getClassifier, { params: { classifierId } })
  const shape = shapes.find(({ feature }) => feature === 'pdq')!
  assert.ok(shape.points.every(({ logOdds: at }, index) => index === 0 || at >= shape.points[index - 1]!.logOdds))
  const again = await staff
    .call(moveClassifier, { params: { classifierId }, body: { mode: 'live', reason: 'again' } })
    .catch((error: unknown) => error)
  assert.ok(again instanceof ApiError && again.status === 409)
  const { items, pairs } = await staff.call(listClassifiers, {})
  assert.deepEqual([items.length, pairs.open, pairs.same + pairs.different], [1, 0, 120])

  // A newer version takes its place, and one step brings it back.
  const newer = await staff.call(trainClassifier, { body: { scope: 'photo' } })
  const goLive = (id: string) =>
    staff.call(moveClassifier, { params: { classifierId: id }, body: { mode: 'live', reason: 'the better one' } })
  const modes = async () =>
    (await staff.call(listClassifiers, {})).items.map(({ version, mode }) => `${version} ${mode}`).toSorted()
  await goLive(newer.classifierId)
  assert.deepEqual(await modes(), ['1 retired', '2 live'])
  await goLive(classifierId)
  assert.deepEqual(await modes(), ['1 live', '2 retired'])

  // What people judge from here on says whether it still holds.
  assert.equal((await staff.call(getClassifier, { params: { classifierId } })).since, undefined)
  const proposals = await app.db.query<{ pair_id: string; same: boolean }>(
    'SELECT pair_id, same FROM match_pairs LIMIT 35',
  )
  for (const { pair_id: pairId, same } of proposals)
    await staff.call(judgePair, { params: { pairId }, body: { same: !same } })
  const { since } = await staff.call(getClassifier, { params: { classifierId } })
  assert.deepEqual([since!.pairs, since!.drifted], [35, true], since!.verdict)
  assert.equal(
    since!.calibration.reduce((sum, { count }) => sum + count, 0),
    35,
  )
  await assertIntact(app)
})

test('a classifier that is no better than the thresholds cannot go live, and tenants, roles and ids are checked', async () => {
  const app = await testApp()
  const viewer = await app.staff(['viewer'])
  const status = (call: Promise<unknown>) =>
    call.then(
      () => 200,
      (error: unknown) => (error instanceof ApiError ? error.status : 0),
    )
  assert.equal(await status(viewer.call(trainClassifier, { body: { scope: 'photo' } })), 403)
  assert.equal(await status(app.platform.call(getClassifier, { params: { classifierId: 'no' } })), 404)
  const move = { params: { classifierId: 'no' }, body: { mode: 'live', reason: 'x' } } as const
  assert.equal(await status(app.platform.call(moveClassifier, move)), 404)
  assert.equal(await status(app.platform.call(judgePair, { params: { pairId: 'no' }, body: { same: true } })), 404)
  assert.equal(await status(app.platform.call(trainClassifier, { body: { scope: 'smell' as 'photo' } })), 422)
})
