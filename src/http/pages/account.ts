import type { PublicAccount, PublicDecision, PublicLimit } from '../../flows/public-account.ts'
import { markup, plain, theirs, type Html } from './html.ts'
import type { KnownContext, KnownFeature, Messages } from './message-type.ts'
import { fill, languages, moment, type Language } from './messages.ts'

/** Where the links of a page lead: the page's own address, and the language if it was chosen by hand. */
export type Links = { base: string; query: string }

/** The name of a context in the language of the page, else as the policy names it. */
export function contextName(texts: Messages, context: string, title: string): string {
  if (context === '*') return texts.everywhere
  return Object.hasOwn(texts.contexts, context) ? texts.contexts[context as KnownContext] : plain(title, 100)
}

function featureName(texts: Messages, feature: string): string {
  return Object.hasOwn(texts.features, feature)
    ? texts.features[feature as KnownFeature]
    : plain(feature, 100).replaceAll('_', ' ')
}

/** Limits as a list: first what is closed and until when, then all warnings as one. */
export function limitList(language: Language, limits: readonly PublicLimit[]): Html {
  const texts = languages[language]
  const closing = limits.filter((limit) => limit.features.length > 0)
  const warned = limits.filter((limit) => limit.features.length === 0)
  const where = (limit: PublicLimit) => contextName(texts, limit.context, limit.contextTitle)
  return markup`<ul class="list">${closing.map((limit) => limitLine(language, limit, where(limit)))}${
    warned.length > 0 && markup`<li><strong>${warned.map(where).join(', ')}</strong><br>${texts.warning}</li>`
  }</ul>`
}

function limitLine(language: Language, limit: PublicLimit, where: string): Html {
  const texts = languages[language]
  const what = limit.features.includes('*')
    ? texts.everything
    : limit.features.map((feature) => featureName(texts, feature)).join(', ')
  const end = limit.untilMs === undefined ? texts.noEnd : fill(texts.until, { when: moment(language, limit.untilMs) })
  const { reason } = limit
  return markup`<li><strong>${where}</strong><br>
${texts.notPossible}: ${what}<br>
<span class="mark">${end}</span>${
    reason !== undefined && markup`<br><span class="soft" dir="auto">${plain(reason, 500)}</span>`
  }</li>`
}

/** Where a decision stands, in one or two words. */
export function statusWord(texts: Messages, decision: PublicDecision): string {
  if (decision.status === 'reversed') return texts.takenBack
  if (decision.appeal !== undefined && decision.appeal.outcome === undefined) return texts.appealRunning
  if (decision.status === 'modified') return texts.changed
  return decision.status === 'over' ? texts.over : texts.inForce
}

/** The page of an account: which limits hold until when, which decisions there are, what to do next. */
export function accountBody(language: Language, account: PublicAccount, links: Links): Html {
  const texts = languages[language]
  const name = account.displayName ?? account.actorId
  const appealable = account.decisions.some(({ appealRefusal }) => appealRefusal === undefined)
  const limits = account.limits.length === 0 ? markup`<p>${texts.noLimits}</p>` : limitList(language, account.limits)
  const decisions =
    account.decisions.length === 0
      ? markup`<p>${texts.noDecisions}</p>`
      : markup`<ul class="list">${account.decisions.map((decision) => decisionLine(language, decision, links))}</ul>`
  return markup`<h1>${texts.accountTitle}</h1>
<p class="soft">${texts.account}: ${theirs(name, 80)}</p>
<h2>${texts.limitsTitle}</h2>
${limits}
<h2>${texts.nextTitle}</h2>
<p>${appealable ? texts.nextAppeal : texts.nextNothing}</p>
<h2>${texts.decisionsTitle}</h2>
${decisions}`
}

function decisionLine(language: Language, decision: PublicDecision, links: Links): Html {
  const texts = languages[language]
  const { language: written, policyTitle } = decision.statement
  const href = `${links.base}/decisions/${encodeURIComponent(decision.decisionId)}${links.query}`
  const where = contextName(texts, decision.context, decision.contextTitle)
  return markup`<li><a href="${href}" lang="${plain(written, 35)}" dir="auto">${plain(policyTitle, 200)}</a><br>
<span class="soft">${where} · ${moment(language, decision.madeAtMs)}</span><br>
${statusWord(texts, decision)}</li>`
}
