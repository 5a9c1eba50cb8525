import { readFileSync } from 'node:fs'

/** One photo of a group, as it stands in the report and in the JSON beside it. */
export type ClusterMember = {
  file: string
  bytes: number
  width: number
  height: number
  sha256: string
  pdq?: string
  quality?: number
  /** To the centre, in bits. */
  distance: number
  /** How it lies against the centre, in words; missing where it lies the same way. */
  turn?: string
}
export type Cluster = {
  /** The centre first, then by distance. */
  members: ClusterMember[]
  /** Equal for groups that are connected through photos in between. */
  related: number
}
export type ClusterReport = {
  folder: string
  photos: number
  radius: number
  groups: Cluster[]
  unreadable: { file: string; error: string }[]
}

const mark = '__DATA__'

/**
 * A page that needs nothing beside itself, in pieces to write one after the other. `thumbs` has WebP pictures by file.
 * Names of files come from outside: they stand in JSON, and become text by way of the DOM alone.
 */
export function* reportPage(report: ClusterReport, thumbs: ReadonlyMap<string, Uint8Array>): Generator<string> {
  const page = readFileSync(new URL('./cluster-report.html', import.meta.url), 'utf8')
  const at = page.indexOf(mark)
  yield page.slice(0, at)
  const { groups, ...head } = report
  yield `${json(head).slice(0, -1)},"groups":[`
  for (const [index, { members, related }] of groups.entries()) {
    const shown = members.map((member) => {
      const thumb = thumbs.get(member.file)
      return thumb === undefined ? member : { ...member, thumb: Buffer.from(thumb).toString('base64') }
    })
    yield `${index === 0 ? '' : ',\n'}${json({ related, members: shown })}`
  }
  yield ']}'
  yield page.slice(at + mark.length)
}

/** JSON that may stand inside a script element. */
const json = (value: unknown) => JSON.stringify(value).replaceAll('<', '\\u003c')
