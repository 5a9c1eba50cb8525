import { createHash } from 'node:crypto'
import { markup, type Html } from './html.ts'
import { languages, type Language } from './messages.ts'

// Contrast of every text on its ground is at least 4.5:1 in both schemes (WCAG 2.2, 1.4.3); targets are 44 px high.
const css = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #4d5660; --ground: #fff; --panel: #f4f6f8; --line: #c9d0d8; --accent: #1a56b0; --on-accent: #fff; --mark: #7a4d00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --soft: #b3bcc6; --ground: #14171a; --panel: #1e2328; --line: #434c56; --accent: #9cc2ff; --on-accent: #0b1a30; --mark: #f0c674 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1.0625rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
main, footer { max-width: 42rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
p, ul { margin: .5rem 0 }
a { color: var(--accent); text-underline-offset: .15em }
a:focus-visible, button:focus-visible, textarea:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.list { list-style: none; padding: 0 }
.list > li, .panel { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: .5rem 0 }
.list > li > a { display: inline-block; min-height: 44px; padding: .5rem 0; font-weight: 600 }
.soft { color: var(--soft); font-size: .95rem }
.mark { color: var(--mark); font-weight: 600 }
blockquote { margin: .5rem 0; padding-inline-start: 1rem; border-inline-start: 4px solid var(--line); white-space: pre-wrap }
.button, button { display: inline-block; min-height: 44px; padding: .6rem 1.2rem; border: 0; border-radius: .5rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer }
label { display: block; font-weight: 600; margin: 1rem 0 .25rem }
textarea { width: 100%; min-height: 12rem; padding: .75rem; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: .5rem }
footer { border-top: 1px solid var(--line); margin-top: 2rem }
footer ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0 }
footer a, footer span { display: inline-block; min-height: 44px; padding: .5rem 0 }
`

const styleHash = createHash('sha256').update(css).digest('base64')

/** Headers of every public page: nothing runs, nothing loads, nobody frames it, and its address (a secret) goes nowhere. */
export const pageHeaders: Record<string, string> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  // Not no-referrer: browsers would then send the form with the origin "null", as from nowhere.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
  vary: 'accept-language',
}

export type Frame = {
  language: Language
  title: string
  /** Path of this page without a query, for the links to other languages. */
  path: string
  body: Html
}

const styleElement: Html = { html: `<style>${css}</style>` }

/** A whole page as text. */
export function page({ language, title, path, body }: Frame): string {
  const texts = languages[language]
  const links = Object.entries(languages).map(([code, { name, direction }]) =>
    code === language
      ? markup`<li><span lang="${code}" aria-current="true">${name}</span></li>`
      : markup`<li><a href="${path}?lang=${code}" hreflang="${code}" lang="${code}" dir="${direction}">${name}</a></li>`,
  )
  return markup`<!doctype html>
<html lang="${language}" dir="${texts.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
${styleElement}
</head>
<body>
<main>
${body}
</main>
<footer><nav aria-label="${texts.chooseLanguage}"><ul>${links}</ul></nav></footer>
</body>
</html>
`.html
}
