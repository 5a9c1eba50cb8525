export function EntryMatches(_: { entryId: string }) {
  return null
}
