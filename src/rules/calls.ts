import type { ASTNode } from '@marcbachmann/cel-js'
import type { RE2JS } from 're2js'
import type { Signal } from '../domain/signal.ts'
import { subjectKinds, type SubjectKind } from '../domain/subject.ts'
import { CompileError, type Build, type Compiled, type Run } from './expression.ts'
import type { Scope } from './scope.ts'
import { domainOf, own, sizeOf, textLengthMax, timeOf } from './values.ts'
import { functionDocs } from './vocabulary.ts'

/** What compiling a call needs from compiling everything else. */
export type CallContext = {
  compileNode: (node: ASTNode, build: Build) => Compiled
  typeOf: (node: ASTNode) => string
  compilePattern: (node: ASTNode) => RE2JS
  checkField: (node: ASTNode) => void
  listLengthAssumed: number
}

/** Compiles `name(...)` and `receiver.name(...)`. */
export function compileCall(node: ASTNode & { op: 'call' | 'rcall' }, build: Build, context: CallContext): Compiled {
  const name = node.args[0]
  if (node.op === 'rcall') {
    const [, receiver, args] = node.args
    if (Object.hasOwn(comprehensions, name) && args.length >= 2) return compileComprehension(node, build, context)
    if (name === 'bind' && receiver.op === 'id' && receiver.args === 'cel') return compileBind(node, build, context)
    if (name === 'matches') {
      const pattern = context.compilePattern(args[0]!)
      const text = context.compileNode(receiver, build)
      return {
        cost: text.cost + 25,
        run: (scope) => {
          const value = text.run(scope)
          return typeof value === 'string' ? pattern.test(value) : null
        },
      }
    }
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (method === undefined) throw new CompileError(node, `the function "${name}" is not available in rules`)
    return applied(method, [receiver, ...args], build, context)
  }
  const args = node.args[1]
  if (build.options.eventOnly && Object.hasOwn(functionDocs, name) && !functionDocs[name]!.inFeatures)
    throw new CompileError(node, `"${name}" is not available in features: they read the event alone`)
  const special = Object.hasOwn(specials, name) ? specials[name] : undefined
  if (special !== undefined) return special(node, args, build, context)
  const plain = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (plain === undefined) throw new CompileError(node, `the function "${name}" is not available in rules`)
  return applied(plain, args, build, context)
}

type Plain = (values: unknown[], scope: Scope) => unknown

function applied(call: Plain, args: ASTNode[], build: Build, context: CallContext): Compiled {
  const compiled = args.map((arg) => context.compileNode(arg, build))
  const cost = compiled.reduce((sum, arg) => sum + arg.cost, 2)
  const runs = compiled.map((arg) => arg.run)
  const [first] = runs
  if (runs.length === 1) return { cost, run: (scope) => call([first!(scope)], scope) }
  return {
    cost,
    run: (scope) =>
      call(
        runs.map((run) => run(scope)),
        scope,
      ),
  }
}

const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)

const numberFrom = (value: unknown): number | null => {
  if (typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim()))
    return number(Number(value))
  return number(value)
}

/** A method on texts that answers null when any of its values is of another type. */
const onText =
  (method: (text: string, other: string) => unknown): Plain =>
  ([text, other]) =>
    typeof text === 'string' && typeof other === 'string' ? method(text, other) : null

const onTextAlone =
  (method: (text: string) => unknown): Plain =>
  ([text]) =>
    typeof text === 'string' ? method(text) : null

const asciiCase = (text: string, pattern: RegExp, shift: number) =>
  text.replace(pattern, (letter) => String.fromCharCode(letter.charCodeAt(0) + shift))

const methods: Record<string, Plain> = {
  contains: onText((text, part) => text.includes(part)),
  startsWith: onText((text, part) => text.startsWith(part)),
  endsWith: onText((text, part) => text.endsWith(part)),
  lowerAscii: onTextAlone((text) => asciiCase(text, /[A-Z]/g, 32)),
  upperAscii: onTextAlone((text) => asciiCase(text, /[a-z]/g, -32)),
  trim: onTextAlone((text) => text.trim()),
  size: ([value]) => sizeOf(value),
  indexOf: ([text, part, from]) =>
    typeof text === 'string' && typeof part === 'string' ? text.indexOf(part, number(from) ?? 0) : null,
  lastIndexOf: ([text, part]) => (typeof text === 'string' && typeof part === 'string' ? text.lastIndexOf(part) : null),
  substring: ([text, from, until]) =>
    typeof text === 'string' && typeof from === 'number'
      ? text.slice(Math.max(0, from), number(until) ?? undefined)
      : null,
  split: ([text, separator, limit]) =>
    typeof text === 'string' && typeof separator === 'string'
      ? text.split(separator, Math.min(1_000, number(limit) ?? 1_000))
      : null,
  join: ([list, separator]) => {
    if (!Array.isArray(list) || !list.every((member) => typeof member === 'string')) return null
    const glue = typeof separator === 'string' ? separator : ''
    const length = list.reduce((sum, member) => sum + member.length + glue.length, 0)
    return length <= textLengthMax ? list.join(glue) : null
  },
}

const functions: Record<string, Plain> = {
  size: ([value]) => sizeOf(value),
  domain: ([text]) => domainOf(text),
  lower: onTextAlone((text) => text.toLowerCase()),
  min: ([a, b]) => (typeof a === 'number' && typeof b === 'number' ? Math.min(a, b) : null),
  max: ([a, b]) => (typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : null),
  double: ([value]) => numberFrom(value),
  int: ([value]) => {
    const read = numberFrom(value)
    return read === null ? null : Math.trunc(read)
  },
  string: ([value]) =>
    typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : null,
  dyn: ([value]) => value,
  secondsSince: ([value], scope) => {
    const timeMs = timeOf(value)
    return timeMs === null ? null : (scope.occurredAtMs - timeMs) / 1_000
  },
}

type Special = (node: ASTNode, args: ASTNode[], build: Build, context: CallContext) => Compiled

/** The text of an argument that must be written out, because what a rule reads has to be known before it runs. */
function written(node: ASTNode, what: string): string {
  if (node.op !== 'value' || typeof node.args !== 'string')
    throw new CompileError(node, `the name of a ${what} must be written out, not computed`)
  return node.args
}

function known(node: ASTNode, what: string, names: ReadonlySet<string>): string {
  const name = written(node, what)
  if (!names.has(name)) {
    const declared = [...names].sort().join(', ')
    throw new CompileError(node, `unknown ${what} "${name}"${declared === '' ? '' : `; known are ${declared}`}`)
  }
  return name
}

function featureOf(node: ASTNode, build: Build): { name: string; index: number } {
  const index = node.op === 'id' && !build.locals.has(node.args) ? build.options.featureIndex.get(node.args) : undefined
  if (index === undefined) throw new CompileError(node, 'must be the name of a declared feature')
  return { name: node.args as string, index }
}

const specials: Record<string, Special> = {
  signal(_, [name], build) {
    const wanted = known(name!, 'signal', build.options.names.signals)
    build.reads.signals.add(wanted)
    return { cost: 5, run: (scope) => strongest(scope.signals, wanted) }
  },
  signals(_, [name], build) {
    const wanted = known(name!, 'signal', build.options.names.signals)
    build.reads.signals.add(wanted)
    return { cost: 5, run: (scope) => scope.signals.filter((signal) => signal.name === wanted) }
  },
  hasLabel(_, [subject, name], build, context) {
    const label = known(name!, 'label', build.options.names.labels)
    const type = context.typeOf(subject!).toLowerCase() as 'actor' | 'item' | 'thread' | 'target'
    build.reads.labels.add(label)
    build.reads.subjects.add(type)
    const of = context.compileNode(subject!, build)
    return {
      cost: of.cost + 3,
      run: (scope) => {
        const value = of.run(scope)
        const id = own(value, 'id')
        if (typeof id !== 'string') return null
        return scope.hasLabel(type === 'target' ? targetKind(value) : type, id, label)
      },
    }
  },
  inList(_, [name, text], build, context) {
    const list = known(name!, 'list', build.options.names.lists)
    build.reads.lists.add(list)
    const of = context.compileNode(text!, build)
    return {
      cost: of.cost + 3,
      run: (scope) => {
        const value = of.run(scope)
        if (typeof value !== 'string') return null
        return scope.inList === undefined ? scope.lists.get(list)!(value) : scope.inList(list, value)
      },
    }
  },
  crosses(_, [feature, limit], build, context) {
    const { name, index } = featureOf(feature!, build)
    build.reads.features.add(name)
    build.reads.previous.add(name)
    const of = context.compileNode(limit!, build)
    return {
      cost: of.cost + 2,
      run: (scope) => {
        const line = of.run(scope)
        const before = scope.features.before[index]
        const value = scope.features.values[index]
        if (typeof line !== 'number' || typeof before !== 'number' || typeof value !== 'number') return null
        return before < line && value >= line
      },
    }
  },
  previous(_, [feature], build) {
    const { name, index } = featureOf(feature!, build)
    build.reads.previous.add(name)
    return { cost: 1, run: (scope) => scope.features.before[index] ?? null }
  },
  has(_, [field], build, context) {
    context.checkField(field!)
    const of = context.compileNode(field!, build)
    return { cost: of.cost + 1, run: (scope) => of.run(scope) !== null }
  },
}

function strongest(signals: readonly Signal[], name: string): Signal | null {
  let best: Signal | null = null
  for (const signal of signals)
    if (signal.name === name && (best === null || signal.confidence > best.confidence)) best = signal
  return best
}

/** Targets are accounts unless they say otherwise. */
export function targetKind(target: unknown): SubjectKind {
  const kind = own(target, 'kind')
  return subjectKinds.find((subjectKind) => subjectKind === kind) ?? 'actor'
}

type Iterate = (
  items: readonly unknown[],
  test: (item: unknown) => unknown,
  make: (item: unknown) => unknown,
) => unknown

const comprehensions: Record<string, Iterate> = {
  exists(items, test) {
    let unknown = false
    for (const item of items) {
      const value = test(item)
      if (value === true) return true
      if (value !== false) unknown = true
    }
    return unknown ? null : false
  },
  all(items, test) {
    let unknown = false
    for (const item of items) {
      const value = test(item)
      if (value === false) return false
      if (value !== true) unknown = true
    }
    return unknown ? null : true
  },
  exists_one: (items, test) => items.filter((item) => test(item) === true).length === 1,
  filter: (items, test) => items.filter((item) => test(item) === true),
  map: (items, test, make) => items.filter((item) => test(item) === true).map(make),
}

function compileComprehension(node: ASTNode & { op: 'rcall' }, build: Build, context: CallContext): Compiled {
  const [name, receiver, args] = node.args
  const list = context.compileNode(receiver, build)
  const slot = nextSlot(build)
  const inner = { ...build, locals: new Map(build.locals).set((args[0] as ASTNode & { op: 'id' }).args, slot) }
  const always: Compiled = { cost: 0, run: () => true }
  const hasMake = name === 'map'
  const test = hasMake && args.length === 2 ? always : context.compileNode(args[1]!, inner)
  const make = hasMake ? context.compileNode(args.at(-1)!, inner) : always
  const iterate = comprehensions[name]!
  const length = receiver.op === 'list' ? receiver.args.length : context.listLengthAssumed
  return {
    cost: list.cost + length * (test.cost + make.cost + 1),
    run: (scope) => {
      const items = list.run(scope)
      if (!Array.isArray(items)) return null
      const bound = (run: Run) => (item: unknown) => {
        scope.slots[slot] = item
        return run(scope)
      }
      return iterate(items, bound(test.run), bound(make.run))
    },
  }
}

/** Above every slot in use: a variable may hide another of the same name, whose slot must stay its own. */
function nextSlot(build: Build): number {
  return Math.max(-1, ...build.locals.values()) + 1
}

function compileBind(node: ASTNode & { op: 'rcall' }, build: Build, context: CallContext): Compiled {
  const [variable, value, body] = node.args[2]
  const bound = context.compileNode(value!, build)
  const slot = nextSlot(build)
  const inner = { ...build, locals: new Map(build.locals).set((variable as ASTNode & { op: 'id' }).args, slot) }
  const of = context.compileNode(body!, inner)
  return {
    cost: bound.cost + of.cost,
    run: (scope) => {
      scope.slots[slot] = bound.run(scope)
      return of.run(scope)
    },
  }
}
