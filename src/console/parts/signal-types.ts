import { useMemo } from 'react'
import type { FullMatch } from '../../http/contract/match.ts'
import { listSignalTypes, type SignalTypeInfo } from '../../http/contract/signal-types.ts'
import { useRead } from '../api.ts'

/** What people are told of signal types, as the server knows them. */
export type SignalTypes = {
  /** In the order in which they are listed. */
  all: readonly SignalTypeInfo[]
  /** `pdq` → `Photo, PDQ`; a name that is not known (yet) stays as it is. */
  title: (name: string) => string
  /** A distance in words: `14 of 256 bits differ`. */
  distance: (name: string, distance: number) => string
  /** What a threshold asks for: `at most 31 of 256 bits differ`. */
  threshold: (name: string, threshold: number) => string
  /** A match with the threshold of its bank: `14 of 256 bits; matches up to 31`. */
  near: (match: Near) => string
}
/** A distance with the threshold that it was held against; `described` is how the server tells it. */
export type Near = Pick<FullMatch, 'signalType' | 'distance' | 'threshold'> & { described?: string }

/** A number and its unit stay on one line. */
const gap = '\u00a0'

/** Features that are made of several signals, beside the signal types themselves. */
const featureTitles: Record<string, string> = {
  quality: 'Quality of the photo',
  agreeing: 'Signals within their threshold',
}

/** The words for signal types, from what the server says of them. */
export function signalTypesOf(all: readonly SignalTypeInfo[]): SignalTypes {
  const byName = new Map(all.map((type) => [type.name, type]))
  const title = (name: string) => byName.get(name)?.title ?? featureTitles[name] ?? name
  const scaleOf = (name: string) => byName.get(name)?.scale ?? undefined
  const shown = (name: string, distance: number) => {
    const scale = scaleOf(name)
    if (scale === undefined) return distance.toLocaleString('en', { maximumFractionDigits: 3 })
    return (scale.zero + distance * scale.perDistance).toLocaleString('en', {
      minimumFractionDigits: scale.decimals,
      maximumFractionDigits: scale.decimals,
    })
  }
  /** The part of the unit that belongs to the number: `%`. */
  const sign = (name: string) => (scaleOf(name)?.unit.startsWith('%') === true ? `${gap}%` : '')
  const least = (name: string) => scaleOf(name)?.nearer === 'higher'
  const inWords = (name: string, distance: number) => {
    const scale = scaleOf(name)
    if (scale !== undefined) return `${shown(name, distance)}${gap}${scale.unit}`
    return distance === 0 ? 'the same' : `${shown(name, distance)} apart`
  }
  return {
    all,
    title,
    distance: inWords,
    threshold(name, threshold) {
      const type = byName.get(name)
      if (type?.scale == null)
        return type?.finds.find(({ upTo }) => threshold <= upTo)?.what ?? `at most ${shown(name, threshold)}`
      return `${least(name) ? 'at least' : 'at most'} ${shown(name, threshold)}${gap}${type.scale.unit}`
    },
    near({ signalType, distance, threshold, described = inWords(signalType, distance) }) {
      if (threshold === 0 || scaleOf(signalType) === undefined) return described
      return `${described}; matches ${least(signalType) ? 'from' : 'up to'} ${shown(signalType, threshold)}${sign(signalType)}`
    },
  }
}

/** What the server says of signal types; their bare names until it has answered. */
export function useSignalTypes(): SignalTypes {
  const { data } = useRead(listSignalTypes, {}, { staleMs: Infinity })
  return useMemo(() => signalTypesOf(data?.items ?? []), [data])
}

/** What a threshold of a type lets in, in words. */
export function foundAt(type: SignalTypeInfo, threshold: number): string | undefined {
  return type.finds.find(({ upTo }) => threshold <= upTo)?.what
}
