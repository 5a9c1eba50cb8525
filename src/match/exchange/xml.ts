import { XMLParser } from 'fast-xml-parser'
import { ExchangeError } from './call.ts'

/** An element: its text, attributes under `@name`, and children by name, always as lists. */
export type XmlElement = { text: string; attributes: Record<string, string>; children: Record<string, XmlElement[]> }

const depthMax = 32
const predefined: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/**
 * Reads an XML document of somebody else. Documents that declare types or entities are refused, so that none can grow
 * (XML 1.0, section 4.4) or reach for files; namespaces are dropped. Throws an ExchangeError for what is no XML.
 */
export function parseXml(text: string, root: string): XmlElement {
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw unreadable('declares a document type or entities, which is not read')
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    removeNSPrefix: true,
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: false,
    trimValues: true,
    preserveOrder: true,
    ignoreDeclaration: true,
    ignorePiTags: true,
  })
  let parsed: Ordered[]
  try {
    parsed = parser.parse(text, true) as Ordered[]
  } catch (error) {
    throw unreadable(`is broken: ${(error as Error).message.slice(0, 200)}`)
  }
  const found = elementsOf(parsed, 0)[root]
  if (found === undefined) throw unreadable(`has no <${root}>`)
  return found[0]!
}

type Ordered = Record<string, unknown> & { ':@'?: Record<string, string> }

function elementsOf(nodes: readonly Ordered[], depth: number): Record<string, XmlElement[]> {
  if (depth > depthMax) throw unreadable(`is nested more than ${depthMax} levels deep`)
  const children: Record<string, XmlElement[]> = Object.create(null) as Record<string, XmlElement[]>
  for (const node of nodes) {
    const name = Object.keys(node).find((key) => key !== ':@' && key !== '#text')
    if (name === undefined) continue
    const inner = node[name] as Ordered[]
    const text = inner.map((child) => (typeof child['#text'] === 'string' ? child['#text'] : '')).join('')
    const attributes: Record<string, string> = Object.create(null) as Record<string, string>
    for (const [key, value] of Object.entries(node[':@'] ?? {})) attributes[key.slice(1)] = decoded(value)
    ;(children[name] ??= []).push({ text: decoded(text.trim()), attributes, children: elementsOf(inner, depth + 1) })
  }
  return children
}

/** The five entities that every document has, and characters by number; any other stays as it is written. */
function decoded(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi,
    (all, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return predefined[name] ?? all
      const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
      return code > 0x10ffff || code === 0 || (code >= 0xd800 && code <= 0xdfff) ? all : String.fromCodePoint(code)
    },
  )
}

/** Text as it stands in an XML document. */
export function escapeXml(text: string): string {
  return text.replaceAll(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

function unreadable(what: string): ExchangeError {
  return new ExchangeError('unreadable', `The XML ${what}`)
}
