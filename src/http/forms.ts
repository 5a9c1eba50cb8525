import type { FastifyInstance } from 'fastify'

const formType = 'application/x-www-form-urlencoded'

/** Lets the server take HTML forms. The body arrives as an object of strings; of a repeated field the last counts. */
export function acceptForms(app: FastifyInstance): void {
  if (app.hasContentTypeParser(formType)) return
  app.addContentTypeParser(formType, { parseAs: 'string', bodyLimit: 256 * 1024 }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body as string)))
  })
}

/** Text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
