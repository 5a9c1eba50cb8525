import { escapeHtml } from './forms.ts'
import type { OpenApi, Operation, Parameter } from './openapi.ts'

type Schema = {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  description?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  default?: unknown
}

/** The reference of the API as one page: no scripts, nothing from elsewhere; `q` narrows it to routes with these words. */
export function docsPage(document: OpenApi, q: string, baseUrl: string): string {
  const words = q
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const shown = operations.filter(({ path, method, operation }) => {
    const text = JSON.stringify([
      path,
      method,
      operation.summary,
      operation.description,
      operation['x-scope'],
      operation.parameters,
    ]).toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const byTag = Map.groupBy(shown, ({ operation }) => operation.tags[0]!)
  const tags = [...byTag.keys()].sort()
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>API · Custos</title><style>${style}</style></head><body>
<nav aria-label="Areas"><h1>Custos API</h1>
<form role="search" method="get" action="/docs"><label for="q">Find routes</label>
<input id="q" name="q" type="search" value="${escapeHtml(q)}" maxlength="200"></form>
<ul>${tags.map((tag) => `<li><a href="#${tag}">${escapeHtml(tag)}</a></li>`).join('')}</ul>
<p><a href="/openapi.json">openapi.json</a></p></nav>
<main><p>${escapeHtml(String(document.info.description))}</p>
<p role="status">${words.length === 0 ? `${operations.length} routes.` : `${shown.length} of ${operations.length} routes have “${escapeHtml(q)}”. <a href="/docs">Show all</a>`}</p>
${tags
  .map(
    (tag) =>
      `<section id="${tag}"><h2>${escapeHtml(tag)}</h2>${byTag
        .get(tag)!
        .map((one) => routeSection(one.path, one.method, one.operation, baseUrl))
        .join('')}</section>`,
  )
  .join('')}
</main></body></html>`
}

function routeSection(path: string, method: string, operation: Operation, baseUrl: string): string {
  const parameters = operation.parameters ?? []
  const body = operation.requestBody?.content['application/json']
  const [status, success] = Object.entries(operation.responses).find(([code]) => code.startsWith('2')) as [
    string,
    { content: Record<string, { schema: Schema }> },
  ]
  const [type, answer] = Object.entries(success.content)[0]!
  const errors = Object.keys(operation.responses).filter((code) => !code.startsWith('2'))
  return `<article id="${escapeHtml(operation.operationId)}">
<h3><a href="#${escapeHtml(operation.operationId)}"><span class="method ${method.toLowerCase()}">${method}</span> <code>${escapeHtml(path)}</code></a></h3>
<p><strong>${escapeHtml(operation.summary)}.</strong> ${escapeHtml(operation.description ?? '')}</p>
<p class="quiet">${scopeText(operation['x-scope'])}</p>
${parameters.length === 0 ? '' : `<table><caption>Parameters</caption><tr><th>Name<th>In<th>Type<th>Meaning</tr>${parameters.map(parameterRow).join('')}</table>`}
${body === undefined ? '' : `<details><summary>Body</summary>${schemaTable(body.schema as Schema)}</details>`}
<details><summary>Answer: ${status}, ${escapeHtml(type)}</summary>${schemaTable(answer.schema)}<p class="quiet">Problems: ${errors.join(', ')}</p></details>
<pre tabindex="0"><code>${escapeHtml(curl(path, method, operation, baseUrl))}</code></pre>
</article>`
}

function scopeText(scope: string): string {
  if (scope === 'public') return 'Open to everyone.'
  if (scope === 'staff') return 'For people who are signed in.'
  return `Needs the scope <code>${escapeHtml(scope)}</code>.`
}

function parameterRow({ name, in: place, required, description, schema }: Parameter): string {
  return `<tr><td><code>${escapeHtml(name)}</code>${required ? ' <em>required</em>' : ''}<td>${place}<td>${typeText(schema as Schema)}<td>${escapeHtml(description ?? '')}</tr>`
}

const depthMax = 4

function schemaTable(schema: Schema, depth = 0): string {
  const target = schema.type === 'array' && schema.items !== undefined ? schema.items : schema
  const properties = propertiesOf(target)
  if (properties.length === 0 || depth > depthMax)
    return `<p>${typeText(schema)} ${escapeHtml(schema.description ?? '')}</p>`
  return `<table><tr><th>Field<th>Type<th>Meaning</tr>${properties
    .map(([name, field, required]) => {
      const inner = field.type === 'array' ? field.items : field
      const nested = inner !== undefined && propertiesOf(inner).length > 0 ? schemaTable(inner, depth + 1) : ''
      return `<tr><td><code>${escapeHtml(name)}</code>${required ? ' <em>required</em>' : ''}<td>${typeText(field)}<td>${escapeHtml(field.description ?? '')}${nested}</tr>`
    })
    .join('')}</table>`
}

function propertiesOf(schema: Schema): [string, Schema, boolean][] {
  if (schema.allOf !== undefined) return schema.allOf.flatMap(propertiesOf)
  return Object.entries(schema.properties ?? {}).map(([name, field]) => [
    name,
    field,
    schema.required?.includes(name) ?? false,
  ])
}

function typeText(schema: Schema): string {
  const limits = [
    ...(schema.minimum === undefined ? [] : [`≥ ${schema.minimum}`]),
    ...(schema.maximum === undefined ? [] : [`≤ ${schema.maximum}`]),
    ...(schema.maxLength === undefined ? [] : [`≤ ${schema.maxLength} characters`]),
    ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
  ]
  return escapeHtml([baseType(schema), ...limits].join(', '))
}

function baseType(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(baseType).join(' | ')
  if (schema.allOf !== undefined) return 'object'
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : baseType(schema.items)}`
  return schema.type === undefined ? 'anything' : String(schema.type)
}

function curl(path: string, method: string, operation: Operation, baseUrl: string): string {
  const lines = [`curl${method === 'GET' ? '' : ` -X ${method}`} '${baseUrl}${path}'`]
  if (operation['x-scope'] === 'staff') lines.push(`-b 'custos_session=…' -H 'Origin: ${baseUrl}'`)
  else if (operation['x-scope'] !== 'public') lines.push(`-H "Authorization: Bearer $CUSTOS_KEY"`)
  for (const parameter of operation.parameters ?? [])
    if (parameter.in === 'header')
      lines.push(`-H '${parameter.name}: ${parameter.name === 'If-Match' ? '"1"' : 'a-key-of-yours'}'`)
  const example = operation.requestBody?.content['application/json']?.example
  if (example !== undefined) {
    lines.push(`-H 'Content-Type: application/json'`)
    lines.push(`-d '${JSON.stringify(example).replaceAll("'", `'\\''`)}'`)
  }
  return lines.join(' \\\n  ')
}

const style = `
:root { color-scheme: light dark; --ink: light-dark(#1a1c1f, #e8eaed); --quiet: light-dark(#5a6068, #a4abb4);
  --line: light-dark(#d4d8dd, #343a41); --ground: light-dark(#fff, #16181b); --panel: light-dark(#f4f5f7, #1f2226); --accent: light-dark(#2f5bd0, #8fb0ff); }
* { box-sizing: border-box; } body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 14rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.25rem; background: var(--panel); border-right: 1px solid var(--line); }
nav h1 { font-size: 1.1rem; margin: 0 0 1rem; } nav ul { list-style: none; padding: 0; } nav li { margin: .15rem 0; }
label { display: block; } input { width: 100%; font: inherit; padding: .35rem .5rem; border: 1px solid light-dark(#868e96, #7b838c); border-radius: 4px; background: var(--ground); color: inherit; }
main { padding: 1.5rem 2rem 4rem; max-width: 62rem; } h2 { border-bottom: 1px solid var(--line); padding-bottom: .25rem; margin-top: 2.5rem; }
article { margin: 1.5rem 0 2rem; } h3 { font-size: 1rem; margin: 0; } h3 a { color: inherit; text-decoration: none; } h3 a:hover { text-decoration: underline; }
article:target { outline: 2px solid var(--accent); outline-offset: .75rem; border-radius: 4px; }
.method { display: inline-block; min-width: 4rem; font-weight: 700; color: var(--accent); } .quiet, caption { color: var(--quiet); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; } caption { text-align: left; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
td table { margin: .25rem 0; } pre { background: var(--panel); padding: .75rem; overflow: auto; border-radius: 4px; } code { font: 13px/1.45 ui-monospace, monospace; }
summary { cursor: pointer; color: var(--accent); } a { color: var(--accent); } :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; } main { padding: 1rem; } table { display: block; overflow: auto; } }
`
