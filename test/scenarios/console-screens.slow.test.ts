import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noBrowser, seriousViolations } from '../browser/chromium.ts'
import { desk, keepsScreens, livingData, phone, picture, settled, smallDemo, withConsole } from '../browser/console.ts'

test('every screen reads well in light and dark, on a desk and a phone', { skip: noBrowser, timeout: 1_200_000 }, (t) =>
  withConsole(t, async ({ page, errors, shown, read, send, step, signIn }) => {
    await signIn()
    await send('/v1/sim/start', keepsScreens ? {} : smallDemo)
    const ids = await livingData({ read })
    // What is there is enough to look at; a platform that goes on would only take time from the browser.
    await send('/v1/sim/stop', {})
    const screens: [name: string, path: string][] = [
      ['overview', '/console/'],
      ['events', '/console/events'],
      ['event', `/console/events?open=event:${ids.event}`],
      ['status', '/console/status'],
      ['queues', '/console/review'],
      ['queue', '/console/review/queues/default'],
      ['appeals', '/console/appeals?state=all'],
      ['appeal', `/console/appeals/${ids.appeal}`],
      ['rules', '/console/rules'],
      ['rule', '/console/rules/known-scam-photo'],
      ['rule-new', '/console/rules/new'],
      ['match', '/console/match'],
      ['match-clusters', '/console/match/clusters'],
      ['match-classifiers', '/console/match/classifiers'],
      ['match-pairs', '/console/match/pairs'],
      ['banks', '/console/banks'],
      ['bank', `/console/banks/${ids.bank}`],
      ['bank-table', `/console/banks/${ids.bank}?view=table&order=matches`],
      ['bank-imports', `/console/banks/${ids.bank}?tab=imports`],
      ['bank-duplicates', `/console/banks/${ids.bank}?tab=duplicates`],
      ['bank-settings', `/console/banks/${ids.bank}?tab=settings`],
      ['bank-hygiene', '/console/banks/hygiene'],
      ['exchanges', '/console/banks/exchanges'],
      ['exchange-kinds', '/console/banks/exchanges/new'],
      ['exchange-new', '/console/banks/exchanges/new?kind=ncmec'],
      ['bank-entry', `/console/banks/${ids.bank}/${ids.entry}`],
      ['decisions', '/console/decisions'],
      ['decision', `/console/decisions/${ids.decision}`],
      ['accounts', '/console/accounts'],
      ['account', `/console/accounts/${ids.actor}`],
      ['policies', '/console/policies'],
      ['policy-text', '/console/policies?tab=text'],
      ['insight', '/console/insight'],
      ['settings', '/console/settings'],
      ['webhooks', '/console/settings?tab=webhooks'],
      ['audit', '/console/audit'],
      ['people', '/console/people'],
      ['keys', '/console/people?tab=keys'],
    ]
    const light = { colorScheme: 'light', reducedMotion: 'reduce' } as const
    for (const [index, [name, path]] of screens.entries())
      await step(name, async () => {
        await page.emulateMedia(light)
        await shown(path)
        assert.equal(
          await page.getByRole('alert').count(),
          0,
          `it shows an error: ${await page.locator('main').innerText()}`,
        )
        assert.deepEqual(await seriousViolations(page), [], 'in light')
        await picture(page, name)
        // Only colours differ between the schemes, and around the screen they are always the same.
        await page.emulateMedia({ ...light, colorScheme: 'dark' })
        await page.locator('html[data-mantine-color-scheme="dark"]').waitFor()
        await settled(page)
        assert.deepEqual(
          await seriousViolations(page, ['color-contrast'], index === 0 ? undefined : 'main'),
          [],
          'in dark',
        )
        await picture(page, `${name}-dark`)
        await page.setViewportSize(phone)
        const [wide, view] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [
          number,
          number,
        ]
        await page.setViewportSize(desk)
        assert.ok(wide <= view, `it is ${wide} px wide on a screen of ${view}`)
        assert.deepEqual(errors, [])
      })
  }),
)
