import type { SubjectRef } from '../../domain/subject.ts'

export function SubjectCard({ subject }: { subject: SubjectRef }) {
  return <span>{subject.id}</span>
}
