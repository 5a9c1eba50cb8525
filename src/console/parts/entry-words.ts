import type { EntryBodies, EntryKind } from '../../domain/entry.ts'
import { countOf } from '../frame/time.ts'
import type { TimelineKind, TimelinePoint } from './Timeline.tsx'

type Words = { [Kind in EntryKind]?: (body: EntryBodies[Kind]) => string }

const all = (name: string, every: string) => (name === '*' ? every : name.replaceAll('_', ' '))
const ladder = (features: string[]) =>
  features.length === 0 ? '' : `: ${features.map((feature) => all(feature, 'all features')).join(', ')} closed`

// One plain sentence for each kind of ledger entry, the same on every screen.
const words: Words = {
  'signal.recorded': (body) =>
    `${body.signals.length === 1 ? 'Signal' : `${body.signals.length} signals`}: ${body.signals.map((signal) => signal.name).join(', ')}`,
  'label.applied': (body) => `Label “${body.label}” applied`,
  'label.removed': (body) => `Label “${body.label}” removed (${body.how})`,
  'violation.proposed': (body) =>
    `Violation proposed: ${body.violation}, s${body.severity}, ${body.route === 'auto' ? 'decided at once' : 'to a person'}`,
  'violation.confirmed': () => 'Proposed violation confirmed',
  'violation.dismissed': () => 'Proposed violation dismissed',
  'decision.made': (body) => `Decision: ${body.violation}, s${body.severity} in ${body.context}`,
  'decision.modified': (body) => `Decision modified${body.severity === undefined ? '' : ` to s${body.severity}`}`,
  'decision.reversed': (body) => `Decision reversed: ${body.reason}`,
  'consequence.started': (body) =>
    `${body.action.replaceAll('_', ' ')} in ${all(body.context, 'all contexts')}${ladder(body.features)}`,
  'consequence.ended': (body) => `Consequence ended in ${all(body.context, 'all contexts')} (${body.how})`,
  'gate.closed': (body) => `Closed: ${all(body.feature, 'all features')} in ${all(body.context, 'all contexts')}`,
  'gate.opened': (body) =>
    `Opened: ${all(body.feature, 'all features')} in ${all(body.context, 'all contexts')} (${body.how})`,
  'item.removed': () => 'Item removed',
  'item.restored': () => 'Item restored',
  'thread.restricted': () => 'Thread restricted',
  'thread.released': () => 'Thread released',
  'job.created': (body) => `Job for queue “${body.queue}”`,
  'job.claimed': (body) => `Job taken by ${body.personId}`,
  'job.skipped': (body) => `Job skipped: ${body.reason}`,
  'job.decided': (body) =>
    `Verdict: ${body.verdict.replaceAll('_', ' ')}${body.violation === undefined ? '' : `, ${body.violation}`}`,
  'job.withdrawn': (body) => `Job withdrawn: ${body.reason}`,
  'appeal.filed': (body) => `Appeal filed (${body.relation.replaceAll('_', ' ')})`,
  'appeal.assigned': (body) => `Appeal taken by ${body.personId}`,
  'appeal.decided': (body) => `Appeal ${body.outcome}`,
  'bank.created': (body) => `Bank “${body.name}” made`,
  'bank.updated': () => 'Bank changed',
  'bank.entry_added': () => 'Entry added to bank',
  'bank.entry_quarantined': (body) => `Bank entry quarantined: ${body.reason}`,
  'bank.entry_released': (body) => `Bank entry released: ${body.reason}`,
  'bank.entries_added': (body) => `${(body.entries as unknown[]).length} entries added to bank`,
  'bank.entry_went_live': () => 'Bank entry went live',
  'bank.entry_edited': () => 'Bank entry edited',
  'bank.entry_moved': () => 'Bank entry moved to another bank',
  'bank.entry_confirmed': () => 'Bank entry confirmed',
  'bank.entry_disputed': (body) => `Bank entry disputed: ${body.reason}`,
  'bank.entry_judged_by_teams': (body) =>
    `Other teams found ${body.right as number} of its matches right and ${body.wrong as number} wrong`,
  'bank.entries_merged': () => 'Bank entries merged',
  'bank.entries_unmerged': () => 'Merge of bank entries undone',
  'bank.import_undone': (body) => `Import undone: ${body.reason}`,
  'bank.import_went_live': () => 'Imported drafts went live',
  'bank.subscribed': () => 'Subscribed to the bank of another team',
  'bank.unsubscribed': () => 'Subscription to a bank ended',
  'bank.canary_set': () => 'Canary set',
  'bank.canary_removed': () => 'Canary taken away',
  'bank.canary_checked': (body) => (body.state === 'failing' ? `Canary failing: ${body.because}` : 'Canary is well'),
  'bank.entry_retired': (body) => `Bank entry retired: ${body.reason}`,
  'rule.published': (body) => `Rule ${body.ruleId} v${body.version} published (${body.mode})`,
  'rule.rolled_back': (body) => `Rule ${body.ruleId} rolled back to v${body.toVersion}`,
  'rule.tripped': (body) => `Rule ${body.ruleId} stopped itself: ${body.reason}`,
  'policy.published': (body) => `Policy ${body.policyId} v${body.version} published`,
  'settings.changed': (body) => `Settings changed: ${Object.keys(body.changes).join(', ')}`,
  'person.viewed_sensitive': (body) => `Sensitive content viewed: ${body.what}`,
  'person.erased': (body) => `Personal data erased (${countOf(body.eventsErased, 'event')})`,
}

/** What an entry says, in one plain sentence. */
export function entryText(entry: { kind: string; body: unknown }): string {
  const say = words[entry.kind as EntryKind] as ((body: unknown) => string) | undefined
  try {
    if (say !== undefined) return say(entry.body)
  } catch {
    // An entry of an older version may lack a field; its kind still says what it is.
  }
  return entry.kind.replace('.', ' ').replaceAll('_', ' ')
}

/**
 * `child_abuse` → `Child abuse`. A statement has the title of the policy in the language of the person, not of the reader,
 * so staff see the name of the violation.
 */
export function violationText(violation: string): string {
  return violation.replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase())
}

export function entryTone(kind: string): TimelinePoint['tone'] {
  if (/^(decision\.made|consequence\.started|gate\.closed|item\.removed|thread\.restricted)$/.test(kind)) return 'harm'
  if (/^(violation\.proposed|job\.created|appeal\.filed|bank\.entry_quarantined|rule\.tripped)$/.test(kind))
    return 'attention'
  if (/^(decision\.reversed|consequence\.ended|gate\.opened|item\.restored|thread\.released)$/.test(kind))
    return 'resolved'
  return undefined
}

export function timelineKind(kind: string): TimelineKind {
  const area = kind.split('.')[0]!
  if (area === 'gate' || area === 'item' || area === 'thread') return 'consequence'
  if (area === 'violation') return 'decision'
  return ['event', 'signal', 'label', 'decision', 'consequence', 'appeal', 'job'].includes(area)
    ? (area as TimelineKind)
    : 'other'
}
