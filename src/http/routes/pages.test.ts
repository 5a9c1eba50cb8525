import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { selectAppeals } from '../../appeals/store.ts'
import { decide } from '../../flows/enforce.ts'
import { reverse } from '../../flows/remedy.ts'
import { decideAppeal } from '../../flows/appeal.ts'
import { closeGate } from '../../flows/marks.ts'
import { createSubjectLink } from '../access.ts'
import { languages, moment, type Language } from '../pages/messages.ts'
import { reviewFixture, startMs, tenantId, type ReviewFixture } from '../../../test/review-fixture.ts'
import { pageRoutes } from './pages.ts'

let world: ReviewFixture
let baseUrl: string
let close: () => Promise<void>
before(async () => {
  world = await reviewFixture()
  const { app, mount } = world.server()
  pageRoutes(app, mount, world.deps)
  baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
  close = () => app.close()
})
after(() => close())

const yearMs = 365 * 86_400_000
const linkFor = async (actorId: string) =>
  `/me/${(await world.db.transaction((tx) => createSubjectLink(tx, world.deps, tenantId, { actorId, ttlMs: 2 * yearMs }))).token}`
const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(baseUrl + path, { headers, redirect: 'manual' })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const post = async (path: string, fields: Record<string, string>) => {
  const response = await fetch(baseUrl + path, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
  })
  return { status: response.status, location: response.headers.get('location') ?? '', text: await response.text() }
}
const decideAbout = async (actorId: string, more: object = {}) => {
  const made = await world.db.transaction((tx) =>
    decide(tx, world.deps, tenantId, {
      violation: 'scam',
      severity: 3,
      context: 'feed',
      actorId,
      occurredAtMs: startMs,
      automation: 'full',
      author: { kind: 'rule', id: 'r', version: 1 },
      because: [{ name: 'x', value: 1, because: 'It matches a known scam' }],
      ...more,
    }),
  )
  assert.ok(made.ok, made.ok ? '' : made.detail)
  return made.decisionId
}
const formTokenIn = (text: string) => /name="form" value="([^"]+)"/.exec(text)![1]!
const textOf = (page: string) => page.replaceAll(/<style>[\s\S]*?<\/style>|<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

test('a person without decisions reads that nothing limits them', async () => {
  const page = await get(await linkFor('quiet'))
  assert.equal(page.status, 200)
  assert.match(page.text, /There are no limits on your account\./)
  assert.match(page.text, /There are no decisions about your account\./)
})

test('a decision page says what, why, which rule, how it was found, what follows and until when one may appeal', async () => {
  await world.event('told', {
    actor: { id: 'told', attributes: { displayName: 'Tilda' } },
    item: { id: 'it', text: 'Cheap <gold>!' },
  })
  const decisionId = await decideAbout('told', { eventId: 'told', itemId: 'it' })
  const link = await linkFor('told')
  const account = await get(link)
  assert.match(account.text, /Tilda/)
  assert.match(account.text, /Not possible right now: everything/)
  const { status, text } = await get(`${link}/decisions/${decisionId}`)
  assert.equal(status, 200)
  const words = textOf(text)
  for (const said of [
    'We took down something of yours. Place: Feed.',
    'Scams and fraud',
    'We do not allow attempts to take money',
    'This rule is part of the terms',
    'An automated check drew our attention to it.',
    'A computer found it.',
    'A computer decided. No person has looked at it yet.',
    'Until ',
    'You can ask until',
    'Cheap &lt;gold&gt;!',
    'out-of-court',
  ])
    assert.ok(words.includes(said), `the page should say "${said}"`)
  assert.ok(!words.includes('known scam'), 'what the rule noted stays inside')
  const german = textOf((await get(`${link}/decisions/${decisionId}?lang=de`)).text)
  assert.ok(german.includes('Eine automatische Prüfung hat uns darauf aufmerksam gemacht.'), german)
})

test('a limit that no decision led to is shown with its reason and end', async () => {
  const gate = {
    actorId: 'gated',
    feature: 'send_message',
    context: 'private_messaging',
    untilMs: startMs + 90_000_000,
  }
  await world.db.transaction((tx) =>
    closeGate(
      tx,
      world.deps,
      tenantId,
      { ...gate, reason: 'Many <new> messages at once', occurredAtMs: startMs },
      { author: { kind: 'rule', id: 'burst', version: 1 }, automation: 'full', because: [] },
    ),
  )
  const words = textOf((await get(await linkFor('gated'))).text)
  for (const said of ['Private messages', 'sending messages', 'November 21, 2026', 'Many &lt;new&gt; messages at once'])
    assert.ok(words.includes(said), `the page should say "${said}"`)
})

test('nobody reads about anybody else, and a dead link is a plain 404 page', async () => {
  const decisionId = await decideAbout('theirs')
  const link = await linkFor('somebody')
  const foreign = await get(`${link}/decisions/${decisionId}`)
  assert.equal(foreign.status, 404)
  assert.ok(!foreign.text.includes('theirs') && !foreign.text.includes('Scams'))
  assert.equal((await get(`${link}/decisions/${decisionId}/appeal`)).status, 404)
  for (const token of ['x', 'A'.repeat(43), '%00', '..%2f..'])
    assert.match((await get(`/me/${token}`)).text, /This link does not work/)
  assert.equal((await get('/me/nothing')).status, 404)
  assert.equal((await get(`${link}/decisions/%00`)).status, 404)
  const short = await world.db.transaction((tx) =>
    createSubjectLink(tx, world.deps, tenantId, { actorId: 'somebody', ttlMs: 1_000 }),
  )
  assert.equal((await get(`/me/${short.token}`)).status, 200)
  world.pass(1_001)
  assert.equal((await get(`/me/${short.token}`)).status, 404)
})

test('an appeal is filed once, however often the button is pressed; then its outcome is shown', async () => {
  const decisionId = await decideAbout('asks')
  const link = await linkFor('asks')
  const at = `${link}/decisions/${decisionId}`
  const form = formTokenIn((await get(`${at}/appeal`)).text)
  const text = 'Das war <b>mein</b> Foto'
  const pressed = await Promise.all([
    post(`${at}/appeal`, { form, text }),
    post(`${at}/appeal`, { form, text }),
    post(`${at}/appeal`, { form, text }),
  ])
  assert.deepEqual(
    pressed.map((one) => [one.status, one.location]),
    pressed.map(() => [303, `${at}?done=1`]),
  )
  const appeals = await selectAppeals(world.db.query, tenantId, { decisionId, limit: 10 })
  assert.equal(appeals.length, 1)
  assert.equal(await world.deps.vault.open(world.db.query, tenantId, appeals[0]!.statementRef!), text)
  const done = await get(`${at}?done=1`)
  assert.match(done.text, /We have your request/)
  assert.match(done.text, /We are looking again/)
  assert.ok(!done.text.includes('Ask us to look again</a>'), 'there is nothing more to ask')
  assert.equal((await get(`${at}/appeal`)).status, 303)

  const answered = await world.db.transaction((tx) =>
    decideAppeal(tx, world.deps, tenantId, {
      appealId: appeals[0]!.id,
      outcome: 'overturned',
      reason: 'The photo is their own.',
      author: { kind: 'person', id: 'tom' },
    }),
  )
  assert.ok(answered.ok)
  const outcome = textOf((await get(at)).text)
  for (const said of [
    'The decision was wrong. We took it back.',
    'Correction: We looked again and our decision was wrong. It is reversed, with all that followed from it. We are sorry. The photo is their own.',
    'It no longer counts.',
  ])
    assert.ok(outcome.includes(said), `the page should say "${said}"`)
  assert.match((await get(link)).text, /There are no limits on your account\./)
})

test('a form without its token, or too long, keeps the words and files nothing', async () => {
  const decisionId = await decideAbout('slips')
  const at = `${await linkFor('slips')}/decisions/${decisionId}`
  const form = formTokenIn((await get(`${at}/appeal`)).text)
  const without = await post(`${at}/appeal`, { text: 'my words' })
  assert.equal(without.status, 403)
  assert.match(without.text, /no longer valid[\s\S]*my words/)
  const foreign = await post(`${at}/appeal`, {
    form: formTokenIn((await get(`${await linkFor('slips')}/decisions/${decisionId}/appeal`)).text),
    text: 'x',
  })
  assert.equal(foreign.status, 403, 'the token of another link does not fit')
  const long = await post(`${at}/appeal`, { form, text: 'x'.repeat(5_001) })
  assert.equal(long.status, 422)
  assert.match(long.text, /Your text has 5,001 characters\. Please shorten it to 5,000\./)
  assert.equal((await selectAppeals(world.db.query, tenantId, { decisionId, limit: 10 })).length, 0)
  assert.equal((await post(`${at}/appeal`, { form, text: `${'x'.repeat(2_500)}\r\n${'x'.repeat(2_499)}` })).status, 303)
})

test('after the window the page says until when one could have asked', async () => {
  const decisionId = await decideAbout('late')
  const link = await linkFor('late')
  const form = formTokenIn((await get(`${link}/decisions/${decisionId}/appeal`)).text)
  world.pass(184 * 86_400_000)
  assert.match((await get(`${link}/decisions/${decisionId}`)).text, /That time is over\./)
  assert.equal(
    (await post(`${link}/decisions/${decisionId}/appeal`, { form, text: 'x' })).location,
    `${link}/decisions/${decisionId}`,
  )
  assert.equal((await selectAppeals(world.db.query, tenantId, { decisionId, limit: 10 })).length, 0)
})

test('hostile names and words stay words', async () => {
  const displayName = `<script>alert(1)</script>\u202Etxt.exe\u2066 "'> ${'A'.repeat(1_000)}`
  await world.event('evil', {
    actor: { id: 'evil', attributes: { displayName } },
    item: { id: 'evil', text: `</textarea><img src=x onerror=alert(1)> \u202E ${'z'.repeat(90_000)}` },
  })
  const decisionId = await decideAbout('evil', {
    eventId: 'evil',
    itemId: 'evil',
    facts: '<svg onload=alert(1)> &amp;',
  })
  const link = await linkFor('evil')
  const at = `${link}/decisions/${decisionId}`
  const form = formTokenIn((await get(`${at}/appeal`)).text)
  const pages = [
    await get(link),
    await get(at),
    { text: (await post(`${at}/appeal`, { form: 'x', text: '</textarea><script>alert(1)</script>' })).text },
  ]
  for (const { text } of pages) {
    assert.ok(
      !/<script|<img|<svg|onerror=alert\(1\)>/.test(text.replaceAll('&lt;', '')) || !/<(?:script|img|svg)/.test(text),
    )
    assert.ok(!/<(?:script|img|svg)/i.test(text), 'no element of theirs')
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(text), 'no turning of directions')
    assert.ok(text.length < 25_000, `a page of ${text.length} characters`)
  }
  assert.match(pages[0]!.text, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/)
  assert.ok(form.length > 20)
})

test('a display name of a megabyte is cut', async () => {
  await world.event('mega', { actor: { id: 'mega', attributes: { name: 'Ж'.repeat(1_000_000) } } })
  const { text } = await get(await linkFor('mega'))
  assert.ok(text.length < 10_000)
  assert.match(text, /Ж{80}…/)
})

test('nothing runs, loads or leaks: headers of every page', async () => {
  const link = await linkFor('quiet')
  for (const path of [link, '/me/nobody', `${link}/decisions/x`]) {
    const { headers, text } = await get(path)
    const policy = headers.get('content-security-policy')!
    assert.match(
      policy,
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    )
    assert.equal(headers.get('referrer-policy'), 'same-origin')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.ok(!/ style=| on\w+=|<script|<link/.test(text), 'nothing inline, nothing external')
  }
})

test('the language follows ?lang, then the browser; every language has a whole page of its own', async () => {
  await world.event('poly', { actor: { id: 'poly' }, item: { id: 'poly', text: 'hola' } })
  const decisionId = await decideAbout('poly', { eventId: 'poly', itemId: 'poly' })
  const link = await linkFor('poly')
  assert.match((await get(link, { 'accept-language': 'xx, fr;q=0.3, de-AT;q=0.9' })).text, /<html lang="de" dir="ltr">/)
  assert.match((await get(`${link}?lang=ja`, { 'accept-language': 'de' })).text, /<html lang="ja"/)
  assert.match((await get(link, { 'accept-language': '*' })).text, /<html lang="en"/)
  const seen = new Set<string>()
  for (const language of Object.keys(languages) as Language[]) {
    const texts = languages[language]
    for (const path of ['', `/decisions/${decisionId}`, `/decisions/${decisionId}/appeal`]) {
      const { status, text, headers } = await get(`${link}${path}?lang=${language}`)
      assert.equal(status, 200)
      assert.equal(headers.get('content-language'), language)
      assert.match(text, new RegExp(`<html lang="${language}" dir="${texts.direction}">`))
      assert.ok(
        !/\{(?:when|where|max|count)\}|undefined|\[object/.test(text),
        `an unfilled place in ${language}${path}`,
      )
      for (const [, href] of text.matchAll(/href="(\/me\/[^"]+)"/g)) assert.match(href!, /\?lang=[a-z]{2}$/)
      assert.ok(!seen.has(text))
      seen.add(text)
    }
  }
  assert.match((await get(link, { 'accept-language': 'ar' })).text, /dir="rtl"/)
})

test('every message of every language is there, is its own, and keeps its places', () => {
  const flat = (messages: object): Record<string, string> =>
    Object.fromEntries(
      Object.entries(messages).flatMap(([key, value]) =>
        typeof value === 'string'
          ? [[key, value]]
          : Object.entries(value as Record<string, string>).map(([inner, text]) => [`${key}.${inner}`, text]),
      ),
    )
  const english = flat(languages.en)
  for (const [language, messages] of Object.entries(languages)) {
    const texts = flat(messages)
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort(), language)
    for (const [key, text] of Object.entries(texts)) {
      assert.ok(text.trim() !== '' && text === text.normalize('NFC'), `${language}.${key}`)
      const places = (one: string) =>
        [...one.matchAll(/\{\w+\}/g)]
          .map(([place]) => place)
          .sort()
          .join()
      assert.equal(places(text), places(english[key]!), `${language}.${key} has other places`)
      if (language !== 'en' && text.length > 25) assert.notEqual(text, english[key], `${language}.${key} is English`)
    }
    assert.match(moment(language as Language, startMs), /2026|٢٠٢٦/)
  }
})

test('a failure of ours is a page too, and the link stays out of the log', async () => {
  const link = await linkFor('unlucky')
  await world.db.query('ALTER TABLE decisions RENAME TO decisions_away')
  try {
    const page = await get(link)
    assert.equal(page.status, 503)
    assert.match(page.text, /Nothing is lost\./)
    assert.ok(world.logged.some((line) => line.msg === 'page failed'))
    assert.ok(!JSON.stringify(world.logged).includes(link.split('/')[2]!))
  } finally {
    await world.db.query('ALTER TABLE decisions_away RENAME TO decisions')
  }
})

test('a decision taken back without an appeal says so', async () => {
  const decisionId = await decideAbout('freed')
  const reversed = await world.db.transaction((tx) =>
    reverse(tx, world.deps, tenantId, { decisionId, reason: 'Mistake', author: { kind: 'person', id: 'tom' } }),
  )
  assert.ok(reversed.ok)
  const page = await get(`${await linkFor('freed')}/decisions/${decisionId}`)
  assert.match(page.text, /Taken back/)
  assert.match(page.text, /We took this decision back\. It no longer counts\./)
})
