import type { MatchRef } from '../domain/entry.ts'
import { turnText } from '../domain/plain-words.ts'
import type { Signal } from '../domain/signal.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { Match, SimilarityJudgement } from './lookup.ts'
import type { MatchedPart } from './signal-types/signal-type.ts'

const rounded = (value: number) => Math.round(value * 1_000) / 1_000

const signalNames: Record<MatchedPart['kind'], string> = {
  photo: 'match.media',
  video: 'match.media',
  audio: 'match.media',
  text: 'match.text',
  link: 'match.link',
}

function placeOf(part: MatchedPart): Record<string, string | number> {
  if (part.kind === 'text') return { start: part.start, end: part.end }
  if (part.kind === 'link') return { linkIndex: part.index }
  return {
    mediaKind: part.kind,
    mediaIndex: part.index,
    ...(part.mediaSha256 === undefined ? {} : { mediaSha256: part.mediaSha256 }),
  }
}

/** A judgement as the ledger keeps it: three digits, and only features that say something. */
function inShort({ probability, base, contributions, ...rest }: SimilarityJudgement): Record<string, unknown> {
  return {
    ...rest,
    probability: rounded(probability),
    base: rounded(base),
    contributions: contributions
      .filter(({ logOdds }) => Math.abs(logOdds) >= 0.0005)
      .map((part) => ({ ...part, logOdds: rounded(part.logOdds) })),
  }
}

/**
 * Matches as signals on a subject, each saying which entry of which bank it rests on and how near it is. Signals enter
 * the ledger, which keeps them for good: they say where in a text the match lies, never what the person wrote there.
 */
export function signalsOfMatches(matches: readonly Match[], subject: SubjectRef): Signal[] {
  return matches.map((match) => {
    const where = `entry ${match.entryId} of bank "${match.bank.name}"`
    const turned = match.transformation === undefined ? '' : `, ${turnText(match.transformation)}`
    return {
      name: signalNames[match.part.kind],
      subject,
      value: rounded(match.similarity),
      confidence: rounded(match.confidence),
      because:
        match.part.kind === 'text'
          ? `characters ${match.part.start} to ${match.part.end} of the text: ${match.described} as ${where}`
          : `${match.described} from ${where}${turned}`,
      version: match.version,
      evidence: {
        bankId: match.bank.id,
        bankName: match.bank.name,
        bankAction: match.bank.action,
        entryId: match.entryId,
        signalType: match.signalType,
        distance: match.distance,
        threshold: match.threshold,
        labels: match.labels,
        ...(match.review === undefined ? {} : { review: match.review }),
        ...(match.quality === undefined ? {} : { quality: match.quality }),
        ...(match.transformation === undefined ? {} : { transformation: match.transformation }),
        ...placeOf(match.part),
        ...(match.pair === undefined ? {} : { pair: match.pair }),
        ...(match.judgements === undefined || match.judgements.length === 0
          ? {}
          : { judgements: match.judgements.map(inShort) }),
      },
    }
  })
}

/** What a proposal or decision carries along so that an overturn reaches the bank entry; undefined for other signals. */
export function matchRefOf(signal: Signal): MatchRef | undefined {
  const evidence = signal.evidence as Partial<MatchRef> | undefined
  if (!signal.name.startsWith('match.') || evidence?.bankId === undefined || evidence.entryId === undefined)
    return undefined
  return {
    bankId: evidence.bankId,
    entryId: evidence.entryId,
    signalType: evidence.signalType!,
    distance: evidence.distance!,
    threshold: evidence.threshold!,
    ...(evidence.mediaSha256 === undefined ? {} : { mediaSha256: evidence.mediaSha256 }),
    ...(evidence.review === undefined ? {} : { review: evidence.review }),
  }
}
