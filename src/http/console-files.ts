import files from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Serves the built console under /console/. Addresses of screens are no files: they all get the page, which then shows
 * the screen. Built files carry a hash in their names and are kept by browsers; the page itself is asked for each time.
 * Browsers ask for /favicon.ico on every page that names no icon: they get that of the console, or nothing before it is
 * built.
 */
export async function consoleFiles(app: FastifyInstance, folder: string): Promise<void> {
  const page = join(folder, 'index.html')
  app.get('/', (_request, reply) => reply.redirect('/console/'))
  app.get('/console', (_request, reply) => reply.redirect('/console/'))
  const icon = join(folder, 'assets/mark-1.svg')
  app.get('/favicon.ico', async (_request, reply) => {
    if (!existsSync(icon)) return reply.code(204).send()
    return reply
      .type('image/svg+xml')
      .header('cache-control', 'public, max-age=86400')
      .send(await readFile(icon))
  })
  if (!existsSync(page)) {
    app.get('/console/*', (_request, reply) =>
      reply
        .code(503)
        .type('text/plain; charset=utf-8')
        .send('The console is not built. "npm start" builds it; the API works without it.\n'),
    )
    return
  }
  await app.register(files, {
    root: join(folder, 'assets'),
    prefix: '/console/assets/',
    immutable: true,
    maxAge: '365d',
    decorateReply: false,
  })
  app.get('/console/*', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(await readFile(page, 'utf8')),
  )
}
