import type { Reason, Signal } from './signal.ts'
import type { SubjectRef } from './subject.ts'

/** Who made a ledger entry. Automation is judged from the whole chain, not from this alone. */
export type Author =
  | { kind: 'person'; id: string; role?: string }
  | { kind: 'rule'; id: string; version: number }
  | { kind: 'policy'; id: string; version: number }
  | { kind: 'model'; id: string; version: string }
  | { kind: 'platform'; id: string }
  | { kind: 'system'; part: string }

/** How much of a judgement was automatic: the weakest link of its chain decides. */
export type Automation = 'none' | 'partial' | 'full'

/** Severity of a violation: 1 minor to 4 egregious. */
export type Severity = 1 | 2 | 3 | 4

/** What a rule saw when it proposed something: enough to evaluate the same rule version again to the same result. */
export type Facts = {
  eventId: string
  signals: Signal[]
  /** Feature values as read, by feature name. */
  features: Record<string, number | string | boolean | null>
  labels: Record<string, string[]>
  lists: Record<string, boolean>
}

/** Where a matched piece of known content comes from; carried along so that an overturn reaches the bank entry. */
export type MatchRef = {
  bankId: string
  entryId: string
  signalType: string
  distance: number
  threshold: number
  mediaSha256?: string
  /** Why a person looks at it although a rule would decide: the entry is held, or its bank is sampled. */
  review?: string
}

export type ViolationProposal = {
  eventId: string
  rule: { id: string; version: number }
  violation: string
  severity: Severity
  context: string
  confidence: number
  actorId: string
  itemId?: string
  threadId?: string
  occurredAtMs: number
  /** When it was found, where that was later than it happened: decides whether it was too old to count. */
  foundAtMs?: number
  /** `auto` becomes a decision at once; `review` waits for a person. */
  route: 'auto' | 'review'
  match?: MatchRef
  facts: Facts
  /** Language of the person concerned; English when unknown. */
  language?: string
  /** When the item was posted, if long before the event. */
  itemCreatedAtMs?: number
  /** Items found in one batch carry one key and count as one strike. */
  dedupeKey?: string
  role?: string
  /** 0 to 1; 1 unless said. */
  attribution?: number
  /** False for accounts without contact details: they get no notice. */
  reachable?: boolean
  /** Who drew attention to it, where that was a notice; voluntary detection unless said. */
  sourceType?: StatementOfReasons['sourceType']
}

/** By what something came to be decided, as the affected person is told it. */
export type Finding = 'picture' | 'text' | 'activity' | 'check' | 'report' | 'person'

/** The statement of reasons shown to the affected person and exported under the DSA. */
export type StatementOfReasons = {
  language: string
  violation: string
  policyTitle: string
  policyText: string
  policyUrl?: string
  legalGround: 'ILLEGAL_CONTENT' | 'INCOMPATIBLE_CONTENT'
  /** What happened, without personal data. At most 5,000 characters. */
  facts: string
  /** What `facts` was put together from, so that it can be said in another language; absent where a person wrote it. */
  findings?: Finding[]
  context: string
  automatedDetection: boolean
  automatedDecision: 'FULLY' | 'PARTIALLY' | 'NOT_AUTOMATED'
  sourceType: 'ARTICLE_16' | 'VOLUNTARY' | 'TRUSTED_FLAGGER' | 'TYPE_OTHER_NOTIFICATION'
  appealUntilMs: number
  /** Set once an appeal changed the decision. */
  correction?: string
}

export type DecisionBody = {
  /** The same as the id of the decision.made entry. */
  decisionId: string
  violation: string
  severity: Severity
  context: string
  policyVersion: number
  actorId: string
  itemId?: string
  threadId?: string
  eventId?: string
  /** When the violation happened (event time), and when the item was posted, if another time. */
  occurredAtMs: number
  itemCreatedAtMs?: number
  /** When the item was found, if not when the violation happened: decides whether it was too old to count. */
  foundAtMs?: number
  /** 0 to 1: how much of the violation is this actor's. 1 for the author. */
  attribution: number
  /** 0 to 1: confidence in the attribution; below the policy's limit no points fall. */
  attributionConfidence: number
  role?: string
  /** Items removed in one batch may count as one strike. */
  dedupeKey?: string
  proposalEntryId?: string
  jobId?: string
  rule?: { id: string; version: number }
  match?: MatchRef
  /** Whether the item is removed with this decision. */
  removesItem: boolean
  egregious?: boolean
  statement: StatementOfReasons
}

/** What a reviewer may answer, by the question of the job; any job may be escalated. */
export const verdicts = {
  violation: ['violation', 'no_violation', 'escalate'],
  appeal: ['uphold', 'overturn', 'modify', 'escalate'],
  remedy: ['reverse', 'keep', 'escalate'],
} as const
export type Question = keyof typeof verdicts
export type Verdict = (typeof verdicts)[Question][number]

export type VerdictBody = {
  jobId: string
  verdict: Verdict
  violation?: string
  severity?: Severity
  note?: string
}

export type AppealOutcome = 'upheld' | 'overturned' | 'modified'

/** What a bank is set to. Fields that came later are left out where they are as they were before there were any. */
export type BankSettings = {
  purpose: string
  action: string
  thresholds: Record<string, number>
  enabled?: boolean
  owner?: string | null
  sharing?: BankSharing
  sampling?: BankSampling
  expiresMs?: number | null
  ageOutDays?: number | null
}
/** Which other tenants of the installation may subscribe: none, those listed, or all. */
export type BankSharing = { with: 'nobody' | 'listed' | 'everyone'; tenants: string[] }
/** Shares from 0 to 1: of matches that a person sees although a rule would decide, and of content that is looked up. */
export type BankSampling = { reviewShare: number; trafficShare: number }

/** A new entry of a bank. */
export type BankEntryBody = {
  entryId: string
  signals: Record<string, string>
  quality?: number
  mediaSha256?: string
  text?: string
  labels: string[]
  source: string
  note?: string
  metadata?: Record<string, unknown>
  /** Which exchange it came by, from whom, when it was fetched, and how it is tagged there. */
  exchange?: Record<string, unknown>
  expiresMs?: number
  /** Does not match before it goes live. */
  draft?: boolean
  importId?: string
}

/** The body of each kind of ledger entry. Systems extend this map when they add a kind. */
export type EntryBodies = {
  'signal.recorded': { eventId: string; signals: Signal[] }
  /** An event that could not be judged, after several tries; it is kept, shown, and can be judged again. */
  'event.parked': { eventId: string; error: string }
  'label.applied': { label: string; expiresAtMs?: number; eventId?: string }
  'label.removed': { label: string; how: 'expired' | 'person' | 'remedy' }
  'violation.proposed': ViolationProposal
  'violation.confirmed': { proposalEntryId: string; jobId?: string }
  'violation.dismissed': { proposalEntryId: string; jobId?: string }
  'decision.made': DecisionBody
  'decision.modified': {
    decisionId: string
    severity?: Severity
    violation?: string
    appealId?: string
    statement: StatementOfReasons
  }
  'decision.reversed': { decisionId: string; appealId?: string; reason: string; statement: StatementOfReasons }
  'training.completed': { actorId: string; violation: string }
  /** Points and level per context after something changed them; for timelines and screens. */
  'standing.changed': {
    actorId: string
    contexts: Record<string, { points: number; own: number; spilled: number; level: number; action: string }>
  }
  'consequence.started': {
    consequenceId: string
    actorId: string
    context: string
    action: string
    level: number
    features: string[]
    fromMs: number
    untilMs?: number
    causes: string[]
    arithmetic: string
  }
  'consequence.ended': {
    consequenceId: string
    actorId: string
    context: string
    how: 'expired' | 'reversed' | 'superseded'
  }
  'gate.closed': {
    gateId: string
    actorId: string
    feature: string
    context: string
    untilMs?: number
    consequenceId?: string
    reason: string
  }
  'gate.opened': {
    gateId: string
    actorId: string
    feature: string
    context: string
    how: 'expired' | 'reversed' | 'person'
  }
  'item.removed': { itemId: string; decisionId: string }
  'item.restored': { itemId: string; decisionId: string }
  'thread.restricted': { threadId: string; decisionId: string }
  'thread.released': { threadId: string; decisionId: string }
  'job.created': {
    jobId: string
    queue: string
    question: Question
    priority: number
    eventId?: string
    actorId?: string
    itemId?: string
    proposalEntryId?: string
    appealId?: string
    decisionId?: string
    /** People who must not take this job: they made the decision under appeal. */
    excludedPeople: string[]
    dueAtMs?: number
    /** What is asked, for lists: the violation and severity that were proposed. */
    violation?: string
    severity?: Severity
  }
  /** Another proposal about the same item and actor joins a job that is still open: nobody is shown one post twice. */
  'job.merged': {
    jobId: string
    queue: string
    proposalEntryId: string
    priority: number
    eventId?: string
    violation?: string
    severity?: Severity
  }
  'job.claimed': { jobId: string; personId: string; untilMs: number }
  'job.skipped': { jobId: string; personId: string; reason: string }
  /** Given back undecided; unlike a skip, it may be offered to the same person again. */
  'job.released': { jobId: string; personId: string }
  'job.decided': VerdictBody & { personId: string; handlingMs: number }
  'job.withdrawn': { jobId: string; reason: string }
  'queue.configured': {
    queue: string
    title: string
    /** Scope that a person must hold to decide its jobs. */
    needs: string
    /** Time within which a job of this queue should be decided; none when undefined. */
    slaMs?: number
    /** Jobs with less time left than this go before all others. */
    rushMs: number
  }
  'appeal.filed': {
    appealId: string
    decisionId: string
    appellantId: string
    relation: 'self' | 'co_admin' | 'delegate' | 'notifier'
    /** Reference into the vault: the words of the person are personal data. */
    statementRef?: string
    language: string
  }
  'appeal.assigned': { appealId: string; personId: string }
  'appeal.decided': {
    appealId: string
    decisionId: string
    outcome: AppealOutcome
    personId: string
    severity?: Severity
    reason: string
  }
  'bank.created': BankSettings & { bankId: string; name: string; negative: boolean }
  'bank.updated': Partial<BankSettings> & { bankId: string; name?: string }
  'bank.entry_added': BankEntryBody & { bankId: string }
  /** Many at once, of an import or an exchange: up to 1,000 in one ledger entry. */
  'bank.entries_added': { bankId: string; importId?: string; entries: BankEntryBody[] }
  'bank.entry_went_live': { bankId: string; entryId: string; reason: string }
  /** Held `silent` it does not match; held for `review`, what it matches goes to a person. Silent unless said. */
  'bank.entry_quarantined': {
    bankId: string
    entryId: string
    reason: string
    decisionIds: string[]
    hold?: 'silent' | 'review'
  }
  'bank.entry_released': { bankId: string; entryId: string; reason: string }
  'bank.entry_retired': { bankId: string; entryId: string; reason: string }
  'bank.entry_edited': {
    bankId: string
    entryId: string
    labels?: string[]
    source?: string
    note?: string | null
    metadata?: Record<string, unknown>
    exchange?: Record<string, unknown> | null
    expiresMs?: number | null
  }
  'bank.entry_moved': { bankId: string; entryId: string; toBankId: string; reason: string }
  'bank.entry_confirmed': { bankId: string; entryId: string; reason: string }
  'bank.entry_disputed': { bankId: string; entryId: string; reason: string }
  'bank.entries_merged': { bankId: string; mergeId: string; entryId: string; retiredIds: string[]; reason: string }
  /** `partedIds`: what the merge had retired; missing in what was recorded before 0.2. */
  'bank.entries_unmerged': { bankId: string; mergeId: string; entryId: string; partedIds?: string[]; reason: string }
  'bank.import_undone': { bankId: string; importId: string; reason: string }
  'bank.import_went_live': { bankId: string; importId: string; reason: string }
  /** In the ledger of the tenant that subscribes. */
  'bank.subscribed': {
    bankId: string
    ownerTenantId: string
    thresholds: Record<string, number>
    action: string | null
    enabled: boolean
  }
  'bank.unsubscribed': { bankId: string; ownerTenantId: string }
  'bank.canary_set': {
    canaryId: string
    bankId: string
    entryId?: string
    expects: 'match' | 'no-match'
    signals: Record<string, string>
    mediaSha256?: string
    text?: string
    note: string
  }
  'bank.canary_removed': { canaryId: string; bankId: string }
  'bank.canary_checked': { canaryId: string; bankId: string; state: 'ok' | 'failing'; because: string }
  /** An entry is applied to past items: proposals or jobs for each follow from this. */
  'retro.applied': {
    batchId: string
    bankId: string
    entryId: string
    items: number
    route: 'review' | 'auto'
    violation?: string
    severity?: Severity
  }
  'retro.undone': { batchId: string; bankId: string; entryId: string; items: number; reason: string }
  /** A person compared a piece of content with a bank entry: whether both are the same content. */
  'match.pair_judged': { pairId: string; entryId: string; same: boolean }
  'match.classifier_trained': {
    classifierId: string
    scope: string
    version: number
    /** Shapes and weights, and how it did on pairs that it had not seen; as `match/similarity` makes and reads them. */
    model: unknown
    report: unknown
  }
  'match.classifier_moved': { classifierId: string; mode: 'shadow' | 'live' | 'retired'; reason: string }
  'rule.published': { ruleId: string; version: number; mode: 'live' | 'shadow' | 'off'; text: string; sha256: string }
  'rule.rolled_back': { ruleId: string; version: number; toVersion: number }
  'rule.tripped': { ruleId: string; version: number; reason: string }
  'rule.mode_changed': {
    ruleId: string
    version: number
    mode: 'live' | 'shadow' | 'off'
    before: 'live' | 'shadow' | 'off'
  }
  'policy.published': { policyId: string; version: number; text: string; sha256: string; effectiveFromMs: number }
  'settings.changed': { changes: Record<string, { before: unknown; after: unknown }> }
  'person.viewed_sensitive': { personId: string; mediaSha256?: string; jobId?: string; what: string }
  'person.erased': { actorId: string; eventsErased: number }
}
export type EntryKind = keyof EntryBodies

/** A ledger entry before it is written. */
export type NewEntry<Kind extends EntryKind = EntryKind> = {
  [K in Kind]: {
    /** Given when other entries of the same batch refer to it or when a redelivery must find it; else made on append. */
    id?: string
    kind: K
    subject: SubjectRef
    /** When it happened (event time); the time of recording is set on append. */
    occurredAtMs: number
    /** The event or entry that it follows from. */
    cause?: string
    author: Author
    automation: Automation
    because: Reason[]
    body: EntryBodies[K]
    /** The same key never enters the ledger twice for a tenant: event id, rule and version, for effects of rules. */
    effectKey?: string
  }
}[Kind]

/** An entry as it stands in the ledger. Sequence and hash are set once it is sealed. */
export type LedgerEntry<Kind extends EntryKind = EntryKind> = NewEntry<Kind> & {
  id: string
  tenantId: string
  recordedAtMs: number
  sequence?: number
  hash?: string
}
