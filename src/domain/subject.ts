/** What can be looked at, labelled and acted on. */
export const subjectKinds = ['actor', 'item', 'thread'] as const
export type SubjectKind = (typeof subjectKinds)[number]
export type SubjectRef = { kind: SubjectKind; id: string }

/** `actor:u1`, for logs, screens and map keys. */
export function subjectKey(subject: SubjectRef): string {
  return `${subject.kind}:${subject.id}`
}
