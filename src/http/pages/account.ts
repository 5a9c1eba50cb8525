import type { PageAccount, PageDecision, PageLimit } from './data.ts'
import { html, plain, theirs, type Html } from './html.ts'
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

/** A limit in words: where, what is not possible, and until when. */
export function limitLine(language: Language, limit: PageLimit): Html {
  const texts = languages[language]
  const what = limit.features.includes('*')
    ? texts.everything
    : limit.features.map((feature) => featureName(texts, feature)).join(', ')
  const end = limit.untilMs === undefined ? texts.noEnd : fill(texts.until, { when: moment(language, limit.untilMs) })
  return html`<li>
    <strong>${contextName(texts, limit.context, limit.contextTitle)}</strong><br />${
      limit.features.length === 0
        ? texts.warning
        : html`${texts.notPossible}: ${what}<br /><span class="mark">${end}</span>`
    }
  </li>`
}

/** Where a decision stands, in one or two words. */
export function statusWord(texts: Messages, decision: PageDecision): string {
  if (decision.status === 'reversed') return texts.takenBack
  if (decision.appeal !== undefined && decision.appeal.outcome === undefined) return texts.appealRunning
  if (decision.status === 'modified') return texts.changed
  return decision.status === 'over' ? texts.over : texts.inForce
}

/** The page of an account: which limits hold until when, which decisions there are, what to do next. */
export function accountBody(language: Language, account: PageAccount, links: Links): Html {
  const texts = languages[language]
  const name = account.displayName ?? account.actorId
  const appealable = account.decisions.some(({ appealRefusal }) => appealRefusal === undefined)
  return html` <h1>${texts.accountTitle}</h1>
    <p class="soft">${texts.account}: ${theirs(name, 80)}</p>
    <h2>${texts.limitsTitle}</h2>
    ${
      account.limits.length === 0
        ? html`<p>${texts.noLimits}</p>`
        : html`<ul class="list">
            ${account.limits.map((limit) => limitLine(language, limit))}
          </ul>`
    }
    <h2>${texts.nextTitle}</h2>
    <p>${appealable ? texts.nextAppeal : texts.nextNothing}</p>
    <h2>${texts.decisionsTitle}</h2>
    ${
      account.decisions.length === 0
        ? html`<p>${texts.noDecisions}</p>`
        : html`<ul class="list">
            ${account.decisions.map((decision) => decisionLine(language, decision, links))}
          </ul>`
    }`
}

function decisionLine(language: Language, decision: PageDecision, links: Links): Html {
  const texts = languages[language]
  const href = `${links.base}/decisions/${encodeURIComponent(decision.decisionId)}${links.query}`
  return html`<li>
    <a href="${href}">${plain(decision.statement.policyTitle, 200)}</a><br />
    <span class="soft"
      >${contextName(texts, decision.context, decision.contextTitle)} · ${moment(language, decision.madeAtMs)}</span
    ><br />
    <span>${statusWord(texts, decision)}</span>
  </li>`
}
