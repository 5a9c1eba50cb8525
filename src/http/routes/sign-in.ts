import type { FastifyInstance, FastifyReply } from 'fastify'
import { selectSignInLink } from '../../storage/access.ts'
import type { Database } from '../../storage/database.ts'
import { signInWithLink, type AccessDeps } from '../access.ts'
import { requireSameOrigin, type Auth } from '../auth.ts'
import { signInForm, signInPage, signOutForm } from '../contract/pages.ts'
import { acceptForms, escapeHtml } from '../forms.ts'
import { HttpProblem } from '../problem.ts'
import { hashToken } from '../secrets.ts'
import type { Mount } from '../server.ts'
import type { PasswordSignIn } from '../sign-in.ts'

/** The pages by which staff get in: server-rendered, without JavaScript. */
export function signInPages(
  app: FastifyInstance,
  mount: Mount,
  deps: AccessDeps & { db: Database; auth: Auth },
  passwords: PasswordSignIn,
): void {
  acceptForms(app)
  const { db, auth } = deps
  const enter = (reply: FastifyReply) => reply.code(303).header('location', '/').send('')

  mount(signInPage, async ({ query, reply }) => {
    if (query.token === undefined) return page(reply, 200, passwordForm(''))
    const link = await selectSignInLink(db.query, hashToken(query.token))
    if (link === undefined || link.usedMs !== null || link.expiresMs <= deps.clock())
      return page(reply, 410, spentLink())
    return page(reply, 200, confirmForm(query.token, link.name))
  })

  mount(signInForm, async ({ body, request, reply }) => {
    requireSameOrigin(request)
    const form = (body ?? {}) as Record<string, string>
    if (form.token !== undefined) {
      const token = await db.transaction((tx) => signInWithLink(tx, deps, form.token!))
      if (token === undefined) return page(reply, 410, spentLink())
      auth.setSessionCookie(request, reply, token)
      return enter(reply)
    }
    try {
      auth.setSessionCookie(request, reply, await passwords.signIn(form.handle ?? '', form.password ?? '', request.ip))
      return enter(reply)
    } catch (error) {
      if (!(error instanceof HttpProblem) || ![401, 429, 503].includes(error.status)) throw error
      return page(reply.headers(error.headers), error.status, passwordForm(`${error.title}. ${error.message}`))
    }
  })

  mount(signOutForm, async ({ request, reply }) => {
    requireSameOrigin(request)
    const token = auth.sessionToken(request)
    if (token !== undefined) await auth.signOut(token)
    auth.clearSessionCookie(request, reply)
    return reply.code(303).header('location', '/sign-in').send('')
  })
}

const passwordForm = (trouble: string) => `
<h1>Sign in</h1>
${trouble === '' ? '' : `<p role="alert">${escapeHtml(trouble)}</p>`}
<form method="post" action="/sign-in">
  <label for="handle">E-mail or handle</label>
  <input id="handle" name="handle" autocomplete="username" required maxlength="200" autofocus>
  <label for="password">Password</label>
  <input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256">
  <button>Sign in</button>
</form>
<p class="note">No password yet, or forgotten? An administrator can make you a sign-in link. On the machine that runs
Custos, <code>custos start --sign-in</code> prints one.</p>`

const confirmForm = (token: string, name: string) => `
<h1>Sign in as ${escapeHtml(name)}?</h1>
<form method="post" action="/sign-in">
  <input type="hidden" name="token" value="${escapeHtml(token)}">
  <button autofocus>Sign in</button>
</form>
<p class="note">This link works once.</p>`

const spentLink = () => `
<h1>This link no longer works</h1>
<p>A sign-in link works once and for 15 minutes. Ask an administrator for a new one, or
<a href="/sign-in">sign in with your password</a>.</p>`

function page(reply: FastifyReply, status: number, main: string): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Sign in · Custos</title>
<style>
:root { color-scheme: light dark; --ink: light-dark(#1a1c1f, #e8eaed); --quiet: light-dark(#5a6068, #a4abb4);
  --line: light-dark(#868e96, #7b838c); --ground: light-dark(#f7f8f9, #16181b); --accent: light-dark(#2f5bd0, #8fb0ff); }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { width: min(22rem, calc(100vw - 3rem)); padding: 2rem 0; }
h1 { font-size: 1.35rem; margin: 0 0 1rem; }
label { display: block; margin: .75rem 0 .25rem; }
input { width: 100%; box-sizing: border-box; font: inherit; padding: .5rem .6rem; color: inherit; background: Canvas;
  border: 1px solid var(--line); border-radius: 4px; }
button { font: inherit; font-weight: 600; margin-top: 1.25rem; padding: .55rem 1rem; border: 0; border-radius: 4px;
  color: light-dark(#fff, #10131a); background: var(--accent); cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[role=alert] { border-left: 3px solid light-dark(#b25e00, #f0b35a); padding-left: .75rem; }
.note { color: var(--quiet); margin-top: 1.5rem; } a { color: var(--accent); }
</style></head><body><main>${main}</main></body></html>`)
}
