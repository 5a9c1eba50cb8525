import type { StatementOfReasons } from '../../domain/entry.ts'
import { contextName, limitLine, statusWord, type Links } from './account.ts'
import type { PageDecision } from './data.ts'
import { html, plain, theirs, webLink, type Html } from './html.ts'
import type { Messages } from './message-type.ts'
import { fill, languages, moment, type Language } from './messages.ts'

export const appealTextLengthMax = 5_000

/** One decision as the affected person sees it: DSA Art. 17(3), in plain words and in this order. */
export function decisionBody(
  language: Language,
  decision: PageDecision,
  links: Links,
  nowMs: number,
  justFiled: boolean,
): Html {
  const texts = languages[language]
  const { statement } = decision
  const where = contextName(texts, decision.context, decision.contextTitle)
  const reversed = decision.status === 'reversed'
  const rule = webLink(statement.policyUrl)
  return html` <p><a href="${links.base}${links.query}">${texts.backToAccount}</a></p>
    <h1>${texts.decisionTitle}</h1>
    ${justFiled && decision.appeal !== undefined && html`<div class="panel" role="status"><strong>${texts.doneTitle}</strong><br />${texts.doneText}</div>`}
    <p class="soft">${texts.decidedOn}: ${moment(language, decision.madeAtMs)}<br />${statusWord(texts, decision)}</p>
    ${outcomePanel(language, decision)}
    <h2>${texts.whatTitle}</h2>
    <p>${fill(decision.removedItem ? texts.whatRemoved : texts.whatDecided, { where })}</p>
    ${reversed && html`<p>${texts.whatTakenBack}</p>`}
    ${decision.removedItem && decision.restoredItem && html`<p>${texts.whatRestored}</p>`}
    ${
      decision.excerpt !== undefined &&
      decision.excerpt !== '' &&
      html`<p>${texts.yourWords}:</p>
        <blockquote dir="auto">${theirs(decision.excerpt, 1_000)}</blockquote>`
    }
    <h2>${texts.followsTitle}</h2>
    ${
      decision.limits.length === 0
        ? html`<p>${texts.followsNothing}</p>`
        : html`<ul class="list">
            ${decision.limits.map((limit) => limitLine(language, limit))}
          </ul>`
    }
    <h2>${texts.whyTitle}</h2>
    <p>${texts.whyRule}</p>
    <blockquote lang="${plain(statement.language, 35)}" dir="auto">
      <strong>${plain(statement.policyTitle, 200)}</strong> ${plain(statement.policyText, 5_000)}
    </blockquote>
    <p>${statement.legalGround === 'ILLEGAL_CONTENT' ? texts.groundLaw : texts.groundTerms}</p>
    ${rule !== undefined && html`<p><a href="${rule}" rel="noreferrer noopener">${texts.readRule}</a></p>`}
    ${
      statement.facts.trim() !== '' &&
      html`<h2>${texts.factsTitle}</h2>
        <p lang="${plain(statement.language, 35)}" dir="auto">${plain(statement.facts, 5_000)}</p>`
    }
    <h2>${texts.howTitle}</h2>
    <p>${foundWords(texts, statement)} ${decidedWords(texts, statement)}</p>
    ${appealPart(language, decision, links, nowMs)}
    <p class="soft">${texts.numberOfDecision}: ${decision.decisionId}</p>`
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

function outcomePanel(language: Language, { appeal, statement }: PageDecision): Html | false {
  const texts = languages[language]
  if (appeal?.outcome === undefined) return false
  const reason = appeal.reason?.trim() ?? ''
  return html`<div class="panel">
    <p><strong>${texts[appeal.outcome]}</strong></p>
    ${appeal.decidedAtMs !== undefined && html`<p class="soft">${moment(language, appeal.decidedAtMs)}</p>`}
    ${reason !== '' && html`<p>${texts.outcomeReason}: <span dir="auto">${plain(reason, 5_000)}</span></p>`}
    ${statement.correction !== undefined && html`<p>${texts.correctionTitle}: <span lang="${plain(statement.language, 35)}" dir="auto">${plain(statement.correction, 5_000)}</span></p>`}
  </div>`
}

function appealPart(language: Language, decision: PageDecision, links: Links, nowMs: number): Html | false {
  const texts = languages[language]
  const { appeal } = decision
  if (decision.status === 'reversed') return false
  const until = { when: moment(language, decision.statement.appealUntilMs) }
  const inner = (): Html => {
    if (appeal !== undefined)
      return html`<p>${fill(texts.appealAsked, { when: moment(language, appeal.filedAtMs) })}</p>
        ${appeal.outcome === undefined && html`<p>${texts.appealWho} ${texts.appealAnswerHere}</p>`}`
    if (decision.appealRefusal === 'window-closed' || nowMs >= decision.statement.appealUntilMs)
      return html`<p>${fill(texts.appealTooLate, until)}</p>`
    if (decision.appealRefusal !== undefined) return html`<p>${texts.appealRefused}</p>`
    const href = `${links.base}/decisions/${encodeURIComponent(decision.decisionId)}/appeal${links.query}`
    return html`<p>${texts.appealWho} ${fill(texts.appealUntil, until)}</p>
      <p><a class="button" href="${href}">${texts.appealButton}</a></p>`
  }
  return html`<h2>${texts.appealTitle}</h2>
    ${inner()}
    <p class="soft">${texts.otherWays}</p>`
}

export type FormState = { text: string; problem?: 'too-long' | 'stale'; formToken: string }

/** The form in which a person asks to look again. It needs no script; an error leaves the words where they are. */
export function appealFormBody(language: Language, decision: PageDecision, links: Links, form: FormState): Html {
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
  return html` <p><a href="${back}${links.query}">${texts.decisionTitle}</a></p>
    <h1>${texts.appealTitle}</h1>
    <p>${texts.formLead}</p>
    <p>${texts.appealWho} ${fill(texts.appealUntil, { when: moment(language, decision.statement.appealUntilMs) })}</p>
    ${problem !== undefined && html`<div class="panel" role="alert"><strong id="problem">${problem}</strong></div>`}
    <form method="post" action="${back}/appeal${links.query}" accept-charset="utf-8">
      <input type="hidden" name="form" value="${form.formToken}" />
      <label for="text">${fill(texts.formLabel, { max })}</label>
      <textarea
        id="text"
        name="text"
        maxlength="${appealTextLengthMax}"
        dir="auto"
        aria-describedby="${problem === undefined ? 'privacy' : 'problem privacy'}"
      >
${form.text.slice(0, appealTextLengthMax * 4)}</textarea>
      <p class="soft" id="privacy">${texts.formPrivacy}</p>
      <p><button type="submit">${texts.formSend}</button></p>
    </form>`
}

/** A page that only says something: a dead link, an unknown decision, a failure of ours. */
export function messageBody(title: string, text: string): Html {
  return html`<h1>${title}</h1>
    <p>${text}</p>`
}
