import type { FastifyInstance } from 'fastify'

/**
 * What browsers may do with our pages: nothing from elsewhere, no frames around them, no scripts in the page itself.
 * Styles in the page are allowed: Mantine and the server-rendered pages set them. Pictures from blob: and data: are previews.
 */
export const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** Sets the headers that keep browsers from being turned against us, on every answer. Handlers may set stricter ones. */
export function secureHeaders(app: FastifyInstance, options: { https?: boolean } = {}): void {
  const headers: [string, string][] = [
    ['content-security-policy', contentSecurityPolicy],
    ['x-content-type-options', 'nosniff'],
    ['x-frame-options', 'DENY'],
    // Links hold tokens (/me/…, /sign-in?token=…): other sites must not learn them.
    ['referrer-policy', 'same-origin'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=()'],
    ...(options.https ? [['strict-transport-security', 'max-age=31536000'] as [string, string]] : []),
  ]
  app.addHook('onRequest', (request, reply, done) => {
    for (const [name, value] of headers) reply.header(name, value)
    // Answers of the API are about people; no cache between us and the caller may keep them.
    if (request.url.startsWith('/v1/')) reply.header('cache-control', 'no-store')
    done()
  })
}
