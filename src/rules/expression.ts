import type { Scope } from './scope.ts'
import type { Names } from './vocabulary.ts'

/** Answers null when something that it needs is missing; never throws on any event. */
export type Run = (scope: Scope) => unknown

export type ExpressionProblem = { start: number; end: number; problem: string; limit?: number }

/** What an expression reads, known before it runs. */
export type Reads = {
  features: Set<string>
  previous: Set<string>
  signals: Set<string>
  labels: Set<string>
  lists: Set<string>
  subjects: Set<'actor' | 'item' | 'thread' | 'target'>
}

export type Expression = {
  source: string
  type: string
  run: Run
  /** The same, writing down every sub-expression into `scope.recorder`. */
  runTraced: Run
  reads: Reads
  /** Most steps it can take, one for each comparison, lists taken as 50 long. */
  cost: number
}

export type CompileOptions = {
  names: Names
  /** Position of each feature in the arrays of FeatureReads. */
  featureIndex: ReadonlyMap<string, number>
  /** Expressions of features may read the event only, so that a feature can be rebuilt from events alone. */
  eventOnly?: boolean
}

/** A problem found while compiling; becomes an ExpressionProblem with its place. */
export class CompileError extends Error {
  override name = 'CompileError'
  readonly node: { start: number; end: number }
  readonly limit: number | undefined
  constructor(node: { start: number; end: number }, message: string, limit?: number) {
    super(message)
    this.node = node
    this.limit = limit
  }
}

/** Nothing is read yet. */
export function emptyReads(): Reads {
  return {
    features: new Set(),
    previous: new Set(),
    signals: new Set(),
    labels: new Set(),
    lists: new Set(),
    subjects: new Set(),
  }
}

export type Compiled = { run: Run; cost: number }
export type Build = {
  options: CompileOptions
  reads: Reads
  source: string
  traced: boolean
  /** Slot of each comprehension variable in scope. */
  locals: ReadonlyMap<string, number>
}
