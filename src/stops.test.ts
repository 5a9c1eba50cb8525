import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStops } from './stops.ts'

test('what fails to end keeps nothing else from ending, and is told at the end', async () => {
  const ended: string[] = []
  const stops = createStops()
  const part = (name: string, problem?: string) =>
    stops.add(async () => {
      ended.push(name)
      if (problem !== undefined) throw new Error(problem)
    })
  part('server')
  part('counts', 'the database has gone')
  part('worker')
  await assert.rejects(stops.all(), /the database has gone/)
  assert.deepEqual(ended, ['worker', 'counts', 'server'])
  await stops.all()
  assert.equal(ended.length, 3, 'each once')

  part('one', 'first')
  part('two', 'second')
  await assert.rejects(stops.all(), (error) => error instanceof AggregateError && error.errors.length === 2)
})
