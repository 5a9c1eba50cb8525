import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createSkeletonIndex, skeletonOf } from './skeleton.ts'
import { foldText } from './text-fold.ts'

const skeleton = (text: string) => skeletonOf(text).text
const plain = 'Claim your FREE crypto now'

/** What people write to get past a filter. */
const disguises = [
  'C l a i m  y o u r  F R E E  c r y p t o  n o w',
  'C.l.a.i.m y-o-u-r F_R_E_E c/r/y/p/t/o n*o*w',
  'Cl@im y0ur FR€€ ¢rypt0 n0w',
  'C1a1m y0ur Fr33 crypt0 n0w',
  'сlаіm уоur ғrее сrурtо nоw',
  'ᴄʟᴀɪᴍ ʏᴏᴜʀ ꜰʀᴇᴇ ᴄʀʏᴘᴛᴏ ɴᴏᴡ',
  '🅲🅻🅰🅸🅼 🆈🅾🆄🆁 🅵🆁🅴🅴 🅲🆁🆈🅿🆃🅾 🅽🅾🆆',
  '🇨🇱🇦🇮🇲 🇾🇴🇺🇷 🇫🇷🇪🇪 🇨🇷🇾🇵🇹🇴 🇳🇴🇼',
  'Claaaaim youuuur FREEEEE cryyypto nooooow',
  'Clairn your FREE crypto novv',
  'c̷̢̛̼l̴̫̈́a̶͇͝i̵̳͐m̶ y̸o̷u̴r̵ f̵r̴e̷e̸ c.r.y.p.t.o n0w',
  'Cla\u200bim yo\u00adur F\u2060R3E cryp\ufefft0 n o w',
  'claim your ꮖree сrypto now'.replace('ꮖree', 'f r e e'),
  'Ⓒⓛⓐⓘⓜ your ƒяee crypto now'.replace('я', 'r'),
  '𝓒𝓵𝓪𝓲𝓶 𝔂𝓸𝓾𝓻 𝒇𝒓𝒆𝒆 𝐜𝐫𝐲𝐩𝐭𝐨 𝗇𝗈𝗐',
  'ᑕlaim yoᑌr free crypτo now'.replace('ᑕ', 'c'),
]

test('what looks the same in disguise has the same skeleton', () => {
  for (const text of disguises) assert.equal(skeleton(text), skeleton(plain), text)
  const folded = disguises.filter((text) => foldText(text).text === foldText(plain).text).length
  assert.ok(folded < disguises.length / 2, `folding alone undoes ${folded}`)
})

test('other words have other skeletons, in every script', () => {
  const texts = [
    plain,
    'Claim your fees, crypto owner',
    'Reclaim your free crypto now',
    'Привет, мир! Это не спам.',
    'Привет, мир! Это спам.',
    '你好，世界！免費領取',
    '哈哈哈，你好',
    '哈哈，你好',
    'नमस्ते दुनिया',
    'สวัสดีชาวโลก',
    'مرحبا بالعالم',
    'call 2266 9999',
  ]
  assert.equal(new Set(texts.map(skeleton)).size, texts.length)
  assert.equal(skeleton('!!! ... ???'), '')
})

test('a skeleton is its own skeleton, and every unit points at its source', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      const { text: bones, starts, ends, bounds } = skeletonOf(text)
      assert.equal(skeleton(bones), bones)
      assert.ok(starts.length === bones.length && ends.length === bones.length && bounds.length === bones.length)
      for (let at = 0; at < bones.length; at++) {
        assert.ok(starts[at]! < ends[at]! && ends[at]! <= text.length)
        if (at > 0) assert.ok(starts[at]! >= starts[at - 1]!)
      }
    }),
    { numRuns: 300 },
  )
})

test('long skeletons are found as passages, from word to word, short ones only whole', () => {
  const index = createSkeletonIndex()
  index.add(1, skeleton('send 2 btc to this wallet'))
  index.add(2, skeleton('free money'))
  index.add(3, skeleton('send 2 btc to this wallet'))
  const text = 'Best s e n d  2  b.t.c t0 th1s wal1et, today'
  const bones = skeletonOf(text)
  const hits = index.search(bones)
  assert.deepEqual(
    hits.map(({ id }) => id),
    [1, 3],
  )
  const [{ start, end }] = hits as [(typeof hits)[0]]
  assert.equal(text.slice(bones.starts[start], bones.ends[end - 1]), 's e n d  2  b.t.c t0 th1s wal1et')
  assert.deepEqual(index.search(skeletonOf('resend 2 btc to this wallet')), [])
  assert.deepEqual(index.search(skeletonOf('send 2 btc to this wallets')), [])
  assert.deepEqual(index.search(skeletonOf('no free money here')), [])
  assert.equal(index.search(skeletonOf('F.R.E.E  m0n€y')).length, 1)
  assert.ok(index.remove(1) && !index.remove(1))
  assert.equal(index.search(bones).length, 1)
  assert.ok(index.remove(3))
  assert.equal(index.search(bones).length, 0)
})
