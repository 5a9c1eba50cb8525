import { Errors } from 'typebox/value'
import { isMap, isScalar, LineCounter, parseDocument, visit, type Document, type Node, type ParsedNode } from 'yaml'
import { InputError, quote, type FieldProblem } from '../domain/error.ts'
import type { RuleDocument, RuleFile } from '../domain/rule.ts'
import { fileBytesMax, ruleFileSchema } from './schema.ts'

export type Path = (string | number)[]
type Place = { line: number; column: number }

/** A rule file whose shape is right, and where everything in it stands. Conditions are not checked yet. */
export type ParsedRuleFile = {
  file: RuleFile
  document: Document.Parsed<ParsedNode>
  /** Line and column (from 1) of a value, or of its key when `key` is set. */
  placeOf: (path: Path, key?: boolean) => Place
  /** Line and column of a character of a text value, such as a place inside a condition. */
  placeIn: (path: Path, offset: number) => Place
  /** A problem with its field, value, line and column. */
  problemAt: (
    path: Path,
    problem: string,
    more?: { offset?: number; key?: boolean; limit?: number | string },
  ) => FieldProblem
}

/** Reads YAML into a rule file. Throws an InputError that names every problem with line and column. */
export function parseRuleFile(text: string): ParsedRuleFile {
  const bytes = Buffer.byteLength(text)
  if (bytes > fileBytesMax)
    throw new InputError(`Cannot read the rule file: it has ${bytes} bytes`, [
      { field: '', problem: `has ${bytes} bytes`, limit: fileBytesMax },
    ])
  refuseDeepNesting(text)
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    schema: 'core',
    version: '1.2',
    logLevel: 'silent',
  })
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  fail(
    document.errors.map((error) => ({
      field: '',
      problem: error.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, ''),
      ...place(error.pos[0]),
    })),
  )
  const forbidden: FieldProblem[] = []
  visit(document, {
    Node(_, node) {
      // Aliases can blow a small file up to gigabytes, and tags name types that rules do not have.
      const { anchor, tag, range } = node as { anchor?: string; tag?: string; range?: [number, number, number] }
      if (node.constructor.name === 'Alias' || anchor !== undefined)
        forbidden.push({ field: '', problem: 'anchors and aliases are not allowed', ...place(range?.[0] ?? 0) })
      else if (tag !== undefined && !tag.startsWith('tag:yaml.org,2002:'))
        forbidden.push({ field: '', problem: `the tag ${quote(tag)} is not allowed`, ...place(range?.[0] ?? 0) })
    },
  })
  fail(forbidden)

  const nodeAt = (path: Path): Node | undefined =>
    (path.length === 0 ? document.contents : document.getIn(path, true)) as Node | undefined
  const keyAt = (path: Path): Node | undefined => {
    const parent = nodeAt(path.slice(0, -1))
    if (!isMap(parent)) return undefined
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)))
    return pair?.key as Node | undefined
  }
  const placeOf = (path: Path, key = false): Place => {
    for (let length = path.length; length >= 0; length--) {
      const part = path.slice(0, length)
      const node = key && length === path.length ? (keyAt(part) ?? nodeAt(part)) : nodeAt(part)
      if (node?.range) return place(node.range[0])
    }
    return { line: 1, column: 1 }
  }
  const placeIn = (path: Path, offset: number): Place => {
    const node = nodeAt(path)
    if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return placeOf(path)
    return place(sourceOffset(text, node.range[0], node.range[1], node.value, offset, node.type))
  }
  const problemAt: ParsedRuleFile['problemAt'] = (path, problem, { offset, key, limit } = {}) => {
    const value = valueAt(document, path)
    return {
      field: fieldName(path),
      problem,
      ...(value === undefined || typeof value === 'object' ? {} : { value: quote(value) }),
      ...(limit === undefined ? {} : { limit }),
      ...(offset === undefined ? placeOf(path, key) : placeIn(path, offset)),
    }
  }

  const value: unknown = document.toJS({ maxAliasCount: 0 }) ?? {}
  fail(shapeProblems(value, problemAt))
  return { file: normalised(value as RuleFile), document, placeOf, placeIn, problemAt }
}

function fail(problems: FieldProblem[]): void {
  if (problems.length > 0) throw ruleFileError(problems)
}

/** The InputError of a rule file; its message is the first problem. */
export function ruleFileError(problems: FieldProblem[]): InputError {
  const { field, problem, line, column } = problems[0]!
  const where = line === undefined ? '' : ` (line ${line}, column ${column})`
  const more = problems.length > 1 ? `, and ${problems.length - 1} more` : ''
  return new InputError(`Cannot load the rules: ${field === '' ? '' : `${field} `}${problem}${where}${more}`, problems)
}

const nestingMax = 40

/** The YAML parser notices deep nesting itself, but slowly; runs of openings are refused before it starts. */
function refuseDeepNesting(text: string): void {
  const run = /(?:[[{][ \n]{0,8}){41}|(?:[-?] {1,8}){41}/.exec(text)
  if (run === null) return
  const before = text.slice(0, run.index).split('\n')
  const place = { line: before.length, column: before.at(-1)!.length + 1 }
  throw ruleFileError([{ field: '', problem: 'is nested too deeply', limit: nestingMax, ...place }])
}

function fieldName(path: Path): string {
  return path.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[${part}]` : name === '' ? part : `${name}.${part}`),
    '',
  )
}

function valueAt(document: Document, path: Path): unknown {
  return path.length === 0 ? undefined : document.getIn(path)
}

function shapeProblems(value: unknown, problemAt: ParsedRuleFile['problemAt']): FieldProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [problemAt([], 'must be a map of features, lists, labels and rules')]
  const problems: FieldProblem[] = []
  const seen = new Set<string>()
  for (const error of Errors(ruleFileSchema, value)) {
    if (error.keyword === 'boolean' || error.keyword === 'anyOf') continue
    const path = pathOf(error.instancePath, value)
    const add = (at: Path, problem: string, key = false) => {
      const mark = `${fieldName(at)}|${problem}`
      if (seen.has(mark)) return
      seen.add(mark)
      problems.push(problemAt(at, problem, { key }))
    }
    const parameters = error.params as Record<string, unknown>
    if (error.keyword === 'additionalProperties')
      for (const name of parameters.additionalProperties as string[])
        add(
          [...path, name],
          path.length === 1 ? 'must be named in lower case letters, digits and _' : 'unknown field',
          true,
        )
    else if (error.keyword === 'required')
      for (const name of parameters.requiredProperties as string[]) add([...path], `"${name}" is required`)
    else if (error.keyword === 'enum') add(path, `must be one of ${(parameters.allowedValues as unknown[]).join(', ')}`)
    else if (error.keyword === 'minProperties') add(path, 'must have exactly one effect')
    else if (error.keyword === 'maxProperties' && path[0] === 'rules') add(path, 'must have exactly one effect')
    else add(path, error.message)
    if (problems.length >= 100) break
  }
  return problems
}

/** The path of a JSON pointer; numbers where it goes through arrays. */
function pathOf(pointer: string, value: unknown): Path {
  const path: Path = []
  let at = value
  for (const raw of pointer.split('/').slice(1)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(at) ? Number(part) : part)
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined
  }
  return path
}

function normalised(file: RuleFile): RuleFile {
  const asList = (on: unknown) => (typeof on === 'string' ? [on] : (on as string[]))
  return {
    ...file,
    ...(file.features && {
      features: Object.fromEntries(
        Object.entries(file.features).map(([name, feature]) => [name, { ...feature, on: asList(feature.on) }]),
      ),
    }),
    ...(file.rules && { rules: file.rules.map((rule): RuleDocument => ({ ...rule, on: asList(rule.on) })) }),
  }
}

/**
 * Where in the file a character of a scalar's value comes from. Block and quoted scalars differ from their source by
 * indents, folded line ends and escapes, so both are walked together, skipping source that made no character.
 */
function sourceOffset(
  text: string,
  from: number,
  until: number,
  value: string,
  offset: number,
  type: string | undefined,
): number {
  let at = from
  if (type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED') at = text.indexOf('\n', from) + 1
  else if (type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') at = from + 1
  for (let index = 0; index <= Math.min(offset, value.length - 1); index++) {
    const wanted = value[index]!
    const white = wanted === ' ' || wanted === '\n'
    while (at < until && text[at] !== wanted && !(white && text[at] === '\n')) at++
    if (index === offset) return Math.min(at, until)
    at++
  }
  return Math.min(at, until)
}
