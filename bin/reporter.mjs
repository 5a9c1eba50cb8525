// Node's own "spec" report, with one addition: right before its summary it says what was skipped, and why.
import { Readable } from 'node:stream'
import { spec } from 'node:test/reporters'

export default async function* reporter(source) {
  yield* Readable.from(withSkips(source)).pipe(new spec())
}

async function* withSkips(source) {
  const skipped = new Map()
  let files = 0
  let told = false
  for await (const event of source) {
    if ((event.type === 'test:pass' || event.type === 'test:fail') && event.data.skip !== undefined) {
      const reason = typeof event.data.skip === 'string' && event.data.skip !== '' ? event.data.skip : 'no reason given'
      skipped.set(reason, [...(skipped.get(reason) ?? []), event.data.name])
    }
    if (event.type === 'test:summary' && event.data.file !== undefined) files++
    if (
      event.type === 'test:diagnostic' &&
      !told &&
      event.data.nesting === 0 &&
      /^tests \d+$/.test(event.data.message)
    ) {
      told = true
      yield { type: 'test:stdout', data: { message: skipReport(skipped) } }
    }
    yield event
  }
}

function skipReport(skipped) {
  const count = [...skipped.values()].reduce((sum, names) => sum + names.length, 0)
  const missing = (process.env.CUSTOS_TEST_MISSING ?? '').split('\n').filter((line) => line !== '')
  const lines = [`\n${count === 0 ? 'Nothing was skipped.' : `${count} skipped:`}`]
  for (const [reason, names] of skipped) {
    const examples = names
      .slice(0, 3)
      .map((name) => `"${name}"`)
      .join(', ')
    lines.push(`  ${names.length} because ${reason}: ${examples}${names.length > 3 ? ', ...' : ''}`)
  }
  return `${[...lines, ...missing.map((line) => `  ${line}`)].join('\n')}\n\n`
}
