import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { domainOf, linkChain, linkOf, linksInText } from './links.ts'

const url = (address: string) => linkOf(address)?.url

test('the same page has the same address however it is written', () => {
  for (const address of [
    'HTTP://Example.COM/a/b?x=1&y=2',
    'https://www.example.com:443/a/./c/../b/?y=2&x=1#top',
    'http://m.example.com.//a//b?utm_source=mail&x=1&fbclid=zz&y=2',
    'example.com/a/b?x=1&y=2&',
    '//example.com/a/b?x=1&y=2&gclid=1',
    'https://user:password@example.com/a/b?x=1&y=2',
    'https://ex%61mple.com/%61/b/?x=%31&y=2',
    'hxxps://example[.]com/a/b?x=1&y=2',
    'h**p[:]//example (dot) com/a/b?x=1&y=2',
    'http[://]example{.}com/a/b?x=1&y=2',
    'https://exam\u200bple.com/a/b;jsessionid=0A1/?x=1&y=2',
    'http://ｅｘａｍｐｌｅ。com/a/b?x=1&y=2',
    'http:\\\\example.com\\a\\b?x=1&y=2',
    '  https://mobile.example.com:80/a/b?y=2&x=1  ',
  ])
    assert.equal(url(address), 'http://example.com/a/b?x=1&y=2', address)
})

test('what makes another page stays', () => {
  const addresses = [
    'http://example.com/a',
    'http://example.com/A',
    'http://example.com/a?x=1',
    'http://example.com/a?x=2',
    'http://example.com/a?x=1&x=2',
    'http://example.com/a?x=2&x=1',
    'http://example.com/a%2Fb',
    'http://example.com/a/b',
    'http://example.com:8080/a',
    'http://shop.example.com/a',
    'http://example.com/a#!/b',
    'http://www.com/',
  ]
  assert.equal(new Set(addresses.map(url)).size, addresses.length)
  assert.equal(url('https://example.com/a?q=c%2B%2b+d'), 'http://example.com/a?q=c%2B%2B%20d')
  assert.equal(url('http://example.com/%e4%bd%a0?n=%E5%A5%BD'), url('http://example.com/你?n=好'))
})

test('tricks with names end at the host that is really asked', () => {
  assert.equal(linkOf('http://bank.com@evil.com/')?.host, 'evil.com')
  assert.equal(linkOf('http://bank.com:pass@evil.com:80/')?.host, 'evil.com')
  assert.equal(linkOf('http://bank.com%2F@evil.com/')?.host, 'evil.com')
  assert.equal(linkOf('https://аррӏе.com/')?.host, 'xn--80ak6aa92e.com', 'Cyrillic, told in ASCII')
  assert.equal(linkOf('http://0x7f.1/')?.host, '127.0.0.1')
  assert.equal(linkOf('http://2130706433/')?.host, '127.0.0.1')
  assert.equal(linkOf('http://[::ffff:10.0.0.1]/')?.domain, undefined)
})

test('what is not of the web is no link, and long ones end', () => {
  for (const address of [
    '',
    ' ',
    '.',
    'http://',
    'javascript:alert(1)',
    'JaVaScRiPt://example.com/%0aalert(1)',
    'data:text/html,<a href=http://example.com>',
    'mailto:a@example.com',
    'ftp://example.com/',
    'file:///etc/passwd',
    'http://a b.com/',
    'http://[::1',
    `http://${'x'.repeat(10_000)}.com/`,
    `http://example.com/${'x'.repeat(20_000)}`,
  ])
    assert.equal(linkOf(address), undefined, address.slice(0, 60))
  assert.equal(url(`http://example.com/${'a/'.repeat(5_000)}`)?.length, 'http://example.com/'.length + 9_999)
})

test('a canonical address is its own, whatever it was made of', () => {
  const nasty = fc
    .string({ unit: fc.constantFrom(...'http://.a@?&=%2#b;:[]+ \\m.w(dot)'.split('')), maxLength: 30 })
    .map((text) => `http://${text}`)
  const any = fc.oneof(
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    nasty,
  )
  assert.equal(linkOf('http://2..')?.url, 'http://0.0.0.2/')
  fc.assert(
    fc.property(any, (address) => {
      const link = linkOf(address)
      if (link !== undefined) assert.deepEqual(linkOf(link.url), link)
      assert.doesNotThrow(() => linksInText(address))
    }),
    { numRuns: 2_000 },
  )
})

test('what one owner registered is the domain, also under private suffixes', () => {
  assert.equal(domainOf('a.b.example.co.uk'), 'example.co.uk')
  assert.equal(domainOf('somebody.blogspot.com'), 'somebody.blogspot.com')
  assert.equal(domainOf('x.somebody.github.io'), 'somebody.github.io')
  assert.equal(domainOf('10.0.0.1'), undefined)
  assert.equal(domainOf('localhost'), undefined)
  assert.equal(domainOf('co.uk'), undefined)
})

test('wrapped addresses are unwrapped, step by step', () => {
  const end = 'http://evil.example/a?b=1'
  const wrapped = encodeURIComponent('https://www.evil.example/a?b=1&utm_source=x')
  for (const address of [
    `https://www.google.com/url?sa=t&q=${wrapped}&usg=x`,
    `https://www.google.co.uk/url?url=${wrapped}`,
    `https://l.facebook.com/l.php?u=${wrapped}&h=AT0`,
    `https://l.instagram.com/?u=${wrapped}&e=1`,
    `https://www.youtube.com/redirect?event=x&q=${wrapped}`,
    `https://vk.com/away.php?to=${wrapped}`,
    `https://eur01.safelinks.protection.outlook.com/?url=${wrapped}&data=05`,
    'https://web.archive.org/web/20200101000000/https://evil.example/a?b=1',
    'https://www.google.com/amp/s/evil.example/a?b=1',
    `https://www.bing.com/ck/a?u=a1${Buffer.from('https://evil.example/a?b=1').toString('base64url')}`,
    `https://www.google.com/url?q=${encodeURIComponent(`https://l.facebook.com/l.php?u=${wrapped}`)}`,
  ])
    assert.equal(linkChain(address).at(-1)?.url, end, address)
  assert.equal(linkChain('https://evil-site.translate.goog/a').at(-1)?.host, 'evil.site')
  assert.deepEqual(
    linkChain('https://google.com/url?q=javascript:alert(1)').map(({ host }) => host),
    ['google.com'],
  )
  assert.deepEqual(
    linkChain('https://sho.rt/x', ['https://sho.rt/y', end, 'mailto:a@b.example']).map((link) => link.url),
    ['http://sho.rt/x', 'http://sho.rt/y', end],
  )
})

test('texts give up their links, also those that nobody can click', () => {
  const text = `see (https://evil.com/a_(b)) and hxxp://bad[.]com/x, also foo (dot) org/login. mail me@x.com
    e.g. this.Then node.js <a href="http://q.com/1">x</a> www.zed.co.uk! [md](https://md.com/x) 1.5
    http://bank.com@evil.com/ ｅｖｉｌ．ｃｏｍ ex\u200bample.com "http://例え.jp/道"`
  assert.deepEqual(linksInText(text), [
    'https://evil.com/a_(b)',
    'http://bad.com/x',
    'foo.org/login',
    'http://q.com/1',
    'www.zed.co.uk',
    'https://md.com/x',
    'http://bank.com@evil.com/',
    'evil.com',
    'example.com',
    'http://例え.jp/道',
  ])
  assert.deepEqual(linksInText('no links here... at all, 12:30, v1.2.3'), [])
  assert.equal(linksInText('a.com '.repeat(1_000)).length, 100)
})

test('a hundred thousand characters of almost links are read at once', () => {
  const from = performance.now()
  for (const piece of ['a.', 'http://', '(dot) ', 'http:// [.', '@a.b', '((((', 'a-'])
    linksInText(piece.repeat(100_000 / piece.length))
  assert.ok(performance.now() - from < 10_000)
})
