import { Page } from '../../parts/Page.tsx'
export function Screen() {
  return <Page title="Overview">x</Page>
}
