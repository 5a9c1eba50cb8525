import type { AppealRefusal } from '../../appeals/eligibility.ts'
import { selectAppeal, selectAppeals, type AppealRow } from '../../appeals/store.ts'
import { selectDecision } from '../../enforcement/store.ts'
import { decideAppeal as decideFlow, fileAppeal as fileFlow, makersOf, type AppealDeps } from '../../flows/appeal.ts'
import type { Database } from '../../storage/database.ts'
import { decideAppeal, fileAppeal, getAppeal, listAppeals, type Appeal } from '../contract/appeals.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { authorOf } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'
import { personOf, refused } from './decisions.ts'

export type AppealRoutesDeps = AppealDeps & { db: Database }

/** An appeal as the API shows it: without the person's words, which take a look of their own. */
export function appealView(row: AppealRow): Appeal {
  const { id, entryId: _, statementRef: __, assignedTo: ___, ...rest } = row
  return { appealId: id, ...rest }
}

const etagOf = (row: AppealRow) => `"${row.revision}"`

const titles = {
  'window-closed': [410, 'The time to appeal is over'],
  'already-appealed': [409, 'Already appealed'],
  'already-reversed': [409, 'Already reversed'],
  'not-the-person': [403, 'Not your decision'],
  'not-an-admin': [403, 'Not an admin'],
  'no-delegation': [403, 'Not asked to'],
  'sanctioned-in-matter': [403, 'Sanctioned in the same matter'],
  'not-a-notifier': [403, 'Not a notifier'],
  'not-found': [404, 'No such decision'],
} satisfies Record<AppealRefusal | 'not-found', [number, string]>

export function appealRoutes(mount: Mount, deps: AppealRoutesDeps): void {
  const { db } = deps

  mount(listAppeals, async ({ query, principal }) => {
    const { limit = 50, after, actor, appellant, decision, state, outcome } = query
    const cursor = after === undefined ? undefined : decodeCursor(after, 2)
    const rows = await selectAppeals(db.query, principal.tenantId, {
      state,
      outcome,
      actorId: actor,
      appellantId: appellant,
      decisionId: decision,
      ...(cursor === undefined ? {} : { before: { filedMs: Number(cursor[0]), id: cursor[1]! } }),
      limit,
    })
    const last = rows.at(-1)
    return {
      items: rows.map(appealView),
      next: rows.length < limit || last === undefined ? null : encodeCursor([String(last.filedMs), last.id]),
    }
  })

  mount(getAppeal, async ({ params, principal, reply }) => {
    const { tenantId } = principal
    const row = await selectAppeal(db.query, tenantId, params.appealId)
    if (row === undefined) throw notFound('appeal', params.appealId)
    const decision = (await selectDecision(db.query, tenantId, row.decisionId))!
    const others = await selectAppeals(db.query, tenantId, { decisionId: row.decisionId, limit: 1_000 })
    reply.header('etag', etagOf(row))
    return {
      appeal: appealView(row),
      statement:
        // The words are for those who answer appeals or review.
        row.statementRef === null || !(principal.scopes.has('appeals:write') || principal.scopes.has('review:write'))
          ? null
          : ((await deps.vault.open(db.query, tenantId, row.statementRef)) ?? null),
      mayDecide:
        row.state === 'open' &&
        principal.kind === 'person' &&
        principal.scopes.has('appeals:write') &&
        !makersOf(decision, others).includes(principal.id),
    }
  })

  mount(fileAppeal, async ({ body, principal, reply }) => {
    const { relation = 'self', ...input } = body
    const row = await db.transaction(async (tx) => {
      const filed = await fileFlow(tx, deps, principal.tenantId, { ...input, relation, author: authorOf(principal) })
      if (!filed.ok) throw problem(titles[filed.reason][0]!, titles[filed.reason][1]!, filed.detail)
      return filed.appeal
    })
    reply.header('etag', etagOf(row))
    return appealView(row)
  })

  mount(decideAppeal, async ({ params, body, principal, request, reply }) => {
    const author = personOf(principal)
    const row = await db.transaction(async (tx) => {
      const before = await selectAppeal(tx.query, principal.tenantId, params.appealId)
      if (before === undefined) throw notFound('appeal', params.appealId)
      requireMatch(request.headers['if-match'], etagOf(before), 'appeal')
      const decided = await decideFlow(tx, deps, principal.tenantId, { ...params, ...body, author })
      if (!decided.ok) throw refused(decided)
      return (await selectAppeal(tx.query, principal.tenantId, params.appealId))!
    })
    reply.header('etag', etagOf(row))
    return appealView(row)
  })
}
