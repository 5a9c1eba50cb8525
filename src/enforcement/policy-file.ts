import { readFileSync } from 'node:fs'
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml'
import { InputError, type FieldProblem } from '../domain/error.ts'
import { parsePolicy } from '../domain/parse-policy.ts'
import type { Policy } from '../domain/policy.ts'

/** Policies are written by hand; nothing sensible comes near this. */
export const policyBytesMax = 512 * 1024

/**
 * Reads a policy from YAML (or JSON, which is YAML). Throws an InputError that names every bad or unknown field with its
 * line and column.
 */
export function readPolicy(text: string): Policy {
  if (Buffer.byteLength(text) > policyBytesMax)
    throw new InputError(`Cannot read policy: it is larger than ${policyBytesMax} bytes`, [
      { field: '', problem: 'is too large', limit: policyBytesMax },
    ])
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, maxAliasCount: 100 } as object)
  if (document.errors.length > 0) {
    const problems = document.errors.map((error): FieldProblem => {
      const at = lines.linePos(error.pos[0])
      return { field: '', problem: error.message.split('\n')[0]!, line: at.line, column: at.col }
    })
    throw new InputError(`Cannot read policy: ${problems[0]!.problem} (line ${problems[0]!.line})`, problems)
  }
  let plain: unknown
  try {
    plain = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // Aliases of aliases, made to grow without bounds.
    const problem = (error as Error).message
    throw new InputError(`Cannot read policy: ${problem}`, [{ field: '', problem }])
  }
  try {
    return parsePolicy(plain)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const problems = error.problems.map((problem) => ({
      ...problem,
      ...place(document.contents, problem.field, lines),
    }))
    const line = problems[0]?.line
    throw new InputError(`${error.message}${line === undefined ? '' : ` (line ${line})`}`, problems)
  }
}

/** Line and column of a dotted path, or of the deepest part of it that is in the text. */
function place(root: Node | null, path: string, lines: LineCounter): { line?: number; column?: number } {
  let node: unknown = root
  let offset = root?.range?.[0]
  for (const key of path.split(/\.|\[(\d+)\]/).filter((part) => part !== undefined && part !== '')) {
    let next: unknown
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      offset = isScalar(pair?.key) ? (pair.key.range?.[0] ?? offset) : offset
      next = pair?.value
    } else if (isSeq(node)) {
      next = node.items[Number(key)]
      offset = (next as Node | undefined)?.range?.[0] ?? offset
    }
    if (next === undefined) break
    node = next
  }
  if (offset === undefined) return {}
  const at = lines.linePos(offset)
  return { line: at.line, column: at.col }
}

/** The policy that comes with Custos, as text. */
export function referencePolicyText(): string {
  return readFileSync(new URL('./reference-policy.yaml', import.meta.url), 'utf8')
}
