export function SystemParts() {
  return null
}
