import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { uuidv7 } from '../domain/ids.ts'
import { createLedger } from '../ledger/ledger.ts'
import { addBankEntries, createBank, type ChangeContext } from '../match/changes.ts'
import { bankProjector } from '../match/project.ts'
import { InputError } from '../domain/error.ts'
import type { EmbeddingModel } from '../media/embedding.ts'
import { createEntryVectors } from './entry-vectors.ts'

test('an entry that a model cannot take is passed by; a model that fails is asked again later and then misses nothing', async () => {
  const db = await testDatabase()
  let nowMs = 1_700_000_000_000
  const clock = () => nowMs++
  const ledger = createLedger({ projectors: [bankProjector], clock, randomBytes })
  const context = (): ChangeContext => ({
    author: { kind: 'person', id: 'ana' },
    nowMs: clock(),
    newId: () => uuidv7(clock(), randomBytes),
  })
  const bank = await createBank(db.query, 't', { name: 'b', purpose: '', action: 'review' }, context())
  assert.ok(bank.ok)
  await db.transaction((tx) => ledger.append(tx, 't', bank.entries))
  const add = async (...texts: string[]) => {
    const made = await addBankEntries(
      db.query,
      't',
      bank.bankId,
      texts.map((text) => ({ text })),
      context(),
    )
    assert.ok(made.ok)
    await db.transaction((tx) => ledger.append(tx, 't', made.entries))
  }
  const kept = async () =>
    Object.fromEntries(
      (
        await db.query<{ text: string; vector: string | null; because: string | null }>(
          'SELECT e.text, v.vector, v.because FROM entry_vectors v JOIN bank_entries e USING (tenant_id, entry_id)',
        )
      ).map(({ text, vector, because }) => [text, vector ?? because]),
    )

  let broken = false
  const model: EmbeddingModel = {
    id: 'm@1',
    kind: 'text',
    type: 'embedding-text',
    dimensions: 2,
    async embed(text) {
      if (broken) throw new Error('out of memory')
      if (text === 'a text that is refused') throw new InputError('it is no text')
      if (text === 'a text too long for it') throw new Error('index out of range')
      return text === 'a text without direction' ? undefined : 'm@1:AQE='
    },
    works: async () => !broken,
  }
  const logged: string[] = []
  const vectors = createEntryVectors({
    db,
    clock,
    embedder: { models: [model], unusable: [] },
    media: { read: async () => undefined },
    refresh: async () => {},
    log: ({ level, msg }) => void logged.push(`${level} ${msg}`),
  })
  const settle = async () => {
    while (await vectors.tick());
  }
  await add('a text like others', 'a text that is refused', 'a text too long for it', 'a text without direction')
  await settle()
  assert.deepEqual(await kept(), {
    'a text like others': 'm@1:AQE=',
    'a text that is refused': 'it is no text',
    'a text too long for it': 'index out of range',
    'a text without direction': 'it has no direction',
  })
  assert.deepEqual(vectors.stateOf('m@1'), { state: 'complete' })

  broken = true
  await add('a text of later')
  await settle()
  await settle()
  assert.deepEqual(vectors.stateOf('m@1'), { state: 'failing', problem: 'out of memory' })
  assert.deepEqual(
    logged.filter((line) => line.startsWith('warn')),
    ['warn a model fails'],
    'it is said once',
  )
  broken = false
  await settle()
  assert.equal((await kept())['a text of later'], undefined, 'it is left alone for a while')
  nowMs += 60_000
  await settle()
  assert.equal((await kept())['a text of later'], 'm@1:AQE=')
  assert.deepEqual(vectors.stateOf('m@1'), { state: 'complete' })
  assert.equal(vectors.stateOf('other@1'), undefined)
})
