import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createPhraseIndex, foldText } from './text-fold.ts'

const folded = (text: string) => foldText(text).text

test('what reads the same folds the same', () => {
  const want = 'claim your free crypto now'
  for (const text of [
    'Claim your FREE crypto now!!!',
    '  claim—your…free   crypto\n\nnow ',
    'Ｃｌａｉｍ ｙｏｕｒ ｆｒｅｅ ｃｒｙｐｔｏ ｎｏｗ',
    '𝓒𝓵𝓪𝓲𝓶 𝔂𝓸𝓾𝓻 𝒇𝒓𝒆𝒆 𝐜𝐫𝐲𝐩𝐭𝐨 𝗇𝗈𝗐',
    'Ⓒlaim your ⓕⓡⓔⓔ crypto now',
    'cla\u200bim yo\u00adur fr\u2060ee cry\ufeffpto n\u202eow',
    'c̷̢̛̼l̴̫̈́a̶͇͝i̵̳͐m̶ y̸o̷u̴r̵ f̵r̴e̷e̸ crypto now',
    'cláîm yöur frée crÿptø now'.replace('ø', 'o'),
    'cl4im y0ur fr33 crypt0 n0w',
    'C1aim your free crypto now'.replace('C1', 'Cl'),
    'сlаim yоur frее сrурtо nоw', // Cyrillic with Latin in each word
    'claim your 🅵🆁🅴🅴 crypto now'.replace('🅵🆁🅴🅴', 'fre🅴'),
    'cl@im your free crypto now',
  ])
    assert.equal(folded(text), want, text)
})

test('other scripts keep their letters', () => {
  for (const [text, want] of [
    ['Привет, мир! Это не спам.', 'привет мир это не спам'],
    ['Война и мір: йод, ёлка', 'война и мір йод ёлка'],
    ['Καλημέρα κόσμε, ΟΔΟΣ ὁδός', 'καλημερα κοσμε οδοσ οδοσ'],
    ['你好，世界！免費領取', '你好 世界 免費領取'],
    ['مرحبا بالعالـــم', 'مرحبا بالعالم'],
    ['สวัสดีชาวโลก น้ำ', 'สวัสดีชาวโลก น้ำ'.normalize('NFKC')],
    ['नमस्ते दुनिया', 'नमस्ते दुनिया'],
    ['שלום עולם', 'שלום עולם'],
    ['한국어 텍스트', '한국어 텍스트'],
    ['ストップ ｶﾀｶﾅ', 'ストップ カタカナ'],
    ['STRASSE Straße', 'strasse strasse'],
    ['İstanbul ILIK ılık', 'istanbul ilik ilik'],
    ["don't DON’T", 'dont dont'],
    ['1,000 USD', '1 000 usd'],
    ['😀 hi 👍🏽', '😀 hi 👍'],
  ] as [string, string][])
    assert.equal(folded(text), want, text)
})

test('numbers and codes are not taken for words', () => {
  assert.equal(folded('call 0800 1234 or h264'), 'call 0800 1234 or h264')
})

test('every folded character points at its source', () => {
  const original = '  Hé\u200bllo — ＷＯＲＬＤ!! 𝓈𝓬𝓪𝓶 ﬁn'
  const { text, starts, ends } = foldText(original)
  assert.equal(text, 'hello world scam fin')
  const at = (word: string) => {
    const start = text.indexOf(word)
    return original.slice(starts[start], ends[start + word.length - 1])
  }
  assert.equal(at('hello'), 'Hé\u200bllo')
  assert.equal(at('world'), 'ＷＯＲＬＤ')
  assert.equal(at('scam'), '𝓈𝓬𝓪𝓶')
  assert.equal(at('fin'), 'ﬁn')
})

test('any text folds to bounded, ordered places and survives invisible noise', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (original) => {
      const { text, starts, ends } = foldText(original)
      assert.equal(starts.length, text.length)
      assert.equal(ends.length, text.length)
      for (let at = 0; at < text.length; at++) {
        assert.ok(starts[at]! < ends[at]! && ends[at]! <= original.length)
        if (at > 0) assert.ok(starts[at]! >= starts[at - 1]!)
      }
      assert.doesNotMatch(text, /^ | $| {2}/)
    }),
  )
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', 'x', 'y', 'z', '0', 'д', 'я', '中'), maxLength: 60 }),
      (plain) => {
        assert.equal(folded(Array.from(plain).join('\u200b\u202e')), folded(plain))
      },
    ),
  )
})

test('a megabyte of marks folds quickly', () => {
  const text = `a${'\u0301'.repeat(1_000_000)} ${'!'.repeat(500_000)} ${'x1'.repeat(250_000)}`
  const before = performance.now()
  folded(text)
  assert.ok(performance.now() - before < 8_000)
})

test('phrases: short ones must be the whole text, long ones may stand among other words', () => {
  const index = createPhraseIndex()
  index.add(1, folded('free money'))
  index.add(2, folded('Send 2 BTC to this wallet'))
  index.add(3, folded('免費領取比特幣'))
  assert.deepEqual(
    index.search(folded('FREE money!')).map((hit) => hit.id),
    [1],
  )
  assert.deepEqual(index.search(folded('no free money here')), [])
  const message = 'Hi! send 2 btc, to THIS wallet — today'
  const text = foldText(message)
  const [hit] = index.search(text.text)
  assert.equal(hit!.id, 2)
  assert.equal(message.slice(text.starts[hit!.start], text.ends[hit!.end - 1]), 'send 2 btc, to THIS wallet')
  assert.deepEqual(index.search(folded('resend 2 btc to this wallet')), [], 'not inside another word')
  assert.deepEqual(index.search(folded('send 2 btc to this wallets')), [])
  assert.deepEqual(
    index.search(folded('今天免費領取比特幣吧')).map((each) => each.id),
    [3],
  )
  assert.ok(index.remove(2))
  assert.deepEqual(index.search(text.text), [])
  assert.throws(() => index.add(4, ''), RangeError)
})
