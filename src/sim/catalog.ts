import { pictureStyles } from '../kernels/picture.ts'
import { createRandom, type Random } from '../kernels/random.ts'
import { fillTemplate, languages } from './text.ts'
import type { PhotoSpec, SimViolation } from './truth.ts'
import { scamKinds, type ScamKind, type Words } from './words/words.ts'

/** What one operator works with: scripts, pictures and domains that all accounts of the ring share. */
export type RingKit = {
  name: string
  kind: ScamKind
  words: Words
  /** Scripts with everything filled in but the link, which stays as `{link}` where it is part of the text. */
  scripts: string[]
  photos: PhotoSpec[]
  domains: string[]
}

const domainWords = ['secure', 'fast', 'prime', 'global', 'help', 'mega', 'true', 'bonus', 'swift', 'first']
const kindWords: Record<ScamKind, readonly string[]> = {
  investment: ['invest', 'profit', 'trade', 'capital'],
  parcel: ['parcel', 'track', 'depot', 'post'],
  job: ['jobs', 'career', 'tasks', 'hire'],
  romance: ['chat', 'hearts', 'meet', 'talk'],
  giveaway: ['win', 'prize', 'gift', 'reward'],
}
const kindStyles: Record<ScamKind, PhotoSpec['style']> = {
  investment: 'poster',
  parcel: 'product',
  job: 'room',
  romance: 'portrait',
  giveaway: 'product',
}

/** The kit of a ring is a function of the seed and its number, so that a bank can know it before any event happens. */
export function ringKit(seed: number, ring: number): RingKit {
  const random = createRandom(seed).fork(`ring ${ring}`)
  const kind = scamKinds[ring % scamKinds.length]!
  const words = languages[[0, 1, 0, 3, 2, 0, 4, 5, 6, 7][ring % 10]!]!.words
  const scripts = [...words.scams[kind], ...words.scams[kind]].map((template, index) => {
    const text = fillTemplate(template, words, random, { link: '{link}' })
    // Every other script leaves the link to the link card of the platform; its text is the same for every victim.
    return index % 2 === 0 ? text : text.replace(/[:：]?\s*\{link\}/, '')
  })
  return {
    name: `ring-${ring}-${kind}`,
    kind,
    words,
    scripts,
    photos: Array.from({ length: 4 }, () => ({ seed: random.uint32(), style: kindStyles[kind], quality: 84 })),
    domains: Array.from(
      { length: 8 },
      () => `${random.pick(domainWords)}-${random.pick(kindWords[kind])}-${1 + random.int(98)}.example`,
    ),
  }
}

/** A stock photo that scammers stole: known as scam material, and shared by innocent people all the same. */
export function stolenPhoto(seed: number): PhotoSpec {
  return { seed: createRandom(seed).fork('stolen photo').uint32(), style: 'product', quality: 86 }
}

/** Abstract pictures that stand for the worst there is. Nothing is depicted: only their being known matters here. */
export function egregiousPhotos(seed: number): PhotoSpec[] {
  const random = createRandom(seed).fork('egregious')
  return Array.from({ length: 4 }, () => ({ seed: random.uint32(), style: random.pick(pictureStyles), quality: 85 }))
}

/** A copy as sharers make it: another quality, often another size, at times other tones or a cut edge. */
export function copyOf(photo: PhotoSpec, random: Random, effort: 'light' | 'heavy'): PhotoSpec {
  const heavy = effort === 'heavy'
  return {
    seed: photo.seed,
    style: photo.style,
    quality: heavy ? 38 + random.int(40) : 55 + random.int(38),
    change: {
      // Steps, not a continuum: copies of copies circulate, so that the same variant is met again.
      cropShare: heavy ? random.int(4) * 0.012 : random.int(2) * 0.008,
      scale: [1, 0.85, 0.7, 1.2][random.int(heavy ? 4 : 3)]!,
      brightness: 1 + (random.int(5) - 2) * (heavy ? 0.07 : 0.03),
      contrast: 1 + (random.int(3) - 1) * (heavy ? 0.12 : 0.05),
    },
  }
}

/** What a trust team already knows on the first day. */
export type BankSeed = { bank: string; purpose: string; violation: SimViolation; label: string; note: string } & (
  | { kind: 'photo'; photo: PhotoSpec }
  | { kind: 'text'; text: string }
)

/** How many rings exist at a size of the platform. */
export function ringCount(actors: number): number {
  return Math.max(3, Math.round(actors / 220))
}

/** Known content: half of the material of every second ring, one photo banked by mistake, and the worst. */
export function bankSeeds(seed: number, actors: number): BankSeed[] {
  const seeds: BankSeed[] = []
  for (let ring = 0; ring < ringCount(actors); ring += 2) {
    const kit = ringKit(seed, ring)
    const base = { violation: 'scam' as const, label: kit.kind, note: `from earlier reports of ${kit.kind} scams` }
    for (const photo of kit.photos.slice(0, 2))
      seeds.push({ ...base, bank: 'known-scam-photos', purpose: 'Photos used by scam rings', kind: 'photo', photo })
    for (const text of kit.scripts.filter((script) => !script.includes('{link}')).slice(0, 2))
      seeds.push({ ...base, bank: 'known-scam-scripts', purpose: 'Scripts used by scam rings', kind: 'text', text })
  }
  seeds.push({
    bank: 'known-scam-photos',
    purpose: 'Photos used by scam rings',
    violation: 'scam',
    label: 'giveaway',
    note: 'prize photo seen in giveaway scams',
    kind: 'photo',
    photo: stolenPhoto(seed),
  })
  for (const photo of egregiousPhotos(seed))
    seeds.push({
      bank: 'known-egregious',
      purpose: 'The worst known media; matches act at once',
      violation: 'egregious_media',
      label: 'egregious',
      note: 'abstract stand-in',
      kind: 'photo',
      photo,
    })
  return seeds
}
