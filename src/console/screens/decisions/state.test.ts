import assert from 'node:assert/strict'
import test from 'node:test'
import type { StepView } from '../../../http/contract/decisions.ts'
import { eventOf, evidenceOf } from './state.ts'

const step = (kind: string, body: unknown, children: StepView[] = []): StepView => ({
  title: kind,
  because: [],
  atMs: 0,
  kind,
  entryId: null,
  author: null,
  automation: null,
  sequence: null,
  body,
  children,
})

test('the evidence of a match is that of the signal that names its entry, wherever in the story it stands', () => {
  const signals = [
    { name: 'match.media', evidence: { entryId: 'e1', transformation: 'flipY' } },
    { name: 'match.text', evidence: { entryId: 'e2', start: 4, end: 9 } },
  ]
  const event = { id: 'x', actor: { id: 'a' } }
  const story = step('event', event, [
    step('violation.proposed', {}, [step('decision.made', {})]),
    step('signal.recorded', { signals }),
  ])
  assert.deepEqual(evidenceOf(story, 'e2'), { entryId: 'e2', start: 4, end: 9 })
  assert.equal(evidenceOf(story, 'e1')?.transformation, 'flipY')
  assert.equal(evidenceOf(story, 'e3'), undefined)
  assert.equal(eventOf(story), event)
  assert.equal(eventOf(step('decision.made', {})), undefined)
})
