import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signalTypeNamed } from '../raw-signals.ts'
import { createComparer } from './compare.ts'
import { packSignal } from './rows.ts'

const rowsOf = (type: string, signals: readonly string[]) =>
  signals.map((signal, seq) => ({ seq, signal: packSignal(type, signal) }))

const signalOf = (text: string) => signalTypeNamed('type', 'text-near').signalOf({ text })!
const link = (path: string) => signalTypeNamed('type', 'url').parse('url', `https://example.org/${path}`)

test('kept signals are compared beside everything else, several questions at a time', async () => {
  const comparer = createComparer()
  const words = (n: number) => `we meet at the old station tomorrow at ten, bring the papers and coins number ${n}`
  const near = comparer.begin({ type: 'text-near', signal: signalOf(words(1)), quality: null, threshold: 0.5 })
  const equal = comparer.begin({ type: 'url', signal: link('a'), quality: null, threshold: 0 })
  const [texts, links, more] = await Promise.all([
    near(rowsOf('text', [words(1), 'something else that nobody would take for the same at all, really', words(2)])),
    equal(rowsOf('url', [link('b'), link('a')])),
    near(rowsOf('text', ['once more something else, which has other words in it than the one before'])),
  ])
  assert.deepEqual(
    texts.map(({ seq, type }) => [seq, type]),
    [
      [0, 'text-near'],
      [2, 'text-near'],
    ],
  )
  assert.deepEqual(
    links.map(({ seq }) => seq),
    [1],
  )
  assert.deepEqual(more, [])
  await comparer.close()
  await assert.rejects(near(rowsOf('text', [words(1)])), /not searched any more/)
})

test('the thread ends when nobody asks, and starts again when somebody does', async () => {
  const comparer = createComparer({ idleMs: 1 })
  const equal = comparer.begin({ type: 'url', signal: link('a'), quality: null, threshold: 0 })
  for (let round = 0; round < 3; round++) {
    const found = await equal(rowsOf('url', [link('a')]))
    assert.equal(found.length, 1)
    await new Promise((done) => setTimeout(done, 30))
  }
  await comparer.close()
})

test('a signal that is none fails its own question', async () => {
  const comparer = createComparer()
  const wrong = comparer.begin({ type: 'no such type', signal: 'x', quality: null, threshold: 0 })
  await assert.rejects(wrong(rowsOf('url', [link('a')])), /is not a signal type/)
  const equal = comparer.begin({ type: 'url', signal: link('a'), quality: null, threshold: 0 })
  assert.equal((await equal(rowsOf('url', [link('a')]))).length, 1)
  await comparer.close()
})
