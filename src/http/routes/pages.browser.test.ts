import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { chromium } from 'playwright-core'
import { decide } from '../../flows/enforce.ts'
import { createSubjectLink } from '../access.ts'
import { reviewFixture, startMs, tenantId } from '../../../test/review-fixture.ts'
import { pageRoutes } from './pages.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

type Violation = { id: string; help: string; nodes: { html: string }[] }

test(
  'on a phone, without scripts, in light and dark, left to right and right to left, the pages can be used by everybody',
  { skip: executablePath === undefined ? 'no Chromium is installed' : false },
  async () => {
    const world = await reviewFixture()
    const { app, mount } = world.server()
    pageRoutes(app, mount, world.deps)
    const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
    await world.event('seen', {
      actor: { id: 'phone', attributes: { name: 'Nour' } },
      item: { id: 'i', text: `gold ${'x'.repeat(300)}` },
    })
    const made = await world.db.transaction((tx) =>
      decide(tx, world.deps, tenantId, {
        violation: 'scam',
        severity: 3,
        context: 'feed',
        actorId: 'phone',
        itemId: 'i',
        eventId: 'seen',
        occurredAtMs: startMs,
        automation: 'full',
        author: { kind: 'rule', id: 'r', version: 1 },
        because: [{ name: 'x', value: 1, because: 'It matches a known scam' }],
      }),
    )
    assert.ok(made.ok)
    const { token } = await world.db.transaction((tx) =>
      createSubjectLink(tx, world.deps, tenantId, { actorId: 'phone', ttlMs: 86_400_000 }),
    )
    const browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--headless', '--disable-gpu', '--no-first-run'],
    })
    try {
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({
          viewport: { width: 360, height: 740 },
          colorScheme,
          bypassCSP: true,
        })
        const page = await context.newPage()
        const check = async (where: string) => {
          await page.evaluate(axe)
          const found = (await page.evaluate('axe.run()')) as { violations: Violation[] }
          const said = found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes[0]!.html}`)
          assert.deepEqual(said, [], `${where} in ${colorScheme}`)
          const [wide, view] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [
            number,
            number,
          ]
          assert.ok(wide <= view, `${where} is ${wide} px wide on a screen of ${view}`)
        }
        for (const lang of ['en', 'ar']) {
          await page.goto(`${baseUrl}/me/${token}?lang=${lang}`)
          await check(`account ${lang}`)
          await page.click('main li a')
          await check(`decision ${lang}`)
          await page.click('a.button')
          await check(`form ${lang}`)
        }
        await page.goto(`${baseUrl}/me/nothing`)
        await check('dead link')
        await context.close()
      }
      // The whole way with the real policy of the page in force and scripts switched off.
      const plainContext = await browser.newContext({ javaScriptEnabled: false, locale: 'de-DE' })
      const page = await plainContext.newPage()
      await page.goto(`${baseUrl}/me/${token}`)
      await page.click('main li a')
      await page.click('a.button')
      await page.fill('textarea', 'Das war mein eigenes Foto')
      await page.click('button')
      assert.match((await page.textContent('main')) ?? '', /Wir haben Ihre Bitte erhalten/)
      assert.match(page.url(), /done=1$/)
    } finally {
      await browser.close()
      await app.close()
    }
  },
)
