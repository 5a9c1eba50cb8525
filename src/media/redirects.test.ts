import assert from 'node:assert/strict'
import { createServer, request as http, type Server } from 'node:http'
import { request as https } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { isPublicAddress, type MediaNetwork } from './fetch.ts'
import { createResolveRedirects, followedLinksMax, followLinks, type ResolveRedirectsOptions } from './redirects.ts'

let server: Server
let port: number
let asked: string[] = []
const places: Record<string, string> = {
  '/1': '/2',
  '/2': 'http://other.example:PORT/3?x=1#top',
  '/loop': '/pool',
  '/pool': '/loop',
  '/inside': 'http://169.254.169.254/latest/meta-data',
  '/named': 'http://inside.example:PORT/end',
  '/script': 'javascript:alert(1)',
  '/login': 'http://user:secret@other.example:PORT/end',
  '/nonsense': 'http://[',
}
before(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`)
    const url = request.url!
    if (url === '/silent') return
    const count = /^\/count\/(\d+)$/.exec(url)?.[1]
    const place = count === undefined ? places[url]?.replace('PORT', String(port)) : `/count/${Number(count) + 1}`
    if (place === undefined) response.end('here')
    else response.writeHead(302, { location: place }).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  port = (server.address() as AddressInfo).port
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const network: MediaNetwork = {
  resolve: async (host) => [{ address: host === 'inside.example' ? '10.0.0.7' : '127.0.0.1', family: 4 }],
  http,
  https,
}
const follow = (path: string, options: Partial<ResolveRedirectsOptions> = {}) =>
  createResolveRedirects({
    network,
    isAllowedAddress: (address) => address === '127.0.0.1' || isPublicAddress(address),
    ...options,
  })(path.startsWith('/') ? `http://short.example:${port}${path}` : path)

test('redirects are followed to their end, also to other hosts, without reading a page', async () => {
  asked = []
  assert.deepEqual(await follow('/1'), {
    redirects: [`http://short.example:${port}/2`, `http://other.example:${port}/3?x=1#top`],
  })
  assert.deepEqual(asked, [`short.example:${port}/1`, `short.example:${port}/2`, `other.example:${port}/3?x=1`])
  assert.deepEqual(await follow('/end'), { redirects: [] })
})

test('private addresses are refused, at once and behind a redirect, and the way there is told', async () => {
  for (const [path, steps] of [
    ['/inside', 1],
    ['/named', 1],
    ['http://192.168.1.1/', 0],
    ['http://[::1]/', 0],
    ['http://2130706433/', 0],
    ['http://inside.example/', 0],
  ] as const) {
    const { redirects, refused } = await follow(
      path,
      path.startsWith('http://2') ? { isAllowedAddress: isPublicAddress } : {},
    )
    assert.equal(refused?.reason, 'private-address', path)
    assert.equal(redirects.length, steps, path)
  }
  asked = []
  assert.equal(
    (await createResolveRedirects({ network })(`http://short.example:${port}/1`)).refused?.reason,
    'private-address',
  )
  assert.deepEqual(asked, [])
})

test('loops, endless chains, silence and addresses that are none end the chain', async () => {
  assert.equal((await follow('/loop')).refused?.reason, 'loop')
  const endless = await follow('/count/0', { hopsMax: 4 })
  assert.equal(endless.refused?.reason, 'too-many')
  assert.equal(endless.redirects.length, 4)
  assert.equal((await follow('/silent', { timeoutMs: 100 })).refused?.reason, 'timeout')
  const never = { ...network, resolve: () => new Promise<never>(() => {}) }
  assert.equal((await follow('/1', { network: never, timeoutMs: 100 })).refused?.reason, 'timeout')
  for (const path of [
    '/script',
    '/nonsense',
    'javascript:alert(1)',
    'nonsense',
    `http://a.example/${'x'.repeat(20_000)}`,
  ])
    assert.equal((await follow(path)).refused?.reason, 'not-allowed', path.slice(0, 40))
  assert.deepEqual((await follow('/login')).redirects, [`http://other.example:${port}/end`], 'no user name is sent')
})

test('the first links of an item are followed, unless somebody did that before', async () => {
  asked = []
  const resolve = createResolveRedirects({ network, isAllowedAddress: () => true })
  const url = `http://short.example:${port}/1`
  const links = [{ url, redirects: [] }, ...Array.from({ length: followedLinksMax + 1 }, () => ({ url }))]
  const followed: { url: string; redirects?: readonly string[] }[] = await followLinks(resolve, links)
  assert.deepEqual(
    followed.map(({ redirects = [] }) => redirects.length),
    [0, ...Array.from({ length: followedLinksMax }, () => 2), 0],
  )
})
