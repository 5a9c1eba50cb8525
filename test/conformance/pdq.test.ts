import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { hammingDistance } from '../../src/kernels/hamming-index.ts'
import {
  dihedrals,
  pdqDihedral,
  pdqDihedralOfHash,
  pdqFromHex,
  pdqHash,
  pdqStages,
  pdqToHex,
  type PdqConvention,
} from '../../src/kernels/pdq.ts'
import { decodeImage } from '../../src/media/decode.ts'

// Reference hashes and stage dumps of github.com/facebook/ThreatExchange; see ../shared/data/match/README.md.
const folder = fileURLToPath(new URL('../../../shared/data/match/pdq/', import.meta.url))
const skip = existsSync(folder) ? false : `${folder} is absent`

type Expected = {
  file: string
  width: number
  height: number
  hashed_width: number
  hashed_height: number
  quality: number
  hash: string
} & Record<string, string | number>

const read = (path: string): Expected[] =>
  readFileSync(folder + path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Expected)
const floats = (path: string) => new Float32Array(new Uint8Array(readFileSync(folder + path)).buffer)
const images = skip === false ? globSync(`${folder}images/**/*.{jpg,jpeg,png,webp}`) : []
const distance = (a: string, b: string) => hammingDistance(pdqFromHex(a), 0, pdqFromHex(b), 0)
const columnOf = { original: 'hash' } as Record<string, string>

for (const engine of ['wasm', 'typescript'] as const)
  test(`the same pixels give the same bits at every stage of the reference (${engine})`, { skip }, () => {
    const taps = read('taps/taps.jsonl')
    assert.ok(taps.length >= 7)
    for (const tap of taps) {
      const rgb = readFileSync(`${folder}taps/${tap.file}.rgb`)
      const stages = pdqStages(rgb, tap.hashed_width, tap.hashed_height, 'full', engine)!
      assert.deepEqual(stages.luma64, floats(`taps/${tap.file}.luma64.f32le`), `${tap.file}: 64 x 64 luma`)
      assert.deepEqual(stages.dct16, floats(`taps/${tap.file}.dct16.f32le`), `${tap.file}: DCT`)
      assert.equal(stages.quality, tap.quality, `${tap.file}: quality`)
      assert.equal(pdqToHex(pdqHash(stages)), tap.hash, `${tap.file}: hash`)
    }
  })

for (const [convention, file] of [
  ['full', 'full-res-convention.jsonl'],
  ['512', 'cpp-512-convention.jsonl'],
] as [PdqConvention, string][])
  test(`reference images, convention ${convention}`, { skip }, async (t) => {
    let identical = 0
    const expected = read(`expected/${file}`)
    for (const row of expected) {
      const path = images.find((image) => basename(image) === row.file)
      assert.ok(path, `${row.file} is among the images`)
      const image = await decodeImage(readFileSync(path))
      assert.deepEqual([image.width, image.height], [row.width, row.height], row.file)
      const stages = pdqStages(image.rgb, image.width, image.height, convention)!
      const bits = distance(pdqToHex(pdqHash(stages)), row.hash)
      const turned = pdqDihedral(stages)
      for (const [index, name] of dihedrals.entries())
        if (bits === 0 && row.quality >= 50)
          assert.equal(
            pdqToHex(turned, index * 8),
            row[columnOf[name] ?? name.toLowerCase().replace('rotate', 'rot')],
            `${row.file}: ${name}`,
          )
      if (bits === 0 && stages.quality === row.quality) identical++
      else t.diagnostic(`${row.file}: ${bits} bits, quality ${stages.quality} for ${row.quality}`)
      if (row.quality >= 80) assert.ok(bits <= 10, `${row.file}: ${bits} bits from the reference`)
    }
    t.diagnostic(`${identical} of ${expected.length} identical in hash and quality`)
  })

test(
  'the turned photos match the dihedral hashes of the original, from pixels and from the hash alone',
  { skip },
  async (t) => {
    const load = async (name: string) => {
      const image = await decodeImage(readFileSync(`${folder}images/dih/${name}`))
      return pdqStages(image.rgb, image.width, image.height)!
    }
    const stages = await load('bridge-1-original.jpg')
    const turned = pdqDihedral(stages)
    const estimated = pdqDihedralOfHash(pdqHash(stages))
    const files = [
      '1-original',
      '2-rotate-90',
      '3-rotate-180',
      '4-rotate-270',
      '5-flipx',
      '6-flipy',
      '7-flip-plus-1',
      '8-flip-minus-1',
    ]
    for (const [index, file] of files.entries()) {
      const hash = pdqHash(await load(`bridge-${file}.jpg`))
      const bits = hammingDistance(hash, 0, turned, index * 8)
      const bitsEstimated = hammingDistance(hash, 0, estimated, index * 8)
      t.diagnostic(`${file}: ${bits} bits from the DCT, ${bitsEstimated} from the hash alone`)
      assert.ok(bits <= 31)
      assert.ok(bitsEstimated <= 31)
    }
  },
)
