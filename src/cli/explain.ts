import { createPolicies } from '../enforcement/policies.ts'
import { explain, type Explanation, type Step } from '../flows/explain.ts'
import { reevaluateProposal } from '../flows/rule-trace.ts'
import { parse, type Command } from './command.ts'
import { withInstallation } from './installation.ts'

export const command: Command = {
  name: 'explain',
  summary: 'print why a decision was made and what followed, and replay it',
  usage: `DECISION [--tenant ID] [--data DIR] [--json]
  Prints the chain from the event over signals, rule and verdict to the decision and everything after it, each step with
  its reasons and values. Then the rule is evaluated again on what it saw, and the consequences are derived again from the
  ledger. Exit code 1 when either comes out differently.`,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      { data: { type: 'string' }, tenant: { type: 'string' }, json: { type: 'boolean' } },
      { min: 1, max: 1 },
    )
    const decisionId = positionals[0]!
    return withInstallation(io, { ...values, purpose: 'explain' }, async ({ db, clock, tenantId }) => {
      const explanation = await explain(
        db.query,
        {
          policies: createPolicies(),
          clock,
          reevaluate: (tenant, proposal) => reevaluateProposal(db.query, tenant, proposal),
        },
        tenantId,
        decisionId,
      )
      if (explanation === undefined)
        throw new Error(`Cannot explain: tenant "${tenantId}" has no decision "${decisionId}"`)
      io.stdout.write(values.json === true ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation))
      return explanation.replay.same && explanation.rule?.same !== false ? 0 : 1
    })
  },
}

/** An explanation as a tree of lines: what happened, when, and why, indented under what it followed from. */
export function explanationText({ decisionId, tree, replay, rule }: Explanation): string {
  const lines = [`Decision ${decisionId}`, '']
  const print = ({ title, atMs, because, children }: Step, indent: string, branch: string) => {
    lines.push(`${indent}${branch}${title}`)
    const below = indent + (branch === '' ? '' : branch === '└─ ' ? '   ' : '│  ')
    const bar = children.length > 0 ? '│  ' : '   '
    lines.push(`${below}${bar}${new Date(atMs).toISOString()}`)
    for (const reason of because)
      lines.push(`${below}${bar}${reason.name} = ${oneLine(reason.value)}: ${oneLine(reason.because)}`)
    children.forEach((child, at) => print(child, below, at === children.length - 1 ? '└─ ' : '├─ '))
  }
  print(tree, '', '')
  lines.push('')
  if (rule !== undefined) lines.push(`${rule.same ? 'same  ' : 'DIFFERS'}  rule: ${rule.detail}`)
  lines.push(`${replay.same ? 'same  ' : 'DIFFERS'}  consequences: ${replay.detail}`)
  return `${lines.join('\n')}\n`
}

const shownLengthMax = 200

/** A value on one line, without the control characters that could repaint a terminal. */
function oneLine(value: unknown): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')).replaceAll(/\p{C}+/gu, ' ')
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text
}
