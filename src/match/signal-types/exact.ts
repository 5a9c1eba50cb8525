import type { SignalHit, SignalType } from './signal-type.ts'

/** Media by the SHA-256 of its bytes: also what is too flat or too small for a perceptual hash. */
export const exactType: SignalType = {
  name: 'sha256',
  version: 'sha256@1',
  threshold: 0,
  thresholdMax: 0,
  part: 'photo',
  describe: () => 'the same bytes',
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
      search(content) {
        const hits: SignalHit[] = []
        for (const [index, { sha256, quality }] of (content.photos ?? []).entries())
          for (const slot of (sha256 === undefined ? undefined : slots.get(sha256)) ?? [])
            hits.push({
              slot,
              part: { kind: 'photo', index, mediaSha256: sha256! },
              distance: 0,
              similarity: 1,
              confidence: 1,
              ...(quality === undefined ? {} : { quality }),
            })
        return hits
      },
    }
  },
}
