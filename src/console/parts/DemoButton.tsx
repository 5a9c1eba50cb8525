export function DemoButton(_props: { large?: boolean }) {
  return null
}
