import type { ASTNode, Environment } from '@marcbachmann/cel-js'
import { RE2JS } from 're2js'
import { compileCall, type CallContext } from './calls.ts'
import {
  CompileError,
  emptyReads,
  type Build,
  type Compiled,
  type CompileOptions,
  type Expression,
  type ExpressionProblem,
  type Run,
} from './expression.ts'
import type { Scope, TraceNode } from './scope.ts'
import { add, arithmetic, deepEqual, isIn, ordered, own } from './values.ts'
import { expressionCostMax, expressionLengthMax, fieldTypes } from './vocabulary.ts'

const listLengthAssumed = 50

/**
 * Checks a CEL expression against the environment and compiles it to closures.
 *
 * Differs from CEL where a rule must keep going: numbers are doubles and `/` divides exactly; a missing field is null;
 * ordering, arithmetic and string functions on null or on another type answer null; `&&`, `||` and `!` follow Kleene's
 * three-valued logic; a rule hits only when its condition is true. Equality compares null as a value.
 */
export function compileExpression(
  source: string,
  environment: Environment,
  options: CompileOptions,
): { ok: true; expression: Expression } | { ok: false; problems: ExpressionProblem[] } {
  if (source.length > expressionLengthMax)
    return refuse({ start: 0, end: 0 }, `is ${source.length} characters long`, expressionLengthMax)
  let ast: ASTNode
  let type: string
  try {
    const parsed = environment.parse(source)
    const checked = parsed.check()
    if (!checked.valid) throw checked.error ?? new Error('cannot be checked')
    ast = parsed.ast
    type = checked.type ?? 'dyn'
  } catch (error) {
    return refuse(placeOf(error, source), wordsFor(error))
  }
  try {
    const reads = emptyReads()
    const shared = { options, reads, source }
    const plain = compileNode(ast, { ...shared, traced: false, locals: new Map() })
    const traced = compileNode(ast, { ...shared, traced: true, locals: new Map() })
    if (plain.cost > expressionCostMax)
      throw new CompileError(ast, `can take ${plain.cost} steps for one event`, expressionCostMax)
    return {
      ok: true,
      expression: { source, type, run: plain.run, runTraced: traced.run, reads, cost: plain.cost },
    }
  } catch (error) {
    if (error instanceof CompileError) return refuse(error.node, error.message, error.limit)
    if (error instanceof RangeError) return refuse({ start: 0, end: source.length }, wordsFor(error))
    throw error
  }
}

function refuse(place: { start: number; end: number }, problem: string, limit?: number) {
  const { start, end } = place
  return { ok: false as const, problems: [{ start, end, problem, ...(limit === undefined ? {} : { limit }) }] }
}

type CelFailure = { code?: string; summary?: string; range?: { start: number; end: number }; message: string }

function placeOf(error: unknown, source: string): { start: number; end: number } {
  const range = (error as CelFailure).range
  if (range === undefined) return { start: 0, end: source.length }
  return { start: Math.min(range.start, source.length), end: Math.min(range.end, source.length) }
}

function wordsFor(error: unknown): string {
  if (error instanceof RangeError) return 'is nested too deeply'
  const { code, summary, message } = error as CelFailure
  const text = summary ?? message
  if (code === 'unknown_variable')
    return `${text.replace('Unknown variable: ', 'unknown name "')}": neither a field nor a declared feature`
  if (code === 'no_such_key') return `${text.replace('No such key: ', 'unknown field "')}"`
  return text
}

/** Compiles one node and, for traces, wraps it so that it writes down its value. */
export function compileNode(node: ASTNode, build: Build): Compiled {
  const compiled = compilePlain(node, build)
  return build.traced ? { run: recorded(node, build.source, compiled.run), cost: compiled.cost } : compiled
}

function recorded(node: ASTNode, source: string, run: Run): Run {
  const { start, end } = node
  const text = source.slice(start, end)
  const isField = node.op === '.' || node.op === 'id' || node.op === '[]'
  return (scope) => {
    const recorder = scope.recorder!
    const parent = recorder.node
    const trace: TraceNode = { start, end, source: text, children: [] }
    // A list of thousands would make a trace nobody reads; the first 20 members stay.
    if (parent.children.length < 64) parent.children.push(trace)
    recorder.node = trace
    const value = run(scope)
    trace.value = value
    if (value === null && isField) recorder.missing.add(text)
    recorder.node = parent
    return value
  }
}

function compilePlain(node: ASTNode, build: Build): Compiled {
  switch (node.op) {
    case 'value':
      return literal(node)
    case 'id':
      return compileName(node, node.args, build)
    case '.':
      return compileField(node, node.args[0], node.args[1], build)
    case '[]': {
      const left = compileNode(node.args[0], build)
      const right = compileNode(node.args[1], build)
      return {
        cost: left.cost + right.cost + 1,
        run: (scope) => {
          const base = left.run(scope)
          const key = right.run(scope)
          if (Array.isArray(base)) return typeof key === 'number' ? (base[key] ?? null) : null
          return typeof key === 'string' ? own(base, key) : null
        },
      }
    }
    case '&&':
    case '||':
      return compileLogic(node, build)
    case '!_': {
      const operand = compileNode(node.args, build)
      return {
        cost: operand.cost + 1,
        run: (scope) => {
          const value = operand.run(scope)
          return typeof value === 'boolean' ? !value : null
        },
      }
    }
    case '-_': {
      const operand = compileNode(node.args, build)
      return {
        cost: operand.cost + 1,
        run: (scope) => {
          const value = operand.run(scope)
          return typeof value === 'number' ? -value : null
        },
      }
    }
    case '?:': {
      const condition = compileNode(node.args[0], build)
      const yes = compileNode(node.args[1], build)
      const no = compileNode(node.args[2], build)
      return {
        cost: condition.cost + Math.max(yes.cost, no.cost) + 1,
        run: (scope) => {
          const value = condition.run(scope)
          return value === true ? yes.run(scope) : value === false ? no.run(scope) : null
        },
      }
    }
    case 'list': {
      const members = node.args.map((member) => compileNode(member, build))
      const cost = members.reduce((sum, member) => sum + member.cost, 1)
      if (!build.traced && node.args.every((member) => member.op === 'value')) {
        const constant = members.map((member) => member.run(undefined as never))
        return { cost: 1, run: () => constant }
      }
      return { cost, run: (scope) => members.map((member) => member.run(scope)) }
    }
    case 'call':
    case 'rcall':
      return compileCall(node, build, callContext)
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case 'in':
      return compileBinary(node.op, node.args[0], node.args[1], build, node)
    default:
      throw new CompileError(node, `"${node.op}" is not available in rules`)
  }
}

function literal(node: ASTNode): Compiled {
  const raw: unknown = node.args
  if (typeof raw === 'bigint') {
    const value = Number(raw)
    if (!Number.isSafeInteger(value)) throw new CompileError(node, 'is too large a number', Number.MAX_SAFE_INTEGER)
    return { cost: 0, run: () => value }
  }
  if (raw === null || typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean')
    return { cost: 0, run: () => raw }
  throw new CompileError(node, 'bytes and unsigned numbers are not available in rules')
}

const roots: Record<string, Run> = {
  event: (scope) => scope.event,
  actor: (scope) => scope.event.actor,
  item: (scope) => scope.event.item ?? null,
  thread: (scope) => scope.event.thread ?? null,
  targets: (scope) => scope.event.targets ?? null,
  target: (scope) => scope.event.targets?.[0] ?? null,
  origin: (scope) => scope.event.origin ?? null,
  attributes: (scope) => scope.event.attributes ?? null,
}

function compileName(node: ASTNode, name: string, build: Build): Compiled {
  const slot = build.locals.get(name)
  if (slot !== undefined) return { cost: 1, run: (scope) => scope.slots[slot] }
  const index = build.options.featureIndex.get(name)
  if (index !== undefined) {
    build.reads.features.add(name)
    return { cost: 1, run: (scope) => scope.features.values[index]! }
  }
  const root = Object.hasOwn(roots, name) ? roots[name] : undefined
  if (root === undefined) throw new CompileError(node, `unknown name "${name}"`)
  return { cost: 1, run: root }
}

function compileField(node: ASTNode, base: ASTNode, field: string, build: Build): Compiled {
  if (base.op === 'id' && base.args === 'event' && !build.locals.has('event') && field === 'timeMs')
    return { cost: 1, run: (scope) => scope.occurredAtMs }
  if (base.op === 'id' && base.args === 'event' && !build.locals.has('event') && field === 'type' && !build.traced)
    return { cost: 1, run: (scope) => scope.event.type }
  const left = compileNode(base, build)
  return { cost: left.cost + 1, run: (scope) => own(left.run(scope), field) }
}

function compileLogic(node: ASTNode, build: Build): Compiled {
  // Chains are flattened: `a || b || c` nests one level a member, and long rules are long chains.
  const parts: ASTNode[] = []
  const op = node.op
  let rest: ASTNode = node
  while (rest.op === op) {
    const [left, right] = rest.args as [ASTNode, ASTNode]
    parts.unshift(right)
    rest = left
  }
  parts.unshift(rest)
  const runs = parts.map((part) => compileNode(part, build))
  const cost = runs.reduce((sum, part) => sum + part.cost, 1)
  const decisive = op === '||'
  const [first, second] = runs
  if (runs.length === 2 && !build.traced)
    return {
      cost,
      run: (scope) => {
        const left = first!.run(scope)
        if (left === decisive) return decisive
        const right = second!.run(scope)
        if (right === decisive) return decisive
        return typeof left === 'boolean' && typeof right === 'boolean' ? !decisive : null
      },
    }
  const plain = runs.map((part) => part.run)
  return {
    cost,
    run: (scope) => {
      let unknown = false
      for (let at = 0; at < plain.length; at++) {
        const value = plain[at]!(scope)
        if (value === decisive) {
          for (const skipped of parts.slice(at + 1)) skip(scope, skipped, build.source)
          return decisive
        }
        if (typeof value !== 'boolean') unknown = true
      }
      return unknown ? null : !decisive
    },
  }
}

function skip(scope: Scope, node: ASTNode, source: string): void {
  const { start, end } = node
  scope.recorder?.node.children.push({ start, end, source: source.slice(start, end), skipped: true, children: [] })
}

type BinaryOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%' | 'in'

function compileBinary(op: BinaryOperator, a: ASTNode, b: ASTNode, build: Build, node: ASTNode): Compiled {
  const { run: left, cost: leftCost } = compileNode(a, build)
  const { run: right, cost: rightCost } = compileNode(b, build)
  const cost = leftCost + rightCost + 1
  const plain = binaryRun(op, left, right, constantOf(b))
  if (!build.traced || op === '==' || op === '!=') return { cost, run: plain }
  const text = build.source.slice(node.start, node.end)
  return {
    cost,
    run: (scope) => {
      let sawNull = false
      const spy = (run: Run) => (inner: Scope) => {
        const value = run(inner)
        if (value === null) sawNull = true
        return value
      }
      const value = binaryRun(op, spy(left), spy(right), undefined)(scope)
      if (value === null && !sawNull) scope.recorder!.mismatched.add(text)
      return value
    },
  }
}

function constantOf(node: ASTNode): string | number | boolean | undefined {
  if (node.op !== 'value') return undefined
  const raw: unknown = node.args
  if (typeof raw === 'bigint') return Number(raw)
  return typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? raw : undefined
}

function binaryRun(op: BinaryOperator, left: Run, right: Run, constant: string | number | boolean | undefined): Run {
  switch (op) {
    case '==':
      if (constant !== undefined) return (scope) => left(scope) === constant
      return (scope) => deepEqual(left(scope), right(scope))
    case '!=':
      if (constant !== undefined) return (scope) => left(scope) !== constant
      return (scope) => !deepEqual(left(scope), right(scope))
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(op, left, right, typeof constant === 'number' ? constant : undefined)
    case '+':
      return (scope) => add(left(scope), right(scope))
    case '-':
      return (scope) => arithmetic(left(scope), right(scope), (a, b) => a - b)
    case '*':
      return (scope) => arithmetic(left(scope), right(scope), (a, b) => a * b)
    case '/':
      return (scope) => arithmetic(left(scope), right(scope), (a, b) => a / b)
    case '%':
      return (scope) => arithmetic(left(scope), right(scope), (a, b) => a % b)
    case 'in':
      return (scope) => isIn(left(scope), right(scope))
  }
}

/** Name of the type that the checker gave a node, where it went that way. */
function typeOf(node: ASTNode): string {
  return (node as { checkedType?: { name?: string } }).checkedType?.name ?? 'dyn'
}

function compilePattern(node: ASTNode): RE2JS {
  if (node.op !== 'value' || typeof node.args !== 'string')
    throw new CompileError(node, 'the pattern of matches() must be written out, not computed')
  try {
    return RE2JS.compile(node.args)
  } catch (error) {
    throw new CompileError(node, `is no RE2 pattern: ${(error as Error).message.replace('error parsing regexp: ', '')}`)
  }
}

function checkField(node: ASTNode): void {
  // The checker does not look inside has(); a misspelt field there would never be found.
  if (node.op !== '.') return
  const [base, field] = node.args
  checkField(base)
  const known = fieldTypes[typeOf(base)]
  if (known !== undefined && !Object.hasOwn(known, field)) throw new CompileError(node, `unknown field "${field}"`)
}

const callContext: CallContext = { compileNode, typeOf, compilePattern, checkField, listLengthAssumed }
