import assert from 'node:assert/strict'
import { createServer, request as http, type RequestListener, type Server } from 'node:http'
import { request as https } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createFetchMedia, isPublicAddress, type MediaNetwork } from './fetch.ts'

let server: Server
let port: number
let asked: string[] = []
const answers: Record<string, RequestListener> = {
  '/ok.jpg': (_request, response) => response.setHeader('content-type', 'image/jpeg').end('bytes'),
  '/moved': (_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
  '/missing': (_request, response) => response.writeHead(404).end(),
  '/large': (_request, response) => response.setHeader('content-length', '5000').end(Buffer.alloc(5_000)),
  '/endless': (_request, response) => {
    const more = () => void (response.destroyed || (response.write(Buffer.alloc(512)), setTimeout(more, 1)))
    more()
  },
  '/slow': (_request, response) => void response.write('a'),
  '/cut': (_request, response) => {
    response.setHeader('content-length', '100').write('short')
    setTimeout(() => response.destroy(), 20)
  },
}
before(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`)
    answers[request.url!]!(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  port = (server.address() as AddressInfo).port
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const networkAt = (...addresses: string[]): MediaNetwork => ({
  resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  http,
  https,
})
const local = () =>
  createFetchMedia({
    network: networkAt('127.0.0.1'),
    hosts: [`cdn.example.com:${port}`, `*.img.example.com:${port}`],
    isAllowedAddress: () => true,
    bytesMax: 1_000,
    timeoutMs: 400,
  })
const reasonOf = async (url: string, fetchMedia = local()) => {
  const fetched = await fetchMedia(url)
  return fetched.ok ? 'ok' : fetched.reason
}

test('an allowed host is asked by name at the address that was checked', async () => {
  asked = []
  const fetched = await local()(`http://cdn.example.com:${port}/ok.jpg`)
  assert.ok(fetched.ok)
  assert.equal(Buffer.from(fetched.bytes).toString(), 'bytes')
  assert.equal(fetched.contentType, 'image/jpeg')
  assert.deepEqual(asked, [`cdn.example.com:${port}/ok.jpg`])
  assert.equal(await reasonOf(`http://a.img.example.com:${port}/ok.jpg`), 'ok')
})

test('other hosts, ports, schemes and credentials are not asked at all', async () => {
  asked = []
  for (const url of [
    `http://evil.example.com:${port}/ok.jpg`,
    `http://cdn.example.com.evil.com:${port}/ok.jpg`,
    `http://img.example.com:${port}/ok.jpg`,
    'http://cdn.example.com/ok.jpg',
    `http://user:pw@cdn.example.com:${port}/ok.jpg`,
    'file:///etc/passwd',
    'gopher://cdn.example.com/',
    'not a url',
  ])
    assert.equal(await reasonOf(url), 'not-allowed', url)
  assert.deepEqual(asked, [])
})

test('no private address is connected to, whatever name or spelling leads there', async () => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '224.0.0.1',
  ]) {
    assert.equal(isPublicAddress(address), false, address)
    const fetchMedia = createFetchMedia({ network: networkAt(address), hosts: ['cdn.example.com'] })
    assert.equal(await reasonOf('https://cdn.example.com/x', fetchMedia), 'private-address', address)
  }
  const mixed = createFetchMedia({ network: networkAt('93.184.216.34', '10.0.0.1'), hosts: ['cdn.example.com'] })
  assert.equal(await reasonOf('https://cdn.example.com/x', mixed), 'private-address')
  for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::1]']) {
    const literal = createFetchMedia({ network: networkAt('8.8.8.8'), hosts: ['127.0.0.1', '[::1]'] })
    assert.equal(await reasonOf(`http://${host}/x`, literal), 'private-address', host)
  }
  assert.ok(isPublicAddress('93.184.216.34') && isPublicAddress('2606:2800:220:1::1'))
})

test('redirects, errors, and answers that are too large, too slow or cut are refused by name', async () => {
  const at = (path: string) => reasonOf(`http://cdn.example.com:${port}${path}`)
  assert.equal(await at('/moved'), 'redirect')
  assert.equal(await at('/missing'), 'bad-answer')
  assert.equal(await at('/large'), 'too-large')
  assert.equal(await at('/endless'), 'too-large')
  assert.equal(await at('/slow'), 'timeout')
  assert.equal(await at('/cut'), 'unreachable')
  const nowhere: MediaNetwork = { ...networkAt(), resolve: () => Promise.reject(new Error('ENOTFOUND')) }
  assert.equal(
    await reasonOf('https://cdn.example.com/', createFetchMedia({ network: nowhere, hosts: ['cdn.example.com'] })),
    'unreachable',
  )
})
