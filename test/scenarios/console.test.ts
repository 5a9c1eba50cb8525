import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noBrowser, seriousViolations } from '../browser/chromium.ts'
import { keepsScreens, livingData, phone, picture, smallDemo, withConsole, type Living } from '../browser/console.ts'

test(
  'the console works from the empty start to a decision, by keyboard and mouse',
  { skip: noBrowser, timeout: 1_200_000 },
  (t) =>
    withConsole(t, async ({ context, page, errors, at, shown, read, step, signIn }) => {
      await step('signed out, every address leads to the sign-in page', async () => {
        assert.ok((await context.request.get(at('/favicon.ico'))).ok())
        await page.goto(at('/console/decisions'))
        await page.waitForURL('**/console/sign-in?return=**')
        await page.getByRole('heading', { name: 'Sign in to Custos' }).waitFor()
        assert.deepEqual(await seriousViolations(page), [])
        await page.getByLabel('E-mail address or handle').fill('nobody')
        await page.getByRole('textbox', { name: 'Password' }).fill('wrong password')
        await page.keyboard.press('Enter')
        await page.getByRole('alert').waitFor()
        errors.length = 0
      })

      await step('the printed link signs in, and the empty overview starts the demo', async () => {
        await signIn()
        await page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor()
        assert.deepEqual(await seriousViolations(page), [])
        await picture(page, 'overview-empty')
        // The button asks for the demo as it is; a small one fills the screens sooner.
        if (!keepsScreens)
          await page.route('**/v1/sim/start', (sent) => sent.continue({ postData: JSON.stringify(smallDemo) }))
        await page.getByRole('button', { name: 'Start the demo' }).click()
        await page.getByText(/events per second/).waitFor({ timeout: 60_000 })
      })

      let ids: Living
      await step('soon there is living data everywhere', async () => {
        ids = await livingData({ read })
      })

      await step('the keyboard alone reaches everything: palette, keys, chords, lists, drawer, Back', async () => {
        await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
        await shown('/console/')
        await page.keyboard.press('Tab')
        assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the screen')
        await page.keyboard.press('Control+k')
        await page.getByRole('combobox', { name: 'Search anything' }).waitFor()
        assert.deepEqual(await seriousViolations(page), [], 'palette')
        await picture(page, 'palette')
        await page.keyboard.type('decis')
        await page.keyboard.press('Enter')
        await page.waitForURL('**/console/decisions')
        await page.keyboard.press('g')
        await page.keyboard.press('e')
        await page.waitForURL('**/console/events')
        await page.getByRole('grid', { name: 'Events, newest first' }).waitFor()
        await page.locator('.table-row').first().waitFor()
        await page.keyboard.press('j')
        await page.keyboard.press('j')
        await page.keyboard.press('Enter')
        await page.waitForURL('**open=event%3A**')
        await page
          .getByRole('complementary')
          .getByRole('heading', { name: /^Event/ })
          .waitFor()
        await page.keyboard.press('Escape')
        await page.getByRole('complementary').waitFor({ state: 'detached' })
        await page.keyboard.press('?')
        await page.getByRole('dialog', { name: 'Keys of this screen' }).waitFor()
        assert.deepEqual(await seriousViolations(page), [], 'key sheet')
        await page.keyboard.press('Escape')
        await page.goBack()
        await page.goBack()
        await page.waitForURL('**/console/decisions')
      })

      await step('a reviewer decides a job with three keys or fewer, and the next one comes', async () => {
        await shown('/console/review')
        const before = await read<{ decided: number }>('/v1/review/me')
        await page.goto(at('/console/review/next?queue=default'))
        await page.waitForURL('**/console/review/jobs/**')
        await page.getByRole('radiogroup', { name: 'Answers' }).waitFor()
        const first = page.url()
        assert.deepEqual(await seriousViolations(page), [], 'job')
        await page.keyboard.press('1')
        await page.getByRole('region', { name: 'What will follow' }).waitFor()
        await page.getByRole('button', { name: /^Decide: / }).waitFor()
        await picture(page, 'job')
        await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
        assert.deepEqual(await seriousViolations(page), [], 'job in dark')
        await picture(page, 'job-dark')
        await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
        await page.keyboard.press('n')
        await page.getByRole('button', { name: /^Close: no violation/ }).waitFor()
        await page.keyboard.press('Enter')
        await page.waitForURL((url) => url.href !== first && /review\/(jobs|next)/.test(url.pathname))
        const after = await read<{ decided: number }>('/v1/review/me')
        assert.equal(after.decided, before.decided + 1)
      })

      await step('media stays veiled until it is held, and each look is in the ledger', async () => {
        await shown(`/console/banks/${ids.bank}/${ids.entry}`)
        const tile = page.getByRole('button', { name: /veiled/ }).first()
        await tile.waitFor()
        const looks = async () =>
          (await read<{ items: unknown[] }>('/v1/audit?kinds=person.viewed_sensitive&limit=1000')).items.length
        const before = await looks()
        await tile.focus()
        await page.keyboard.down('Space')
        await page.locator('.media-tile img[src^="blob:"]').first().waitFor()
        assert.equal(await looks(), before + 1)
        await page.keyboard.up('Space')
        await page.locator('.media-tile img[src^="blob:"]').first().waitFor({ state: 'detached' })
      })

      await step('a rule is checked while it is written, with line and column', async () => {
        await shown('/console/rules/new')
        await page.locator('.cm-content').click()
        await page.getByText(/Stands the check/).waitFor()
        await page.keyboard.press('Control+End')
        await page.keyboard.type('oops: true\n')
        await page
          .getByText(/line \d+, column \d+/)
          .first()
          .waitFor()
      })

      await step('a decision is reversed from its page, with a preview and a reason', async () => {
        const { items } = await read<{ items: { decisionId: string }[] }>('/v1/decisions?status=active&limit=1')
        await shown(`/console/decisions/${items[0]!.decisionId}`)
        await page.keyboard.press('r')
        const dialog = page.getByRole('dialog', { name: 'Reverse this decision' })
        await dialog.waitFor()
        assert.deepEqual(await seriousViolations(page), [], 'reverse')
        await dialog.getByLabel(/Reason/).fill('It was a mistake of the rule.')
        await page.keyboard.press('Control+Enter')
        await dialog.waitFor({ state: 'detached' })
        await page.getByText('reversed', { exact: true }).first().waitFor()
      })

      await step('on a phone the areas open as a menu', async () => {
        await page.setViewportSize(phone)
        await shown('/console/')
        await picture(page, 'overview-phone')
        await page.getByRole('button', { name: 'Open areas' }).click()
        await page.getByRole('navigation', { name: 'Areas' }).getByRole('link', { name: 'Decisions' }).click()
        await page.waitForURL('**/console/decisions')
      })
    }),
)
