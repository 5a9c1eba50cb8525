import { IconMessage, IconMessages, IconUser } from '@tabler/icons-react'
import type { MouseEvent } from 'react'
import type { SubjectRef } from '../../domain/subject.ts'
import { hoverSubject, leaveSubject } from '../frame/hover.ts'
import { href, useUrl } from '../frame/url.ts'
import './small.css'

export const subjectIcons = { actor: IconUser, item: IconMessage, thread: IconMessages }
export const subjectWords = { actor: 'Account', item: 'Item', thread: 'Thread' }

/** A subject wherever it is named: hover shows its card, a press opens it in the drawer without losing the place. */
export function SubjectChip({
  subject,
  name,
  standing,
}: {
  subject: SubjectRef
  /** What people call it, when known; else its id. */
  name?: string
  standing?: 'good' | 'limited' | 'disabled'
}) {
  const url = useUrl()
  const Icon = subjectIcons[subject.kind]
  const key = `${subject.kind}:${subject.id}`
  const open = (event: MouseEvent) => {
    event.stopPropagation()
    if (event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    leaveSubject()
    url.set({ open: key }, { push: true })
  }
  return (
    <a
      className="chip"
      href={href(url.path, { ...url.search, open: key })}
      onClick={open}
      onPointerEnter={(event) => hoverSubject(subject, event.currentTarget)}
      onPointerLeave={leaveSubject}
      aria-label={`${subjectWords[subject.kind]} ${name ?? subject.id}${standing === undefined || standing === 'good' ? '' : `, ${standing}`}`}
    >
      <Icon size={14} aria-hidden />
      <span className="chip-name">{name ?? subject.id}</span>
      {standing === undefined ? null : <span className="standing" data-level={standing} />}
    </a>
  )
}
