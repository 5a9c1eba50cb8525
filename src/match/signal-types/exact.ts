import { InputError, quote } from '../../domain/error.ts'
import type { SignalHit, SignalType } from './signal-type.ts'

/** Media by the SHA-256 of its bytes: also what is too flat or too small for a perceptual hash. */
export const exactType: SignalType = {
  name: 'sha256',
  version: 'sha256@1',
  threshold: 0,
  thresholdMax: 0,
  part: 'photo',
  thresholdStep: 1,
  describe: (distance) => (distance === 0 ? 'the same bytes' : 'other bytes'),
  parse(field, signal) {
    if (/^[0-9a-f]{64}$/i.test(signal)) return signal.toLowerCase()
    throw new InputError(`${field} must be 64 hexadecimal digits`, [
      { field, problem: 'must be 64 hexadecimal digits', value: quote(signal), limit: 64 },
    ])
  },
  contentOf: (signal) => ({ photos: [{ sha256: signal }] }),
  signalOf: (content) => content.photos?.[0]?.sha256,
  compare: (query, entry) => ({ distance: query === entry ? 0 : 1, similarity: query === entry ? 1 : 0 }),
  createIndex() {
    const slots = new Map<string, Set<number>>()
    const signalOf = new Map<number, string>()
    return {
      add(slot, signal) {
        signalOf.set(slot, signal)
        slots.set(signal, (slots.get(signal) ?? new Set()).add(slot))
      },
      remove(slot) {
        const signal = signalOf.get(slot)
        if (signal === undefined) return
        signalOf.delete(slot)
        const same = slots.get(signal)!
        same.delete(slot)
        if (same.size === 0) slots.delete(signal)
      },
      search(content, { wanted }) {
        const hits: SignalHit[] = []
        for (const [index, { sha256, quality }] of (content.photos ?? []).entries())
          for (const slot of (sha256 === undefined ? undefined : slots.get(sha256)) ?? []) {
            if (wanted?.(slot) === false) continue
            hits.push({
              slot,
              part: { kind: 'photo', index, mediaSha256: sha256! },
              distance: 0,
              similarity: 1,
              confidence: 1,
              ...(quality === undefined ? {} : { quality }),
            })
          }
        return hits
      },
    }
  },
}
