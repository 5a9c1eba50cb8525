import type { AttributionRole, GateRule, Policy } from '../domain/policy.ts'
import type { History } from './standing.ts'

/** What one account had to do with a violating item. */
export type Part = {
  actorId: string
  /** As of the item's time; see `roleAt`. */
  role: AttributionRole
  /** What a quoter makes of what they quote. */
  stance?: 'endorses' | 'objects'
  /** Whether an admin or owner saw this item and let it through. */
  approved?: boolean
  /** 0 to 1; 1 unless said. */
  confidence?: number
}
export type Share = { actorId: string; role: AttributionRole; weight: number; confidence: number; because: string }
export type Attribution = {
  /** Who answers for the violation, and how much of its points each gets. */
  shares: Share[]
  /** Shares too uncertain to cost anything before a person looked. */
  review: Share[]
  /** Whether the thread itself answers too: an admin let the item through. */
  threadAnswers: boolean
}

/** Shares a violation out to those who took part, each once, in their heaviest part. */
export function attribute(parts: readonly Part[], policy: Policy): Attribution {
  const heaviest = new Map<string, Share>()
  let threadAnswers = false
  for (const part of parts) {
    const share = shareOf(part, policy)
    if (share.role === 'approver') threadAnswers = true
    const before = heaviest.get(part.actorId)
    if (share.weight > 0 && (before === undefined || share.weight > before.weight)) heaviest.set(part.actorId, share)
  }
  return { ...sorted([...heaviest.values()], policy), threadAnswers }
}

function shareOf(part: Part, policy: Policy): Share {
  const { actorId, confidence = 1 } = part
  const approved = part.approved === true && (part.role === 'admin' || part.role === 'owner')
  const role = approved ? 'approver' : part.role
  const share = (weight: number, because: string): Share => ({ actorId, role, weight, confidence, because })
  if (part.role === 'quoter' && part.stance === 'objects') return share(0, 'quoted it to object to it')
  return share(policy.attribution.roles[role], approved ? `approved it as ${part.role}` : `took part as ${role}`)
}

function sorted(shares: Share[], policy: Policy): { shares: Share[]; review: Share[] } {
  const sure = (share: Share) => share.confidence >= policy.attribution.confidenceMin
  return { shares: shares.filter(sure), review: shares.filter((share) => !sure(share)) }
}

/** What is known about a generated output that may violate. */
export type Generation = {
  prompterId: string
  promptViolates: boolean
  outputViolates: boolean
  /** The model declined. */
  refused: boolean
  /** Intent per turn, 0 to 1, for conversations that work towards a violation step by step. */
  turnIntents?: number[]
  character?: { creatorId: string; writtenToViolate: boolean }
  confidence?: number
}
export type GenerationAttribution = {
  shares: Share[]
  review: Share[]
  /** The model did it by itself: an incident for its makers. */
  modelIncident: boolean
  removesOutput: boolean
  /** Turns (from 0) that show the intent. */
  evidenceTurns: number[]
}

/** From this intent on a single turn is evidence of its own. */
const turnIntentMin = 0.2

/** Shares a generated violation out between the person who asked, the maker of the character, and the model. */
export function attributeGeneration(generation: Generation, policy: Policy): GenerationAttribution {
  const { roles, refusedAttempt } = policy.attribution
  const confidence = generation.confidence ?? 1
  const intents = generation.turnIntents ?? []
  // Turns are taken as independent hints: each halves, quarters, ... the doubt that is left.
  const cumulativeIntent = 1 - intents.reduce((doubt, intent) => doubt * (1 - intent), 1)
  const steered = intents.length > 0 && cumulativeIntent >= policy.attribution.confidenceMin
  const shares: Share[] = []
  if (generation.promptViolates || (generation.outputViolates && steered)) {
    shares.push({
      actorId: generation.prompterId,
      role: 'prompter',
      weight: roles.prompter * (generation.refused ? refusedAttempt : 1),
      confidence: generation.promptViolates ? confidence : Math.min(confidence, cumulativeIntent),
      because: generation.promptViolates
        ? generation.refused
          ? 'asked for it; the model refused'
          : 'asked for it'
        : `worked towards it over ${intents.length} turns`,
    })
  }
  if (generation.outputViolates && generation.character?.writtenToViolate === true)
    shares.push({
      actorId: generation.character.creatorId,
      role: 'character_creator',
      weight: roles.character_creator,
      confidence,
      because: 'wrote the character to violate',
    })
  const held = shares.filter((share) => share.weight > 0)
  return {
    ...sorted(held, policy),
    modelIncident: generation.outputViolates && shares.length === 0,
    removesOutput: generation.outputViolates,
    evidenceTurns: intents.flatMap((intent, turn) => (intent >= turnIntentMin ? [turn] : [])),
  }
}

/** The role somebody had in a thread at a moment, from their role changes in any order. */
export function roleAt(
  changes: readonly { atMs: number; role: AttributionRole }[],
  atMs: number,
): AttributionRole | undefined {
  let found: { atMs: number; role: AttributionRole } | undefined
  for (const change of changes)
    if (change.atMs <= atMs && (found === undefined || change.atMs >= found.atMs)) found = change
  return found?.role
}

export type ThreadJudgement = { act: boolean; action: string; tellsMembers: boolean; because: string }

/** Whether a thread itself is acted on: enough of its items violate, and (if the policy says so) all its admins do. */
export function judgeThread(
  thread: { items: number; violatingItems: number; admins: readonly { id: string; violated: boolean }[] },
  policy: Policy,
): ThreadJudgement {
  const { violatingShareMin, itemsMin, adminsAll, action } = policy.groups
  const share = thread.items === 0 ? 0 : thread.violatingItems / thread.items
  const violating = thread.admins.filter((admin) => admin.violated).length
  const because = `${thread.violatingItems} of ${thread.items} items violate (limit ${violatingShareMin * 100} %), ${violating} of ${thread.admins.length} admins`
  const enough = thread.items >= itemsMin && share > violatingShareMin
  const admins = !adminsAll || (thread.admins.length > 0 && violating === thread.admins.length)
  const act = enough && admins
  return { act, action: act ? action : 'none', tellsMembers: act, because }
}

/** Whether a risk gate is closed after a new risk. Between the two limits it stays as it was, so that it does not flap. */
export function gateAfter(rule: GateRule, closed: boolean, risk: number): boolean {
  return risk >= rule.closeAt ? true : risk <= rule.openAt ? false : closed
}

export type Link = { actorId: string; confidence: number; evidence: string[]; history: History }

/** The history that an account answers for: its own, and that of accounts shown to belong to the same person. */
export function withLinked(own: History, links: readonly Link[], policy: Policy): History {
  const shown = links.filter((link) => link.confidence >= policy.evasion.linkConfidenceMin && link.evidence.length > 0)
  return {
    strikes: [own, ...shown.map((link) => link.history)].flatMap((history) => history.strikes),
    trainings: [own, ...shown.map((link) => link.history)].flatMap((history) => history.trainings),
  }
}
