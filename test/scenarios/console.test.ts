import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { launch, noBrowser, seriousViolations, watchErrors } from '../browser/chromium.ts'
import { startProduct } from '../product.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const desk = { width: 1_440, height: 900 }
const phone = { width: 390, height: 844 }
/** Set to write the screenshots into docs/screens. */
const keep = process.env['KEEP_SCREENS'] === '1'
const stepMsMax = 600_000
const screenBytesMax = 150 * 1_024

/** Those that the guides show. */
const shownInDocs = new Set(
  `overview overview-dark overview-empty overview-phone event job job-dark decision decision-dark account bank rule
   insight palette`.split(/\s+/),
)

async function picture(page: Page, name: string): Promise<void> {
  if (!keep || !shownInDocs.has(name)) return
  const shot = await page.screenshot({ animations: 'disabled' })
  let small = shot
  // Blurred pictures need more room than text: fewer colours until it fits.
  for (const colours of [128, 64, 32, 16]) {
    small = await sharp(shot).png({ palette: true, colours, compressionLevel: 9, effort: 7 }).toBuffer()
    if (small.length < screenBytesMax) break
  }
  assert.ok(small.length < screenBytesMax, `${name} takes ${small.length} bytes`)
  await mkdir(join(root, 'docs/screens'), { recursive: true })
  await writeFile(join(root, 'docs/screens', `${name}.png`), small)
}

test(
  'the console works from the empty start to a decision, by keyboard, in light and dark, on a desk and a phone',
  { skip: noBrowser, timeout: 1_200_000 },
  async (t) => {
    execFileSync(
      process.execPath,
      ['--input-type=module', '-e', 'import("./bin/prepare.mjs").then((p) => p.ensureConsole())'],
      {
        cwd: root,
      },
    )
    const product = await startProduct({ args: ['--sign-in'] })
    const browser = await launch()
    try {
      const context = await browser.newContext({ viewport: desk, colorScheme: 'light', reducedMotion: 'reduce' })
      const errors = watchErrors(context)
      const page = await context.newPage()
      const at = (path: string) => product.url + path
      const shown = async (path: string, target: Page = page) => {
        await target.goto(at(path))
        // On a machine that does three things at once a page may starve; it gets one more try, and the try is told.
        const heading = target.locator('h1').first()
        await heading.waitFor({ timeout: 20_000 }).catch(async () => {
          t.diagnostic(`${path} had to be loaded twice`)
          await target.reload()
          await heading.waitFor()
        })
        await target.locator('[role="status"][aria-label^="Loading"]').first().waitFor({ state: 'detached' })
      }
      const read = async <T>(path: string): Promise<T> => (await context.request.get(at(path))).json() as Promise<T>

      // Each step builds on the one before: after a failure the rest would only repeat it.
      let broken = false
      const step = async (name: string, run: () => Promise<void>) => {
        if (broken) return
        await t.test(name, { timeout: stepMsMax }, async () => {
          broken = true
          await run()
          broken = false
        })
      }

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
        await page.goto(product.signInLink ?? '')
        await page.getByRole('button').first().click()
        await page.waitForURL('**/console/**')
        await page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor()
        assert.deepEqual(await seriousViolations(page), [])
        await picture(page, 'overview-empty')
        await page.getByRole('button', { name: 'Start the demo' }).click()
        await page.getByText(/events per second/).waitFor({ timeout: 60_000 })
      })

      const ids = { decision: '', actor: '', appeal: '', bank: '', entry: '', event: '' }
      await step('within a minute or two there is living data everywhere', async () => {
        type Items<T> = { items: T[] }
        for (;;) {
          const sim = await read<{ state: string; problem?: string }>('/v1/sim')
          assert.notEqual(sim.state, 'failed', sim.problem ?? '')
          const decisions = await read<
            Items<{
              decisionId: string
              actorId: string
              match: { bankId: string; entryId: string; mediaSha256?: string } | null
            }>
          >('/v1/decisions?limit=200')
          const appeals = await read<Items<{ appealId: string }>>('/v1/appeals?limit=1')
          const jobs = await read<Items<unknown>>('/v1/jobs?state=open&queue=default&limit=1')
          const matched = decisions.items.find((one) => one.match?.mediaSha256 !== undefined)
          if (sim.state === 'live' && matched !== undefined && appeals.items.length > 0 && jobs.items.length > 0) {
            const events = await read<Items<{ event: { id: string } }>>('/v1/events?limit=1')
            Object.assign(ids, {
              decision: matched.decisionId,
              actor: matched.actorId,
              appeal: appeals.items[0]!.appealId,
              bank: matched.match!.bankId,
              entry: matched.match!.entryId,
              event: events.items[0]!.event.id,
            })
            return
          }
          await new Promise((next) => setTimeout(next, 500))
        }
      })

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
      await step('every screen reads well in light and dark, and breaks nothing', async () => {
        for (const [name, path] of screens) {
          await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
          await shown(path)
          await page.waitForTimeout(300)
          assert.equal(
            await page.getByRole('alert').count(),
            0,
            `${name} shows an error: ${await page.locator('main').innerText()}`,
          )
          assert.deepEqual(await seriousViolations(page), [], `${name} in light`)
          await picture(page, name)
          // Only colours differ between the schemes.
          await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
          await shown(path)
          await page.waitForTimeout(300)
          assert.deepEqual(await seriousViolations(page, ['color-contrast']), [], `${name} in dark`)
          await picture(page, `${name}-dark`)
        }
        assert.deepEqual(errors, [])
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

      await step('a photo that is looked up is found mirrored in a bank, and seen beside what it matches', async () => {
        const send = async <T>(path: string, body: Buffer | object, type: string): Promise<T> => {
          const answer = await context.request.post(at(path), {
            data: body,
            headers: { 'content-type': type, origin: product.url },
          })
          assert.ok(answer.ok(), await answer.text())
          return (await answer.json()) as T
        }
        const drawn = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480"><rect width="640" height="480"
          fill="#d8b45a"/><circle cx="170" cy="150" r="95" fill="#b8452c"/><path d="M90 450 260 260 380 455z"
          fill="#222"/><rect x="350" y="240" width="200" height="150" fill="#1f9e96" transform="rotate(14 450 315)"/>
          <circle cx="520" cy="120" r="40" fill="#5d8f34"/></svg>`
        const known = await sharp(Buffer.from(drawn)).png().toBuffer()
        const mirrored = await sharp(known).flop().jpeg({ quality: 70 }).toBuffer()
        const { upload } = await send<{ upload: string }>('/v1/uploads', known, 'image/png')
        const json = 'application/json'
        const { bankId } = await send<{ bankId: string }>('/v1/banks', { name: 'Drawn for the test' }, json)
        await send(`/v1/banks/${bankId}/entries`, { upload, labels: ['drawing'] }, json)

        await shown('/console/match')
        await page
          .getByLabel('Choose photos, videos or sounds')
          .setInputFiles({ name: 'mirrored.jpg', mimeType: 'image/jpeg', buffer: mirrored })
        const found = page.getByRole('list', { name: 'Matches, surest first' })
        await found.getByText('Drawn for the test').waitFor()
        await found.getByText('mirrored', { exact: true }).waitFor()
        await page
          .getByText(/^\d+ of 256 bits; threshold 31$/)
          .first()
          .waitFor()
        await page.getByRole('heading', { name: /of 256 bits differ|The hashes are equal/ }).waitFor()
        await page.getByRole('heading', { name: 'Known content' }).waitFor()
        assert.deepEqual(await seriousViolations(page), [], 'lookup')
        await page.keyboard.down('r')
        await page.locator('.match-sides .media-tile img[src^="blob:"]:not([data-veiled])').nth(1).waitFor()
        await page.keyboard.up('r')
        await page.keyboard.press('v')
        const stage = page.getByRole('button', { name: /Hold to see, move to wipe/ })
        await stage.waitFor()
        assert.deepEqual(await seriousViolations(page), [], 'overlay')
        await stage.focus()
        await page.keyboard.down('Space')
        await page.locator('.overlay-stage:not([data-veiled])').waitFor()
        await page.keyboard.up('Space')
        await page.getByRole('button', { name: /^Open entry/ }).click()
        await page.getByRole('heading', { name: 'drawing', level: 1 }).waitFor()
        await page.goBack()
        await found.getByText('Drawn for the test').waitFor()
      })

      await step(
        'a list is imported with its progress seen and its refusals told, and undone in one step',
        async () => {
          await shown(`/console/banks/${ids.bank}`)
          await page.keyboard.press('i')
          const dialog = page.getByRole('dialog', { name: 'Import many entries' })
          const rows = Array.from({ length: 30 }, (_, row) => `md5,${String(row).padStart(32, '0')},leaflet`)
          await dialog.getByLabel('Choose files to import').setInputFiles({
            name: 'leaflets.csv',
            mimeType: 'text/csv',
            buffer: Buffer.from(['type,value,labels', ...rows, 'md5,nonsense,leaflet', ''].join('\n')),
          })
          // The list leaves only once its progress is on the screen.
          await page.route('**/v1/banks/*/imports?*', async (sent) => {
            if (sent.request().method() === 'POST') await dialog.getByRole('progressbar', { name: 'Sending' }).waitFor()
            await sent.continue()
          })
          await dialog.getByRole('button', { name: 'Import 1 file' }).click()
          const list = page.getByRole('list', { name: 'Imports, latest first' })
          await list.getByText('leaflets.csv').waitFor()
          await page.unroute('**/v1/banks/*/imports?*')
          await list.getByText('31 rows: 30 added, 1 refused').waitFor()
          await list.getByText('1 row refused: why').click()
          await list.getByRole('cell', { name: /must be 32 hexadecimal digits/ }).waitFor()
          await list.getByRole('button', { name: 'Undo import' }).click()
          const ask = page.getByRole('dialog', { name: 'Undo import' })
          await ask.getByText(/30 entries that “leaflets.csv” added/).waitFor()
          assert.deepEqual(await seriousViolations(page), [], 'undo of an import')
          await ask.getByRole('button', { name: /^Undo import/ }).click()
          await list.getByText('undone', { exact: true }).waitFor()
          const { entries } = await read<{ entries: { retired: number } }>(`/v1/banks/${ids.bank}`)
          assert.ok(entries.retired >= 30, `only ${entries.retired} entries are retired`)
        },
      )

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

      await step('on a phone nothing runs over the edge', async () => {
        const small = await context.newPage()
        await small.setViewportSize(phone)
        for (const [name, path] of screens) {
          await shown(path, small)
          const [wide, view] = (await small.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [
            number,
            number,
          ]
          assert.ok(wide <= view, `${name} is ${wide} px wide on a screen of ${view}`)
        }
        await shown('/console/', small)
        await small.waitForTimeout(500)
        await picture(small, 'overview-phone')
        await small.getByRole('button', { name: 'Open areas' }).click()
        await small.getByRole('navigation', { name: 'Areas' }).getByRole('link', { name: 'Decisions' }).click()
        await small.waitForURL('**/console/decisions')
        await small.close()
      })
      if (!broken) assert.deepEqual(errors, [])
    } finally {
      await browser.close()
      await product.stop()
    }
  },
)
