import type { Random } from '../kernels/random.ts'
import { languages } from './text.ts'
import type { ActorRole } from './truth.ts'
import type { Words } from './words/words.ts'

/** Something that a person posted and that others may see, answer and share. */
export type Post = { itemId: string; author: Person; text: string; threadId?: string }

export type Community = {
  id: string
  words: Words
  topic: string
  memberCount: number
  /** The latest posts, oldest first; older ones fall out. */
  recent: Post[]
}

export type Person = {
  id: string
  name: string
  handle: string
  role: ActorRole
  ring?: string
  words: Words
  country: string
  offsetHours: number
  createdAtMs: number
  followers: number
  device: string
  ip: string
  userAgent: string
  /** Events a day, on average over the day. */
  activity: number
  /** 0 to 1: how readily this person argues. */
  temper: number
  friends: Person[]
  communities: Community[]
}

export type Population = {
  people: Person[]
  communities: Community[]
  /** Feed posts by language, latest last. */
  feeds: Map<string, Post[]>
  byLanguage: Map<string, Person[]>
}

export type PersonOptions = { role: ActorRole; words: Words; createdAtMs: number; ring?: string; household?: Household }
export type Household = { ip: string; device?: string; country: Words['countries'][number] }

const agents = [
  'Mozilla/5.0 (Linux; Android 16; Pixel 10) Mobile',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 20_1 like Mac OS X)',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64)',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 15_2)',
  'ExampleApp/8.4 (Android 15; SM-A566)',
  'ExampleApp/8.4 (iOS 19.3; iPhone17,1)',
]

/** Makes people one by one; ids count up in order of making. */
export function createPersonMaker(random: Random, idPrefix: string): (options: PersonOptions) => Person {
  let count = 0
  return ({ role, words, createdAtMs, ring, household }) => {
    const home = household ?? newHousehold(random, words)
    const given = random.pick(words.given)
    const family = random.pick(words.family)
    const number = count++
    const name = random.chance(0.15) ? given : words.language === 'ja' ? `${family}${given}` : `${given} ${family}`
    return {
      id: `${idPrefix}u${number}`,
      name,
      handle: handleOf(given, family, number, random),
      role,
      ...(ring === undefined ? {} : { ring }),
      words,
      country: home.country.code,
      offsetHours: home.country.offsetHours,
      createdAtMs,
      followers: Math.floor(random.exponential(role === 'person' ? 140 : 6)),
      device: home.device ?? `${idPrefix}d${number}`,
      ip: home.ip,
      userAgent: random.pick(agents),
      // Log-normal: most people say little, a few say a lot.
      activity: Math.min(45, Math.exp(1.35 + 0.75 * random.normal())),
      temper: random.float() ** 3,
      friends: [],
      communities: [],
    }
  }
}

/** One address for one home. All of them lie in ranges reserved for documentation and benchmarks (RFC 2544, RFC 3849). */
export function newHousehold(random: Random, words: Words): Household {
  const country = random.pick(words.countries)
  const ip = random.chance(0.4)
    ? `198.${18 + random.int(2)}.${country.net}.${1 + random.int(254)}`
    : `2001:db8:${country.net.toString(16)}:${(1 + random.int(0xfffe)).toString(16)}::${(1 + random.int(0xff)).toString(16)}`
  return { ip, country }
}

function handleOf(given: string, family: string, number: number, random: Random): string {
  const plain = (text: string): string =>
    text
      .normalize('NFD')
      .replace(/[\u0300-\u036f]/g, '')
      .toLowerCase()
      .replace(/[^a-z]/g, '')
  const first = plain(given) || 'user'
  const last = plain(family)
  const tail = random.chance(0.5) ? String(1 + ((number * 7) % 99)) : ''
  return `${random.pick([`${first}.${last}`, `${first}_${last}`, `${first}${last}`, `${last}${first}`])}${tail}`.replace(
    /^[._]|[._]$/g,
    '',
  )
}

/** Everybody who was there before the first simulated day: homes, friendships, communities. */
export function settlePopulation(
  random: Random,
  make: (options: PersonOptions) => Person,
  actors: number,
  startMs: number,
  idPrefix: string,
): Population {
  const communities: Community[] = languages.flatMap(({ words }) =>
    Object.keys(words.topics).map((topic, index) => ({
      id: `${idPrefix}c-${words.language}-${index}`,
      words,
      topic,
      memberCount: 0,
      recent: [],
    })),
  )
  const people: Person[] = []
  const byLanguage = new Map<string, Person[]>(languages.map(({ words }) => [words.language, []]))
  while (people.length < actors) {
    // A few of every language first, so that nobody is alone in one, however small the platform.
    const words = languages[Math.floor(people.length / 4)]?.words ?? pickLanguage(random)
    const family = random.chance(0.12) ? 2 + random.int(3) : 1
    const household = newHousehold(random, words)
    for (let member = 0; member < family && people.length < actors; member++) {
      const ageMs = random.between(3, 2_000) * 86_400_000
      const person = make({ role: 'person', words, createdAtMs: Math.floor(startMs - ageMs), household })
      people.push(person)
      byLanguage.get(words.language)!.push(person)
      const local = communities.filter((community) => community.words === words)
      person.communities = random.sample(local, 1 + random.int(3))
      for (const community of person.communities) community.memberCount++
    }
  }
  for (const person of people) {
    const circle = byLanguage.get(person.words.language)!
    const wanted = 2 + random.int(7)
    for (let tries = 0; tries < wanted * 2 && person.friends.length < wanted; tries++) {
      const other = random.pick(random.chance(0.96) ? circle : people)
      if (other === person || person.friends.includes(other) || other.friends.length > 14) continue
      person.friends.push(other)
      other.friends.push(person)
    }
  }
  const feeds = new Map<string, Post[]>(languages.map(({ words }) => [words.language, []]))
  return { people, communities, feeds, byLanguage }
}

/** A language, as often as it is written on the platform. */
export function pickLanguage(random: Random): Words {
  let draw = random.float()
  for (const { words, share } of languages) {
    draw -= share
    if (draw < 0) return words
  }
  return languages[0]!.words
}
