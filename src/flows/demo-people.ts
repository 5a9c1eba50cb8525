import type { Verdict } from '../domain/entry.ts'
import { truthOf, unappealedDecisions } from '../insight/store.ts'
import { createRandom } from '../kernels/random.ts'
import { takeNext } from '../review/claim.ts'
import type { Job } from '../review/job.ts'
import { queueOf } from '../review/queue.ts'
import { selectQueueCounts, selectQueues } from '../review/store.ts'
import { fileAppeal, type AppealDeps } from './appeal.ts'
import { decideJob, etagOf, type ReviewDeps, type Reviewer } from './review.ts'

/** Jobs that the demo reviewers leave for whoever sits in front of the console. */
const leftForPeople = { appeals: 4, others: 25 }
/** How often a demo reviewer errs, so that appeals and quality screens have something true to show. */
const errorShare = 0.06

const pleas: Record<string, readonly string[]> = {
  en: [
    'I took this picture from the shop where I bought it. I did not cheat anybody.',
    'This must be a mistake. I only wrote to my friends.',
    'I shared the news like everybody else that day.',
    'Please look again, a person would see that this is harmless.',
  ],
  es: ['Creo que es un error, yo no hice nada de eso.', 'Por favor, revísenlo otra vez: es una foto de una tienda.'],
  de: [
    'Das muss ein Irrtum sein, bitte prüfen Sie es noch einmal.',
    'Das Bild stammt aus dem Laden, ich habe niemanden betrogen.',
  ],
  fr: ['C’est une erreur, merci de vérifier à nouveau.', 'Cette photo vient du magasin, je n’ai trompé personne.'],
  pt: ['Acho que foi um engano, por favor vejam de novo.', 'A foto é da loja, eu não enganei ninguém.'],
  ar: ['أظن أن هناك خطأ، أرجو المراجعة مرة أخرى.'],
  hi: ['यह गलती है, कृपया दोबारा देखें।'],
  ja: ['何かの間違いです。もう一度ご確認ください。'],
}

/**
 * The simulated people speak for themselves: most of those who did nothing wrong appeal, and a few of those who did.
 * Each decision is considered once: the choice is a function of its id. Answers how many appeals were filed.
 */
export async function appealAsSimulated(
  deps: AppealDeps & Pick<ReviewDeps, 'db'>,
  tenantId: string,
  sinceMs: number,
  atMost: number,
): Promise<number> {
  let filed = 0
  const nowMs = deps.clock()
  for (const decision of await unappealedDecisions(deps.db.query, tenantId, sinceMs, 300)) {
    if (filed >= atMost) break
    const random = createRandom(Number.parseInt(decision.decisionId.slice(-8), 16))
    // People need a moment before they write.
    if (!random.chance(decision.violating ? 0.05 : 0.8) || nowMs - decision.madeMs < random.between(3_000, 20_000))
      continue
    const language = decision.language in pleas ? decision.language : 'en'
    const outcome = await deps.db.transaction((tx) =>
      fileAppeal(tx, deps, tenantId, {
        decisionId: decision.decisionId,
        appellantId: decision.actorId,
        relation: 'self',
        statement: random.pick(pleas[language]!),
        language,
        author: { kind: 'platform', id: 'demo' },
      }),
    )
    if (outcome.ok) filed++
  }
  return filed
}

/**
 * One demo reviewer takes one job and decides it through the same flow as a person would, under their own, plainly
 * simulated name. They leave enough jobs for real people, and err now and then. Answers whether there was one to take.
 */
export async function reviewAsSimulated(deps: ReviewDeps, tenantId: string, reviewer: Reviewer): Promise<boolean> {
  const { db } = deps
  const configured = await selectQueues(db.query, tenantId)
  const full = (await selectQueueCounts(db.query, tenantId, deps.clock())).filter(
    ({ queue, open }) => open > (queue === 'appeals' ? leftForPeople.appeals : leftForPeople.others),
  )
  if (full.length === 0) return false
  const queues = full.map(({ queue }) => queueOf(configured, queue))
  const job = await db.transaction((tx) => takeNext(tx, deps, tenantId, reviewer, queues))
  if (job === undefined) return false
  const ifMatch = await etagOf(db.query, tenantId, job)
  await decideJob(deps, tenantId, reviewer, { jobId: job.jobId, ifMatch, ...(await verdictOf(deps, tenantId, job)) })
  return true
}

async function verdictOf(
  { db }: ReviewDeps,
  tenantId: string,
  job: Job,
): Promise<{ verdict: Verdict; violation?: string; note: string }> {
  const truth = await truthOf(db.query, tenantId, job)
  const err = createRandom(Number.parseInt(job.jobId.slice(-8), 16)).chance(errorShare)
  const note = 'Verdict of a simulated demo reviewer.'
  if (truth === undefined) return { verdict: 'escalate', note }
  const violating = truth.violating !== err
  if (job.question === 'appeal')
    return violating
      ? { verdict: 'uphold', note: `${note} The decision was right.` }
      : { verdict: 'overturn', note: `${note} This did not break the policy.` }
  if (job.question === 'remedy')
    return { verdict: violating ? 'keep' : 'reverse', note: `${note} Looked at again after an overturn.` }
  const violation = truth.violation ?? job.violation ?? 'spam'
  return violating ? { verdict: 'violation', violation, note } : { verdict: 'no_violation', note }
}
