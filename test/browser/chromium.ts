import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

/** Where Debian, Ubuntu and others put the browser. */
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

/** Why browser tests are skipped here, or false when they run. */
export const noBrowser = executablePath === undefined ? 'no Chromium is installed (apt install chromium)' : false

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath!,
    args: [
      '--no-sandbox',
      '--headless',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
type Violation = { id: string; impact: string | null; help: string; nodes: { html: string; target: string[] }[] }

/**
 * Violations of WCAG 2.2 AA (or of these rules alone) that are serious or critical, on the page or a part of it; one line
 * each with the first element.
 */
export async function seriousViolations(page: Page, rules?: string[], part?: string): Promise<string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe)
  const { violations } = (await page.evaluate(
    `axe.run(${part === undefined ? 'document' : JSON.stringify(part)}, ${JSON.stringify({ runOnly: rules ?? standards, resultTypes: ['violations'] })})`,
  )) as { violations: Violation[] }
  return violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${one.id} (${one.nodes.length}): ${one.help}: ${one.nodes[0]!.html.slice(0, 300)}`)
}

/** Collects what goes wrong in the pages of a context: errors of scripts, refused resources, answers of 500 and more. */
export function watchErrors(context: BrowserContext): string[] {
  const errors: string[] = []
  context.on('page', (page) => {
    page.on('pageerror', (error) => errors.push(`${page.url()}: ${error.message}`))
    page.on('console', (message) => {
      // The browser asks for this by itself on pages that name no icon.
      if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico'))
        errors.push(`${page.url()}: ${message.text()}`)
    })
    page.on('response', (response) => {
      if (response.status() >= 500) errors.push(`${response.status()} ${response.url()}`)
    })
  })
  return errors
}
