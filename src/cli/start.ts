import { createServer } from 'node:net'
import type { Config } from '../config.ts'
import { ensureSecretKey, readConfig } from '../config.ts'
import { startApp, type App } from '../app.ts'
import { lockData } from '../storage/data-lock.ts'
import { parse, table, type Command, type Io } from './command.ts'

/** Ctrl-C reaches us from the terminal and again through the launcher; both within this time are one. */
const sameSignalMs = 400
const stopMsMax = 30_000

export const command: Command = {
  name: 'start',
  summary: 'start everything: API, console, stream consumer, timers and database',
  usage: `[--demo] [--sign-in] [--port N] [--host ADDRESS] [--data DIR]
  --demo     also start the simulated platform, so that every screen has living data
  --sign-in  print a fresh sign-in link for the administrator`,
  async run(args, io) {
    const { values } = parse(args, {
      demo: { type: 'boolean' },
      'sign-in': { type: 'boolean' },
      port: { type: 'string' },
      host: { type: 'string' },
      data: { type: 'string' },
    })
    const config = readConfig(io.env, io.cwd, { dataDir: values.data, port: values.port, host: values.host })
    // A person at a terminal wants the sign-in link and what goes wrong, not a line per request.
    if (io.env.CUSTOS_LOG === undefined && process.stderr.isTTY) config.logLevel = 'warn'
    // With a database of yours several processes may share the folder, which then holds media alone.
    const lock =
      config.databaseUrl === undefined ? await lockData(config.dataDir, 'start', () => Date.now()) : undefined
    const signals = listenForSignals(io)
    let app: App | undefined
    try {
      await checkPort(config)
      config.secretKey = await ensureSecretKey(config)
      app = await startApp(config, {
        log: (line) => void io.stderr.write(`${line}\n`),
        demo: values.demo === true,
        signIn: values['sign-in'] === true,
      })
      await lock?.serving(app.url)
      io.stdout.write(banner(app, config))
      await signals.stop
      io.stderr.write('Stopping (Ctrl-C again to force)...\n')
    } finally {
      const late = setTimeout(() => {
        io.stderr.write(`custos: not stopped within ${stopMsMax / 1_000} s; ending now. Nothing acknowledged is lost\n`)
        process.exit(1)
      }, stopMsMax)
      try {
        await app?.stop()
      } finally {
        await lock?.release()
        clearTimeout(late)
        signals.close()
      }
    }
    io.stderr.write('Stopped.\n')
    return 0
  },
}

/** What the person who started it wants to know, once. */
function banner(app: App, config: Config): string {
  const lines = [`\nCustos is at ${app.url}\n`]
  if (app.signInLink !== undefined) lines.push(`Sign in as the administrator: ${app.signInLink}\n`)
  lines.push(
    '\n',
    table([
      ['  data', config.dataDir],
      ...app.parts.map(({ name, on, how }) => [`  ${name}`, on ? (how === '' ? 'on' : `on, ${how}`) : `off; ${how}`]),
    ]),
    '\nCtrl-C stops it.\n\n',
  )
  return lines.join('')
}

/** Fails early and plainly when somebody else listens on the port. */
async function checkPort({ host, port }: Config): Promise<void> {
  if (port === 0) return
  await new Promise<void>((done, fail) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is in use by another program; choose another with --port or CUSTOS_PORT (0 takes any free one)`
          : error.code === 'EACCES'
            ? `this user may not listen on port ${port}; choose one from 1024 with --port or CUSTOS_PORT`
            : error.code === 'EADDRNOTAVAIL'
              ? `this machine has no address ${host}; set CUSTOS_HOST or --host to one that it has`
              : `cannot listen on ${host}:${port}: ${error.message}`
      fail(new Error(`Cannot start: ${why}`))
    })
    probe.listen(port, host, () => probe.close(() => done()))
  })
}

function listenForSignals(io: Io): { stop: Promise<void>; close: () => void } {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let firstMs: number | undefined
  let stopNow: () => void = () => {}
  const stop = new Promise<void>((done) => (stopNow = done))
  const onSignal = () => {
    const nowMs = performance.now()
    if (firstMs === undefined) {
      firstMs = nowMs
      stopNow()
    } else if (nowMs - firstMs > sameSignalMs) {
      io.stderr.write('Forced to end. The database recovers on the next start; nothing acknowledged is lost.\n')
      process.exit(130)
    }
  }
  for (const name of names) process.on(name, onSignal)
  // The launcher was killed: nobody is left to stop us.
  process.on('disconnect', stopNow)
  process.channel?.unref()
  return {
    stop,
    close() {
      for (const name of names) process.off(name, onSignal)
      process.off('disconnect', stopNow)
    },
  }
}
