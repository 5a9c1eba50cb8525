import type { StatementOfReasons } from '../../domain/entry.ts'
import { contextName, limitList, statusWord, type Links } from './account.ts'
import type { PublicDecision } from '../../flows/public-account.ts'
import { markup, plain, theirs, webLink, type Html } from './html.ts'
import type { Messages } from './message-type.ts'
import { fill, languages, moment, type Language } from './messages.ts'

export const appealTextLengthMax = 5_000

/** One decision as the affected person sees it: DSA Art. 17(3), in plain words and in this order. */
export function decisionBody(
  language: Language,
  decision: PublicDecision,
  links: Links,
  nowMs: number,
  justFiled: boolean,
): Html {
  const texts = languages[language]
  const { statement, excerpt = '' } = decision
  const where = contextName(texts, decision.context, decision.contextTitle)
  const link = webLink(statement.policyUrl)
  const facts = statement.facts.trim()
  return markup`<p><a href="${links.base}${links.query}">${texts.backToAccount}</a></p>
<h1>${texts.decisionTitle}</h1>
${
  justFiled &&
  decision.appeal !== undefined &&
  markup`<div class="panel" role="status"><strong>${texts.doneTitle}</strong><br>${texts.doneText}</div>`
}
<p class="soft">${texts.decidedOn}: ${moment(language, decision.madeAtMs)}<br>${statusWord(texts, decision)}</p>
${outcomePanel(language, decision)}
<h2>${texts.whatTitle}</h2>
<p>${fill(decision.removedItem ? texts.whatRemoved : texts.whatDecided, { where })}</p>
${decision.status === 'reversed' && markup`<p>${texts.whatTakenBack}</p>`}
${decision.restoredItem && markup`<p>${texts.whatRestored}</p>`}
${excerpt !== '' && markup`<p>${texts.yourWords}:</p><blockquote dir="auto">${theirs(excerpt, 1_000)}</blockquote>`}
<h2>${texts.followsTitle}</h2>
${decision.limits.length === 0 ? markup`<p>${texts.followsNothing}</p>` : limitList(language, decision.limits)}
<h2>${texts.whyTitle}</h2>
<p>${texts.whyRule}</p>
<blockquote ${inLanguage(statement.language)}><strong>${plain(statement.policyTitle, 200)}</strong>
${plain(statement.policyText, 5_000)}</blockquote>
<p>${statement.legalGround === 'ILLEGAL_CONTENT' ? texts.groundLaw : texts.groundTerms}</p>
${link !== undefined && markup`<p><a href="${link}" rel="noreferrer noopener">${texts.readRule}</a></p>`}
${facts !== '' && markup`<h2>${texts.factsTitle}</h2><p ${statement.findings === undefined ? inLanguage(statement.language) : markup`dir="auto"`}>${plain(facts, 5_000)}</p>`}
<h2>${texts.howTitle}</h2>
<p>${foundWords(texts, statement)} ${decidedWords(texts, statement)}</p>
${appealPart(language, decision, links, nowMs)}
<p class="soft">${texts.numberOfDecision}: ${decision.decisionId}</p>`
}

/** Attributes for words that are in a language of their own. */
function inLanguage(language: string): Html {
  return markup`lang="${plain(language, 35)}" dir="auto"`
}

function foundWords(texts: Messages, statement: StatementOfReasons): string {
  // Who reported comes first: it is what the law asks for, whatever else found it too.
  if (statement.sourceType !== 'VOLUNTARY') return texts.foundByReport
  return statement.automatedDetection ? texts.foundByComputer : texts.foundByPeople
}

function decidedWords(texts: Messages, statement: StatementOfReasons): string {
  return {
    FULLY: texts.decidedByComputer,
    PARTIALLY: texts.decidedPartly,
    NOT_AUTOMATED: texts.decidedByPerson,
  }[statement.automatedDecision]
}

function outcomePanel(language: Language, { appeal, statement }: PublicDecision): Html | false {
  const texts = languages[language]
  const { correction } = statement
  if (appeal?.outcome === undefined)
    return (
      correction !== undefined &&
      markup`<div class="panel"><p>${texts.correctionTitle}: <span ${inLanguage(statement.language)}>${plain(correction, 5_000)}</span></p></div>`
    )
  const reason = appeal.reason?.trim() ?? ''
  return markup`<div class="panel"><p><strong>${texts[appeal.outcome]}</strong></p>
${appeal.decidedAtMs !== undefined && markup`<p class="soft">${moment(language, appeal.decidedAtMs)}</p>`}
${reason !== '' && correction === undefined && markup`<p>${texts.outcomeReason}: <span dir="auto">${plain(reason, 5_000)}</span></p>`}
${
  correction !== undefined &&
  markup`<p>${texts.correctionTitle}: <span ${inLanguage(statement.language)}>${plain(correction, 5_000)}</span></p>`
}</div>`
}

function appealPart(language: Language, decision: PublicDecision, links: Links, nowMs: number): Html | false {
  const texts = languages[language]
  if (decision.status === 'reversed') return false
  return markup`<h2>${texts.appealTitle}</h2>
${appealWords(language, decision, links, nowMs)}
<p class="soft">${texts.otherWays}</p>`
}

function appealWords(language: Language, decision: PublicDecision, links: Links, nowMs: number): Html {
  const texts = languages[language]
  const { appeal, appealRefusal } = decision
  const until = { when: moment(language, decision.statement.appealUntilMs) }
  if (appeal !== undefined)
    return markup`<p>${fill(texts.appealAsked, { when: moment(language, appeal.filedAtMs) })}</p>
${appeal.outcome === undefined && markup`<p>${texts.appealWho} ${texts.appealAnswerHere}</p>`}`
  if (appealRefusal === 'window-closed' || nowMs >= decision.statement.appealUntilMs)
    return markup`<p>${fill(texts.appealTooLate, until)}</p>`
  if (appealRefusal !== undefined) return markup`<p>${texts.appealRefused}</p>`
  const href = `${links.base}/decisions/${encodeURIComponent(decision.decisionId)}/appeal${links.query}`
  return markup`<p>${texts.appealWho} ${fill(texts.appealUntil, until)}</p>
<p><a class="button" href="${href}">${texts.appealButton}</a></p>`
}

export type FormState = { text: string; problem?: 'too-long' | 'stale'; formToken: string }

/** The form in which a person asks to look again. It needs no script; an error leaves the words where they are. */
export function appealFormBody(language: Language, decision: PublicDecision, links: Links, form: FormState): Html {
  const texts = languages[language]
  const number = new Intl.NumberFormat(language)
  const max = number.format(appealTextLengthMax)
  const back = `${links.base}/decisions/${encodeURIComponent(decision.decisionId)}`
  const problem =
    form.problem === 'too-long'
      ? fill(texts.formTooLong, { count: number.format(form.text.length), max })
      : form.problem === 'stale'
        ? texts.formStale
        : undefined
  const described = problem === undefined ? 'privacy' : 'problem privacy'
  return markup`<p><a href="${back}${links.query}">${texts.decisionTitle}</a></p>
<h1>${texts.appealTitle}</h1>
<p>${texts.formLead}</p>
<p>${texts.appealWho} ${fill(texts.appealUntil, { when: moment(language, decision.statement.appealUntilMs) })}</p>
${problem !== undefined && markup`<div class="panel" role="alert"><strong id="problem">${problem}</strong></div>`}
<form method="post" action="${back}/appeal${links.query}" accept-charset="utf-8">
<input type="hidden" name="form" value="${form.formToken}">
<label for="text">${fill(texts.formLabel, { max })}</label>
<textarea id="text" name="text" maxlength="${appealTextLengthMax}" dir="auto" aria-describedby="${described}">
${form.text.slice(0, appealTextLengthMax * 4)}</textarea>
<p class="soft" id="privacy">${texts.formPrivacy}</p>
<p><button type="submit">${texts.formSend}</button></p>
</form>`
}

/** A page that only says something: a dead link, an unknown decision, a failure of ours. */
export function messageBody(title: string, text: string): Html {
  return markup`<h1>${title}</h1>
<p>${text}</p>`
}
