import type { Question, Verdict } from '../../../domain/entry.ts'
import type { JobView } from '../../../http/contract/jobs.ts'

export const questionWords = {
  violation: 'Is this a violation?',
  appeal: 'Does the decision hold?',
  remedy: 'Should this decision be reversed too?',
} satisfies Record<Question, string>

export const verdictWords = {
  violation: 'violation',
  no_violation: 'no violation',
  escalate: 'escalated',
  uphold: 'upheld',
  overturn: 'overturned',
  modify: 'modified',
  reverse: 'reversed',
  keep: 'kept',
} satisfies Record<Verdict, string>

/** What the reviewer has chosen so far. Nothing is sent before it is confirmed. */
export type Draft = { verdict: Verdict; violation?: string; severity?: 1 | 2 | 3 | 4 } | undefined

export type Choice = {
  key: string
  title: string
  detail?: string
  draft: NonNullable<Draft>
  severity?: number
}

/** The answers that a job offers, each with its key. The proposed violation comes first, so that 1 is the likely one. */
export function choicesOf(view: JobView): Choice[] {
  const { question } = view.job
  const escalate: Choice = {
    key: 'e',
    title: 'Escalate to senior review',
    draft: { verdict: 'escalate' },
  }
  if (question === 'appeal') {
    const current = (view.decision as { body?: { severity?: number } } | undefined)?.body?.severity
    return [
      {
        key: 'u',
        title: 'Uphold decision',
        detail: 'It was right; it stays.',
        draft: { verdict: 'uphold' },
      },
      {
        key: 'o',
        title: 'Overturn decision',
        detail: 'It was wrong; everything it caused is put back.',
        draft: { verdict: 'overturn' },
      },
      ...([1, 2, 3, 4] as const)
        .filter((severity) => current === undefined || severity < current)
        .map((severity): Choice => ({
          key: String(severity),
          title: `Modify decision to severity ${severity}`,
          detail: 'A violation, but a lesser one.',
          draft: { verdict: 'modify', severity },
          severity,
        })),
      escalate,
    ]
  }
  if (question === 'remedy')
    return [
      {
        key: 'r',
        title: 'Reverse decision',
        detail: 'It rests on the same mistake.',
        draft: { verdict: 'reverse' },
      },
      { key: 'k', title: 'Keep decision', detail: 'It stands on its own.', draft: { verdict: 'keep' } },
      escalate,
    ]
  const proposed = view.job.violation
  const sorted = [...view.policies].sort((a, b) => Number(b.violation === proposed) - Number(a.violation === proposed))
  return [
    ...sorted.map((policy, index): Choice => ({
      key: index < 10 ? String((index + 1) % 10) : '',
      title: policy.title,
      detail: policy.text,
      draft: { verdict: 'violation', violation: policy.violation, severity: policy.severity },
      severity: policy.severity,
    })),
    {
      key: 'n',
      title: 'No violation',
      detail: 'Nothing is done; the proposal is dismissed.',
      draft: { verdict: 'no_violation' },
    },
    escalate,
  ]
}

/** What the button does with the chosen answer, in words: verb and object. */
export function actText({ draft, title }: Choice): string {
  if (draft.verdict === 'no_violation') return 'Close: no violation'
  if (draft.verdict !== 'violation') return title
  // Capitals at the beginning of a sentence go; those of a name or an abbreviation stay.
  return `Decide: ${title.replace(/^\p{Lu}(?=\p{Ll}|\s)/u, (first) => first.toLowerCase())}`
}

export function sameDraft(a: Draft, b: Draft): boolean {
  return a?.verdict === b?.verdict && a?.violation === b?.violation && a?.severity === b?.severity
}

/** What the body of the verdict is: severity only where it changes the decision. */
export function verdictBody(draft: NonNullable<Draft>, note: string) {
  return {
    verdict: draft.verdict,
    ...(draft.verdict === 'violation' ? { violation: draft.violation } : {}),
    ...(draft.verdict === 'modify' ? { severity: draft.severity } : {}),
    ...(note.trim() === '' ? {} : { note: note.trim() }),
  }
}

/** Appeals and remedies are answered to a person: they need words. */
export function needsNote(question: Question, draft: Draft): boolean {
  return question !== 'violation' && draft !== undefined && draft.verdict !== 'escalate'
}
