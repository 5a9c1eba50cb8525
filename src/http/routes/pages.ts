import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  appealAsHolder,
  publicAccount,
  publicDecision,
  type Holder,
  type PublicAccountDeps,
  type PublicDecision,
} from '../../flows/public-account.ts'
import { resolveSubjectLink } from '../access.ts'
import { accountPage, appealForm, appealPage, decisionPage } from '../contract/me.ts'
import { acceptForms } from '../forms.ts'
import { accountBody, type Links } from '../pages/account.ts'
import { appealFormBody, appealTextLengthMax, decisionBody, messageBody, type FormState } from '../pages/decision.ts'
import { page, pageHeaders } from '../pages/frame.ts'
import type { Html } from '../pages/html.ts'
import { chooseLanguage, isLanguage, languages, type Language } from '../pages/messages.ts'
import type { Mount } from '../server.ts'

export type PageDeps = PublicAccountDeps & {
  /** Key of the form tokens. */
  secretKey: string
  log: (line: Record<string, unknown>) => void
}

type Asked = { token: string; query: { lang?: string }; request: FastifyRequest; reply: FastifyReply }
type Here = { language: Language; links: Links; path: string; holder: Holder; nowMs: number }

/** The pages of affected persons. The link is the key: who has it sees this account and no other. */
export function pageRoutes(app: FastifyInstance, mount: Mount, deps: PageDeps): void {
  acceptForms(app)
  const send = (reply: FastifyReply, status: number, language: Language, path: string, title: string, body: Html) =>
    reply
      .code(status)
      .headers({ ...pageHeaders, 'content-language': language })
      .send(page({ language, title, path, body }))

  const notHere = (reply: FastifyReply, language: Language, path: string, what: 'link' | 'noDecision') => {
    const texts = languages[language]
    const [title, text] = [texts[`${what}Title`], texts[`${what}Text`]]
    return send(reply, 404, language, path, title, messageBody(title, text))
  }

  /** Resolves the link and the language, and turns failures into a page that a person can read. */
  const open = async (asked: Asked, show: (here: Here) => Promise<FastifyReply>): Promise<FastifyReply> => {
    const { token, query, request, reply } = asked
    const path = request.url.split('?')[0]!
    const language = chooseLanguage(query.lang, request.headers['accept-language'])
    // Nothing here has a NUL in its name, and the database cannot even look for one.
    if (path.includes('%00')) return notHere(reply, language, path, 'link')
    try {
      const nowMs = deps.clock()
      const holder = await resolveSubjectLink(deps.db.query, token, nowMs)
      if (holder === undefined) return notHere(reply, language, path, 'link')
      const chosen = query.lang !== undefined && isLanguage(language) ? `?lang=${language}` : ''
      const links = { base: `/me/${encodeURIComponent(token)}`, query: chosen }
      return await show({ language, links, path, holder, nowMs })
    } catch (error) {
      // The token is a secret and stays out of the log.
      deps.log({
        level: 'error',
        msg: 'page failed',
        page: path.replace(/^\/me\/[^/]+/, '/me/…'),
        error: String(error),
      })
      const texts = languages[language]
      return send(reply, 503, language, path, texts.brokenTitle, messageBody(texts.brokenTitle, texts.brokenText))
    }
  }

  mount(accountPage, ({ params, query, request, reply }) =>
    open({ token: params.token, query, request, reply }, async ({ language, links, path, holder }) => {
      const account = await publicAccount(deps, holder, language)
      return send(reply, 200, language, path, languages[language].accountTitle, accountBody(language, account, links))
    }),
  )

  mount(decisionPage, ({ params, query, request, reply }) =>
    open({ token: params.token, query, request, reply }, async ({ language, links, path, holder, nowMs }) => {
      const decision = await publicDecision(deps, holder, params.decisionId, language)
      if (decision === undefined) return notHere(reply, language, path, 'noDecision')
      const body = decisionBody(language, decision, links, nowMs, query.done === '1')
      return send(reply, 200, language, path, languages[language].decisionTitle, body)
    }),
  )

  const showForm = (reply: FastifyReply, here: Here, decision: PublicDecision, status: number, form: FormState) =>
    send(
      reply,
      status,
      here.language,
      here.path,
      languages[here.language].appealTitle,
      appealFormBody(here.language, decision, here.links, form),
    )

  const toDecision = (reply: FastifyReply, { links, language }: Here, decisionId: string, done: boolean) => {
    const query = [links.query === '' ? '' : `lang=${language}`, done ? 'done=1' : ''].filter((part) => part !== '')
    const target = `${links.base}/decisions/${encodeURIComponent(decisionId)}`
    return reply
      .code(303)
      .headers(pageHeaders)
      .header('location', query.length === 0 ? target : `${target}?${query.join('&')}`)
      .send('')
  }

  const mayAppeal = ({ appeal, appealRefusal, statement }: PublicDecision, nowMs: number) =>
    appeal === undefined && appealRefusal === undefined && nowMs < statement.appealUntilMs

  mount(appealPage, ({ params, query, request, reply }) =>
    open({ token: params.token, query, request, reply }, async (here) => {
      const decision = await publicDecision(deps, here.holder, params.decisionId, here.language)
      if (decision === undefined) return notHere(reply, here.language, here.path, 'noDecision')
      // The page of the decision says why not: too late, asked already, taken back.
      if (!mayAppeal(decision, here.nowMs)) return toDecision(reply, here, decision.decisionId, false)
      const formToken = tokenOfForm(deps.secretKey, params.token, decision.decisionId)
      return showForm(reply, here, decision, 200, { text: '', formToken })
    }),
  )

  mount(appealForm, ({ params, query, request, reply }) =>
    open({ token: params.token, query, request, reply }, async (here) => {
      // Not a form: then nothing of it fits, and the answer is the form again.
      const fields = (request.body ?? {}) as { text?: string; form?: string }
      const decision = await publicDecision(deps, here.holder, params.decisionId, here.language)
      if (decision === undefined) return notHere(reply, here.language, here.path, 'noDecision')
      if (!mayAppeal(decision, here.nowMs))
        return toDecision(reply, here, decision.decisionId, decision.appeal !== undefined)
      const formToken = tokenOfForm(deps.secretKey, params.token, decision.decisionId)
      // Browsers send line breaks as two characters; people count them as one.
      const text = (fields.text ?? '').replaceAll('\r\n', '\n').replaceAll('\u0000', '').toWellFormed()
      if (!same(fields.form ?? '', formToken))
        return showForm(reply, here, decision, 403, { text, problem: 'stale', formToken })
      if (text.length > appealTextLengthMax)
        return showForm(reply, here, decision, 422, { text, problem: 'too-long', formToken })
      const appeal = { decisionId: decision.decisionId, text: text.trim(), language: here.language }
      await appealAsHolder(deps, here.holder, appeal)
      // A second press of the button arrives here too: the page shows the one appeal there is, or why there is none.
      return toDecision(reply, here, decision.decisionId, true)
    }),
  )
}

/** Only a page made for this link and decision carries this token, so no other site can send the form. */
function tokenOfForm(secretKey: string, linkToken: string, decisionId: string): string {
  return createHmac('sha256', secretKey).update(`appeal form\0${linkToken}\0${decisionId}`).digest('base64url')
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
