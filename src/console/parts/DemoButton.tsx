export function DemoButton() {
  return null
}
