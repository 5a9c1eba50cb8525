import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import sharp from 'sharp'
import { startProduct, type Product } from '../product.ts'
import { launch, watchErrors } from './chromium.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
export const desk = { width: 1_440, height: 900 }
export const phone = { width: 390, height: 844 }
const stepMsMax = 600_000

/** Set to write the screenshots into docs/screens, of a demo of its full size. */
export const keepsScreens = process.env['KEEP_SCREENS'] === '1'
const screenBytesMax = 150 * 1_024
/** Those that the guides show. */
const shownInDocs = new Set(
  `overview overview-dark overview-empty overview-phone event job job-dark decision decision-dark account bank rule
   insight palette match-result`.split(/\s+/),
)

export type ConsoleRun = {
  product: Product
  context: BrowserContext
  page: Page
  /** What went wrong in the browser so far. */
  errors: string[]
  at: (path: string) => string
  /** Opens a screen and waits until it has read what it shows. */
  shown: (path: string, target?: Page) => Promise<void>
  read: <T>(path: string) => Promise<T>
  send: <T>(path: string, body: Buffer | object, type?: string) => Promise<T>
  /** A part of the story; after a failure the rest is left out, because it would only repeat it. */
  step: (name: string, run: () => Promise<void>) => Promise<void>
  /** Signs the administrator in by the printed link. */
  signIn: () => Promise<void>
}

/** Starts the product and a browser for one story, and ends both; what went wrong in the browser fails it. */
export async function withConsole(t: TestContext, story: (run: ConsoleRun) => Promise<void>): Promise<void> {
  execFileSync(
    process.execPath,
    ['--input-type=module', '-e', 'import("./bin/prepare.mjs").then((p) => p.ensureConsole())'],
    { cwd: root },
  )
  const [product, browser] = await Promise.all([startProduct({ args: ['--sign-in'] }), launch()])
  try {
    const context = await browser.newContext({ viewport: desk, colorScheme: 'light', reducedMotion: 'reduce' })
    const errors = watchErrors(context)
    const page = await context.newPage()
    const at = (path: string) => product.url + path
    let broken = false
    await story({
      product,
      context,
      page,
      errors,
      at,
      async shown(path, target = page) {
        await target.goto(at(path))
        // On a machine that does three things at once a page may starve; it gets one more try, and the try is told.
        const heading = target.locator('h1').first()
        await heading.waitFor({ timeout: 20_000 }).catch(async () => {
          t.diagnostic(`${path} had to be loaded twice`)
          await target.reload()
          await heading.waitFor()
        })
        await settled(target)
      },
      read: async <T>(path: string) => (await context.request.get(at(path))).json() as Promise<T>,
      async send<T>(path: string, body: Buffer | object, type = 'application/json') {
        const answer = await context.request.post(at(path), {
          data: body,
          headers: { 'content-type': type, origin: product.url },
        })
        assert.ok(answer.ok(), await answer.text())
        return (await answer.json()) as T
      },
      async step(name, run) {
        if (broken) return
        await t.test(name, { timeout: stepMsMax }, async () => {
          broken = true
          await run().catch(async (error: unknown) => {
            // What was on the screen says more than what was waited for.
            const text = await page.locator('body').innerText({ timeout: 5_000 }).catch(String)
            t.diagnostic(`${name} failed on ${page.url()}: ${text.replaceAll(/\s+/g, ' ').slice(0, 2_000)}`)
            throw error
          })
          broken = false
        })
      },
      async signIn() {
        await page.goto(product.signInLink ?? '')
        await page.getByRole('button').first().click()
        await page.waitForURL('**/console/**')
      },
    })
    if (!broken) assert.deepEqual(errors, [])
  } finally {
    await browser.close()
    await product.stop()
  }
}

/** Resolves when a screen has read what it shows and nothing on it moves: transitions are brought to their end. */
export async function settled(page: Page): Promise<void> {
  await page.locator('[role="status"][aria-label^="Loading"]').first().waitFor({ state: 'detached' })
  await page.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    for (const one of document.getAnimations())
      if (one.effect.getComputedTiming().endTime !== Infinity) one.finish()
    done()
  })))`)
}

/** Keeps a screenshot for the guides when it is one of theirs and they are being made. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!keepsScreens || !shownInDocs.has(name)) return
  await page.waitForTimeout(600)
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

/** A simulated platform that fills every screen, and is small enough to be ready soon. */
export const smallDemo = { seed: 7, actors: 600, speed: 60 }

export type Living = { decision: string; actor: string; appeal: string; bank: string; entry: string; event: string }

/** Waits for what every screen needs something to show of: a decision on a known photo, an appeal, an open job. */
export async function livingData({ read }: Pick<ConsoleRun, 'read'>): Promise<Living> {
  type Items<T> = { items: T[] }
  type Decision = {
    decisionId: string
    actorId: string
    match: { bankId: string; entryId: string; mediaSha256?: string } | null
  }
  for (;;) {
    const sim = await read<{ state: string; problem?: string }>('/v1/sim')
    assert.notEqual(sim.state, 'failed', sim.problem ?? '')
    const decisions = await read<Items<Decision>>('/v1/decisions?limit=200')
    const appeals = await read<Items<{ appealId: string }>>('/v1/appeals?limit=1')
    const jobs = await read<Items<unknown>>('/v1/jobs?state=open&queue=default&limit=1')
    const matched = decisions.items.find((one) => one.match?.mediaSha256 !== undefined)
    if (sim.state === 'live' && matched !== undefined && appeals.items.length > 0 && jobs.items.length > 0) {
      const events = await read<Items<{ event: { id: string } }>>('/v1/events?limit=1')
      return {
        decision: matched.decisionId,
        actor: matched.actorId,
        appeal: appeals.items[0]!.appealId,
        bank: matched.match!.bankId,
        entry: matched.match!.entryId,
        event: events.items[0]!.event.id,
      }
    }
    await new Promise((next) => setTimeout(next, 250))
  }
}
