import { posix } from 'node:path'

/** A source file of the project: path from the root with forward slashes, and its text. */
export type Source = { path: string; text: string }
/** One thing out of order: where, and what in words. */
export type Finding = { path: string; line: number; problem: string }

/** TypeScript source taken apart just far enough: same offsets as the original. */
export type Scanned = {
  /** Comments blanked. */
  code: string
  /** Comments and the content of strings, templates and regular expressions blanked. */
  bare: string
  /** Text of string and template literals, with where each begins. */
  literals: { at: number; text: string }[]
}

const regexMayFollow = /(?:[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield))$/

/** Takes TypeScript source apart into code, strings and comments. Knows templates, regular expressions and JSX text. */
export function scan(text: string): Scanned {
  // By UTF-16 units, so that offsets stay those of the original.
  const code = text.split('')
  const bare = code.slice()
  const literals: Scanned['literals'] = []
  const blank = (target: string[], from: number, to: number) => {
    for (let at = from; at < to; at++) if (target[at] !== '\n') target[at] = ' '
  }
  // Depth of braces inside each open template expression.
  const templates: number[] = []
  let before = ''

  const templateText = (from: number): number => {
    let at = from
    while (at < text.length && text[at] !== '`' && !(text[at] === '$' && text[at + 1] === '{'))
      at += text[at] === '\\' ? 2 : 1
    literals.push({ at: from, text: text.slice(from, at) })
    blank(bare, from, Math.min(at, text.length))
    if (text[at] === '$') {
      templates.push(0)
      return at + 2
    }
    return at + 1
  }

  for (let at = 0; at < text.length;) {
    const char = text[at]!
    if (char === '/' && text[at + 1] === '/') {
      const end = text.indexOf('\n', at) === -1 ? text.length : text.indexOf('\n', at)
      blank(code, at, end)
      blank(bare, at, end)
      at = end
      continue
    }
    if (char === '/' && text[at + 1] === '*') {
      const end = text.indexOf('*/', at) === -1 ? text.length : text.indexOf('*/', at) + 2
      blank(code, at, end)
      blank(bare, at, end)
      at = end
      continue
    }
    if (char === "'" || char === '"') {
      let end = at + 1
      while (end < text.length && text[end] !== char && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1
      // An apostrophe in JSX text has no partner on its line.
      if (text[end] === char) {
        literals.push({ at: at + 1, text: text.slice(at + 1, end) })
        blank(bare, at + 1, end)
        at = end + 1
        before = char
        continue
      }
    }
    if (char === '`') {
      at = templateText(at + 1)
      before = '`'
      continue
    }
    if (char === '}' && templates.at(-1) === 0) {
      templates.pop()
      at = templateText(at + 1)
      before = '`'
      continue
    }
    if (templates.length > 0 && char === '{') templates[templates.length - 1]!++
    if (templates.length > 0 && char === '}') templates[templates.length - 1]!--
    if (char === '/' && (before === '' || regexMayFollow.test(before))) {
      let end = at + 1
      for (let inClass = false; end < text.length && text[end] !== '\n' && (inClass || text[end] !== '/'); end++) {
        if (text[end] === '\\') end++
        else if (text[end] === '[') inClass = true
        else if (text[end] === ']') inClass = false
      }
      if (text[end] === '/') {
        blank(bare, at + 1, end)
        at = end + 1
        before = '/'
        continue
      }
    }
    if (!/\s/.test(char)) before = (before + char).slice(-12)
    else if (!before.endsWith(' ') && /\w$/.test(before) && !regexMayFollow.test(before)) before += ' '
    at++
  }
  return { code: code.join(''), bare: bare.join(''), literals }
}

const lineOf = (text: string, at: number) => text.slice(0, at).split('\n').length

export type Import = {
  specifier: string
  line: number
  reexport: boolean
  /** Gone at run time: a type alone, or a worker named by URL. */ loose: boolean
}

/** Everything a file imports: static, type-only, re-exported, dynamic, and workers by URL. */
export function importsOf(text: string): Import[] {
  const { code, bare } = scan(text)
  const found: Import[] = []
  const shapes = [
    /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])/g,
    /\bimport\s*(['"])/g,
    /\bimport\s*\(\s*(['"])/g,
    /\bnew\s+URL\s*\(\s*(['"])/g,
  ]
  for (const shape of shapes) {
    for (const match of bare.matchAll(shape)) {
      const begin = match.index + match[0].length
      const specifier = code.slice(begin, bare.indexOf(match[1]!, begin))
      const worker = match[0].startsWith('new')
      if (worker && !/\.(ts|tsx|mjs|js)$/.test(specifier)) continue
      const names = /\{([^}]*)\}/
        .exec(match[0])?.[1]
        ?.split(',')
        .filter((name) => name.trim() !== '')
      const typeOnly =
        /^(import|export)\s+type\b/.test(match[0]) ||
        (/^(import|export)\s*\{/.test(match[0]) && names!.every((name) => /^\s*type\s/.test(name)))
      found.push({
        specifier,
        line: lineOf(text, match.index),
        reexport: match[0].startsWith('export'),
        loose: worker || typeOnly,
      })
    }
  }
  return found
}

export const systems = [
  'match',
  'rules',
  'networks',
  'enforcement',
  'appeals',
  'review',
  'labels',
  'cases',
  'notes',
  'insight',
] as const
const ground = ['domain', 'kernels', 'storage', 'streams', 'media']

/** What each area may see, besides itself. An area is the longest of these names that begins the path below src/. */
export const sees: Record<string, readonly string[]> = {
  domain: [],
  kernels: [],
  storage: ground,
  streams: ground,
  media: ground,
  ledger: ground,
  ...Object.fromEntries(systems.map((system) => [system, [...ground, 'ledger']])),
  sim: ['domain', 'kernels'],
  flows: [...ground, 'ledger', ...systems, 'sim'],
  'http/contract': ['domain'],
  'http/client.ts': ['domain', 'http/contract'],
  http: [...ground, 'ledger', ...systems, 'flows', 'http/contract', 'http/client.ts', 'sim', 'config.ts', 'release.ts'],
  console: ['domain', 'http/contract', 'http/client.ts'],
  'config.ts': ['domain'],
  'release.ts': [],
  'parts.ts': ['media', 'config.ts'],
  'stops.ts': [],
  'app.ts': [
    ...ground,
    'ledger',
    ...systems,
    'sim',
    'flows',
    'http',
    'http/contract',
    'http/client.ts',
    'config.ts',
    'release.ts',
    'parts.ts',
    'stops.ts',
  ],
  cli: [
    ...ground,
    'ledger',
    ...systems,
    'sim',
    'flows',
    'http',
    'http/contract',
    'http/client.ts',
    'config.ts',
    'release.ts',
    'parts.ts',
    'app.ts',
  ],
}

/** Packages that only some areas may use; every other one is open to all but domain and kernels. */
export const packageHomes: { package: RegExp; areas: readonly string[] }[] = [
  { package: /^pg(-|$)/, areas: ['storage'] },
  { package: /^(@platformatic\/kafka|kafkajs)$/, areas: ['streams'] },
  { package: /^(iovalkey|ioredis)$/, areas: ['streams', 'storage', 'rules'] },
  { package: /^sharp$|^heic-decode$/, areas: ['media'] },
  { package: /^(@?fastify)(\/|$)/, areas: ['http', 'app.ts'] },
  {
    package: /^(react|react-dom|@mantine|@tanstack|@tabler|uplot|codemirror|@codemirror|@vitejs|vite)(\/|$|-)/,
    areas: ['console'],
  },
]

export const isTest = (path: string) => /\.test\.tsx?$/.test(path)

/** The area that a file under src/ belongs to, or undefined for one that has none. */
export function areaOf(path: string): string | undefined {
  const below = path.replace(/^src\//, '')
  return Object.keys(sees)
    .filter((area) => below === area || below.startsWith(`${area}/`))
    .sort((a, b) => b.length - a.length)[0]
}

const resolveFrom = (path: string, specifier: string) => posix.normalize(posix.join(posix.dirname(path), specifier))

/** Imports that climb over a wall. Tests may reach for what they test with, so they are left out. */
export function wallFindings(files: readonly Source[]): Finding[] {
  return files
    .filter((file) => file.path.startsWith('src/') && !isTest(file.path))
    .flatMap((file) => {
      const area = areaOf(file.path)
      if (area === undefined)
        return [{ path: file.path, line: 1, problem: 'is in no area of the house; add it to test/walls.ts' }]
      return importsOf(file.text).flatMap(({ specifier, line }) => {
        const problem = wallProblem(file.path, area, specifier)
        return problem === undefined ? [] : [{ path: file.path, line, problem }]
      })
    })
}

function wallProblem(path: string, area: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) {
    if (area === 'domain' || area === 'kernels')
      return `${area} imports nothing outside itself, yet imports "${specifier}"`
    if (
      (area === 'console' || area === 'http/contract' || area === 'http/client.ts') &&
      specifier.startsWith('node:') &&
      !path.endsWith('vite.config.ts')
    )
      return `${area} runs in browsers, yet imports "${specifier}"`
    const home = packageHomes.find((entry) => entry.package.test(specifier))
    if (home !== undefined && !home.areas.includes(area))
      return `"${specifier}" belongs to ${home.areas.join(', ')}, not to ${area}`
    return undefined
  }
  const target = resolveFrom(path, specifier)
  if (!target.startsWith('src/')) return target === 'package.json' ? undefined : `reaches outside src: "${specifier}"`
  const other = areaOf(target)
  if (other === area || (other !== undefined && sees[area]!.includes(other))) return undefined
  return `${area} must not see ${other ?? target} ("${specifier}")`
}

/** Circles of imports that exist at run time, each told once. Types may refer to each other. */
export function cycleFindings(files: readonly Source[]): Finding[] {
  const known = new Set(files.map((file) => file.path))
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file.text)
        .filter(({ specifier, loose }) => specifier.startsWith('.') && !loose)
        .map(({ specifier }) => resolveFrom(file.path, specifier))
        .filter((target) => known.has(target)),
    ]),
  )
  const findings: Finding[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: string[]) => {
    const from = trail.indexOf(path)
    if (from !== -1) {
      findings.push({ path, line: 1, problem: `imports itself: ${[...trail.slice(from), path].join(' -> ')}` })
      return
    }
    if (done.has(path)) return
    for (const target of edges.get(path) ?? []) walk(target, [...trail, path])
    done.add(path)
  }
  for (const file of files) walk(file.path, [])
  return findings
}

const sql =
  /\bSELECT\b[\s\S]+\bFROM\b|\bSELECT\s+[a-z_]+\(|\bINSERT\s+INTO\b|\bUPDATE\s+[\w"]+(\s+\w+)?\s+SET\b|\bDELETE\s+FROM\b|\b(CREATE|ALTER|DROP|TRUNCATE|LOCK)\s+TABLE\b/

/** SQL outside storage/ and the store.ts of a system, or of a folder in one. */
export function sqlFindings(files: readonly Source[]): Finding[] {
  return files
    .filter(({ path }) => path.startsWith('src/') && !isTest(path) && !path.startsWith('src/storage/'))
    .filter(({ path }) => !/^src\/[a-z]+\/([a-z-]+\/)?store\.ts$/.test(path))
    .flatMap(({ path, text }) =>
      joined(scan(text).literals, text)
        .filter((literal) => sql.test(literal.text))
        .map((literal) => ({
          path,
          line: lineOf(text, literal.at),
          problem: 'holds SQL; it belongs in storage/ or in the store.ts of its system',
        })),
    )
}

/** Pieces of one template, cut by its expressions, put together again. */
function joined(literals: Scanned['literals'], text: string): Scanned['literals'] {
  const out: Scanned['literals'] = []
  for (const literal of [...literals].sort((a, b) => a.at - b.at)) {
    const last = out.at(-1)
    if (last !== undefined && text[literal.at - 1] === '}') last.text += ` ${literal.text}`
    else out.push({ ...literal })
  }
  return out
}

const clocks = /\bDate\s*\.\s*now\b|\bMath\s*\.\s*random\b|\bnew\s+Date\s*\(\s*\)|\bnew\s+Date\b(?!\s*\()/g

/** Clock and randomness taken instead of given. */
export function clockFindings(files: readonly Source[]): Finding[] {
  return files
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .filter(({ path }) => path !== 'src/app.ts' && !path.startsWith('src/cli/') && !path.startsWith('src/console/'))
    .flatMap(({ path, text }) => {
      const { bare } = scan(text)
      return [...bare.matchAll(clocks)].map((match) => ({
        path,
        line: lineOf(text, match.index),
        problem: `uses ${match[0].replaceAll(/\s+/g, ' ')}; the clock and randomness are passed in`,
      }))
    })
}

const shapes: { find: RegExp; problem: string; in?: 'code' | 'bare' | 'text'; except?: RegExp }[] = [
  {
    find: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/gm,
    problem: 'declares an enum; use a union of strings',
  },
  { find: /^\s*@[A-Za-z_]\w*(?:\(|\s*$)/gm, problem: 'uses a decorator' },
  { find: /^\s*(?:export\s+)?namespace\s+\w/gm, problem: 'declares a namespace' },
  { find: /\bexport\s+default\b/g, problem: 'has a default export', except: /vite\.config\.ts$/ },
  { find: /\bexport\s*\*/g, problem: 're-exports everything of another file; import from where it is made' },
  { find: /\b(?:TODO|FIXME|XXX)\b/g, problem: 'has an unfinished place', in: 'text', except: /^test\/(walls|tidy)/ },
  { find: /@ts-(?:ignore|nocheck)\b/g, problem: 'silences the compiler', in: 'text', except: /^test\/(walls|tidy)/ },
  {
    find: /(?<![\w.~$}:-])\/(?:home|root|tmp|work|mnt|Users)\//g,
    problem: 'names a path of one machine',
    in: 'text',
    except: /^test\/(walls|tidy)/,
  },
]

/** Constructs that this project does without. */
export function shapeFindings(files: readonly Source[]): Finding[] {
  return files.flatMap(({ path, text }) => {
    const scanned = scan(text)
    const findings = shapes
      .filter((shape) => shape.except === undefined || !shape.except.test(path))
      .flatMap((shape) => {
        const target = shape.in === 'text' ? text : shape.in === 'code' ? scanned.code : scanned.bare
        return [...target.matchAll(shape.find)].map((match) => ({
          path,
          line: lineOf(text, match.index + match[0].length - match[0].trimStart().length),
          problem: shape.problem,
        }))
      })
    const vague = path.split('/').find((part) => /^(utils?|helpers?|misc|common|shared|lib)(\.|$)/.test(part))
    if (vague !== undefined) findings.push({ path, line: 1, problem: `is named "${vague}", which says nothing` })
    const imports = importsOf(text)
    if (/(^|\/)index\.tsx?$/.test(path) && imports.some((entry) => entry.reexport))
      findings.push({ path, line: 1, problem: 'is a barrel: import from where things are made' })
    return findings
  })
}

export const linesMax = 600
/** A scenario is one story from beginning to end; cutting it in two would hide what follows from what. */
export const scenarioLinesMax = 900
export const linesWarn = 400

/** Files longer than one subject should need. */
export function lengthFindings(files: readonly Source[], limit = linesMax): Finding[] {
  return files
    .map(({ path, text }) => ({
      path,
      lines: text.split('\n').length,
      limit: path.startsWith('test/scenarios/') ? Math.max(limit, scenarioLinesMax) : limit,
    }))
    .filter(({ lines, limit: most }) => lines > most)
    .map(({ path, lines }) => ({
      path,
      line: lines,
      problem: `has ${lines} lines (limit ${limit}); does it have one subject?`,
    }))
}

const rowNames = /^(select|insert|update|upsert|delete|touch|move|save|load|count)[A-Z]/

/**
 * Exported functions without a docstring. Screens and commands explain themselves on the screen, routes in their
 * contract, and row functions of stores (`selectHeads`, `insertSeals`) by name and SQL.
 */
export function docFindings(files: readonly Source[]): Finding[] {
  return files
    .filter(({ path }) => path.startsWith('src/') && !isTest(path) && !/^src\/(console|cli|http\/routes)\//.test(path))
    .flatMap(({ path, text }) => {
      const { bare } = scan(text)
      const findings: Finding[] = []
      let previous = ''
      for (const match of bare.matchAll(/^export\s+(?:async\s+)?function\s*\*?\s*(\w+)/gm)) {
        const name = match[1]!
        const row =
          /^src\/[a-z]+\/([a-z-]+\/)?store\.ts$/.test(path) || (path.startsWith('src/storage/') && rowNames.test(name))
        if (!row && name !== previous && !text.slice(0, match.index).trimEnd().endsWith('*/'))
          findings.push({ path, line: lineOf(text, match.index), problem: `exports ${name} without a docstring` })
        previous = name
      }
      return findings
    })
}

/** Tests that do not name a promise, name it twice, run alone, or check nothing. */
export function testFindings(files: readonly Source[]): Finding[] {
  return files
    .filter(({ path }) => isTest(path))
    .flatMap(({ path, text }) => {
      const { bare, code } = scan(text)
      const findings: Finding[] = []
      const say = (at: number, problem: string) => void findings.push({ path, line: lineOf(text, at), problem })
      const titles = new Set<string>()
      for (const match of bare.matchAll(/(?<![\w.])(?:test|it)\s*\(\s*(['"`])/g)) {
        const begin = match.index + match[0].length
        const title = code.slice(begin, bare.indexOf(match[1]!, begin))
        if (title.includes('${')) continue
        if (title.trim().split(/\s+/).length < 3) say(match.index, `test "${title}" does not say what holds`)
        if (/^(should|works?|test)\b/i.test(title)) say(match.index, `test "${title}" does not name a promise`)
        if (titles.has(title)) say(match.index, `test "${title}" is there twice`)
        titles.add(title)
      }
      for (const match of bare.matchAll(/\b(?:test|it|describe|suite)\s*\.\s*(only|todo)\b/g))
        say(match.index, `has a .${match[1]} test`)
      // A scenario may hand its checks to a file beside it.
      const elsewhere = importsOf(text).some(({ specifier }) => path.startsWith('test/') && specifier.startsWith('.'))
      if (!/\bassert\b/.test(bare) && !elsewhere) say(0, 'asserts nothing')
      return findings
    })
}
