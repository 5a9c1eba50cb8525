import type { FastifyReply } from 'fastify'
import type { Refusal } from '../../domain/error.ts'
import { selectAppeals } from '../../appeals/store.ts'
import { dsaStatement } from '../../enforcement/statement.ts'
import {
  selectConsequences,
  selectDecision,
  selectDecisions,
  type ConsequenceRow,
  type DecisionRow,
} from '../../enforcement/store.ts'
import { reverseDecision as reverseFlow, type AppealDeps } from '../../flows/appeal.ts'
import { decide } from '../../flows/enforce.ts'
import { modify } from '../../flows/remedy.ts'
import { explain, type ExplainDeps, type Step } from '../../flows/explain.ts'
import type { Database } from '../../storage/database.ts'
import {
  getDecision,
  listDecisions,
  makeDecision,
  modifyDecision,
  reverseDecision,
  type Consequence,
  type Decision,
  type DecisionDetail,
  type StepView,
} from '../contract/decisions.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'

export type DecisionRoutesDeps = AppealDeps & ExplainDeps & { db: Database }

/** A decision as the API shows it. */
export function decisionView(row: DecisionRow): Decision {
  const { body } = row
  return {
    decisionId: row.id,
    actorId: row.actorId,
    itemId: row.itemId,
    threadId: row.threadId,
    eventId: row.eventId,
    violation: row.violation,
    severity: row.severity,
    context: row.context,
    policyVersion: row.policyVersion,
    status: row.status,
    madeMs: row.madeMs,
    recordedMs: row.recordedMs,
    author: row.author,
    automation: row.automation,
    because: row.because,
    statement: row.statement,
    attribution: body.attribution,
    role: body.role ?? null,
    removesItem: body.removesItem,
    rule: body.rule ?? null,
    match: body.match ?? null,
    proposalEntryId: row.proposalEntryId,
    jobId: row.jobId,
    appealUntilMs: row.appealUntilMs,
    changedMs: row.changedMs,
    changedReason: row.changedReason,
    revision: row.revision,
  }
}

/** A consequence as the API shows it. */
export function consequenceView({ id, actorId: _, ...row }: ConsequenceRow): Consequence {
  return { consequenceId: id, ...row }
}

const etagOf = (row: DecisionRow) => `"${row.revision}"`

const statuses: Record<string, [number, string]> = {
  'not-found': [404, 'No such thing'],
  'already-reversed': [409, 'Already reversed'],
  'already-decided': [409, 'Already decided'],
  'nothing-changes': [409, 'Nothing would change'],
  duplicate: [409, 'Already decided'],
  'unknown-violation': [422, 'Unknown violation'],
  'unknown-context': [422, 'Unknown context'],
  'made-the-decision': [403, 'Somebody else must look at this'],
  'no-reason': [422, 'A reason is needed'],
  'no-change-given': [422, 'Say what it should have been'],
}

/** An expected refusal of a flow as a problem; thrown inside the transaction, so that nothing of it stays. */
export function refused({ reason, detail }: Refusal): Error {
  const [status, title] = statuses[reason] ?? [409, 'Refused']
  return problem(status, title, detail)
}

/** The person behind a request; keys cannot do what only people may. */
export function personOf(principal: Principal) {
  const author = authorOf(principal)
  if (author.kind !== 'person')
    throw problem(403, 'Only a person can do this', 'Sign in to the console; an API key cannot judge.')
  return author
}

export function decisionRoutes(mount: Mount, deps: DecisionRoutesDeps): void {
  const { db } = deps

  mount(listDecisions, async ({ query, principal }) => {
    const { limit = 50, after, actor, item, rule, bankEntry, ...filter } = query
    const cursor = after === undefined ? undefined : decodeCursor(after, 2)
    const rows = await selectDecisions(db.query, principal.tenantId, {
      ...filter,
      actorId: actor,
      itemId: item,
      ruleId: rule,
      bankEntryId: bankEntry,
      ...(cursor === undefined ? {} : { before: { recordedMs: Number(cursor[0]), id: cursor[1]! } }),
      limit,
    })
    const last = rows.at(-1)
    return {
      items: rows.map(decisionView),
      next: rows.length < limit || last === undefined ? null : encodeCursor([String(last.recordedMs), last.id]),
    }
  })

  mount(getDecision, async ({ params, principal, reply }): Promise<DecisionDetail> => {
    const { tenantId } = principal
    const explanation = await explain(db.query, deps, tenantId, params.decisionId)
    const row = await selectDecision(db.query, tenantId, params.decisionId)
    if (explanation === undefined || row === undefined) throw notFound('decision', params.decisionId)
    reply.header('etag', etagOf(row))
    const all = await selectConsequences(db.query, tenantId, row.actorId, false)
    const consequences = all.filter((one) => one.causes.includes(row.id))
    const policies = await deps.policies.load(db.query, tenantId)
    const appeals = await selectAppeals(db.query, tenantId, { decisionId: row.id, limit: 100 })
    return {
      decision: decisionView(row),
      consequences: consequences.map(consequenceView),
      appeals: appeals.map((appeal) => ({
        appealId: appeal.id,
        appellantId: appeal.appellantId,
        relation: appeal.relation,
        filedMs: appeal.filedMs,
        state: appeal.state,
        outcome: appeal.outcome,
        reason: appeal.reason,
        decidedMs: appeal.decidedMs,
      })),
      explanation: {
        tree: stepView(explanation.tree) as DecisionDetail['explanation']['tree'],
        replay: { same: explanation.replay.same, detail: explanation.replay.detail },
        rule: explanation.rule ?? null,
      },
      dsaStatement: dsaStatement({
        decisionId: row.id,
        statement: row.statement,
        policy: policies!.set.versions.get(row.policyVersion)!.policy,
        removesItem: row.body.removesItem,
        itemId: row.itemId ?? undefined,
        occurredAtMs: row.body.occurredAtMs,
        appliedAtMs: row.recordedMs,
        consequences: consequences.filter((one) => one.state !== 'reversed'),
      }),
    }
  })

  const answer = (reply: FastifyReply, row: DecisionRow): Decision => {
    reply.header('etag', etagOf(row))
    return decisionView(row)
  }

  mount(makeDecision, async ({ body, principal, reply }) => {
    const { facts, ...input } = body
    const author = authorOf(principal)
    const row = await db.transaction(async (tx) => {
      const made = await decide(tx, deps, principal.tenantId, {
        ...input,
        occurredAtMs: body.occurredAtMs ?? deps.clock(),
        foundAtMs: deps.clock(),
        author,
        automation: 'none',
        automatedDetection: false,
        because: [{ name: 'found', value: principal.name, because: facts }],
        facts,
      })
      if (!made.ok) throw refused(made)
      return (await selectDecision(tx.query, principal.tenantId, made.decisionId))!
    })
    return answer(reply, row)
  })

  mount(reverseDecision, async ({ params, body, principal, request, reply }) => {
    const author = personOf(principal)
    const row = await db.transaction(async (tx) => {
      const before = await selectDecision(tx.query, principal.tenantId, params.decisionId)
      if (before === undefined) throw notFound('decision', params.decisionId)
      requireMatch(request.headers['if-match'], etagOf(before), 'decision')
      const reversed = await reverseFlow(tx, deps, principal.tenantId, { ...params, ...body, author })
      if (!reversed.ok) throw refused(reversed)
      // Only now is the actor locked: somebody may have changed the decision since it was read.
      if (reversed.decision.revision !== before.revision + 1)
        throw problem(412, 'The decision has changed', 'Load it again.')
      return reversed.decision
    })
    return answer(reply, row)
  })

  mount(modifyDecision, async ({ params, body, principal, request, reply }) => {
    const author = personOf(principal)
    const row = await db.transaction(async (tx) => {
      const before = await selectDecision(tx.query, principal.tenantId, params.decisionId)
      if (before === undefined) throw notFound('decision', params.decisionId)
      requireMatch(request.headers['if-match'], etagOf(before), 'decision')
      const modified = await modify(tx, deps, principal.tenantId, { ...params, ...body, author })
      if (!modified.ok) throw refused(modified)
      if (modified.decision.revision !== before.revision + 1)
        throw problem(412, 'The decision has changed', 'Load it again.')
      return modified.decision
    })
    return answer(reply, row)
  })
}

function stepView({ title, because, atMs, entry, event, children }: Step): StepView {
  return {
    title,
    because,
    atMs,
    kind: entry?.kind ?? 'event',
    entryId: entry?.id ?? null,
    author: entry?.author ?? null,
    automation: entry?.automation ?? null,
    sequence: entry?.sequence ?? null,
    body: entry?.body ?? event?.event ?? null,
    children: children.map(stepView),
  }
}
