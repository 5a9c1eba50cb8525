import { pictureStyles } from '../kernels/picture.ts'
import type { Random } from '../kernels/random.ts'
import { pickLanguage, type Person, type Post } from './people.ts'
import { fileReport } from './reports.ts'
import { fillTemplate } from './text.ts'
import type { PhotoSpec } from './truth.ts'
import {
  dayMs,
  emit,
  hourMs,
  minuteMs,
  plan,
  postToCommunity,
  postToFeed,
  reply,
  sendMessage,
  type World,
} from './world.ts'

// Share of a day's activity by local hour; mean 1. Quiet nights, a bump at noon, the most in the evening.
const byHour = [
  0.35, 0.2, 0.1, 0.08, 0.08, 0.15, 0.4, 0.8, 1.1, 1.15, 1.1, 1.2, 1.4, 1.3, 1.1, 1.1, 1.2, 1.4, 1.7, 2, 2.1, 1.9, 1.4,
  0.68,
]
const byHourMax = 2.1

/** Everybody who lives here starts their day. */
export function liveOrganically(world: World): void {
  for (const person of world.population.people) planNext(world, person)
  for (let day = world.startMs; day < world.endMs; day += dayMs)
    for (let story = 0; story < 4; story++)
      plan(world, day + world.random.between(6, 20) * hourMs, () => breakNews(world))
}

/** Plans the next act of a person: a Poisson process thinned by the hour where they live (Lewis and Shedler 1979). */
function planNext(world: World, person: Person): void {
  const { random } = world
  let atMs = world.nowMs
  do {
    atMs += random.exponential(dayMs / (person.activity * byHourMax))
    if (atMs >= world.endMs) return
  } while (!random.chance(byHour[localHour(atMs, person)]! / byHourMax))
  plan(world, atMs, () => {
    act(world, person)
    planNext(world, person)
  })
}

function localHour(atMs: number, person: Person): number {
  return Math.floor((((atMs / hourMs + person.offsetHours) % 24) + 24) % 24)
}

/** One ordinary act: mostly looking, often answering, sometimes writing. */
export function act(world: World, person: Person): void {
  const { random } = world
  const draw = random.float()
  const seen = somethingSeen(world, person)
  if (draw < 0.3 && seen !== undefined)
    return emit(world, {
      type: 'item.viewed',
      context: seen.threadId === undefined ? 'feed' : 'community_messaging',
      by: person,
      item: { id: seen.itemId },
      to: [seen.author],
    })
  if (draw < 0.5 && seen !== undefined) return answer(world, person, seen)
  if (draw < 0.68 && person.friends.length > 0) return chat(world, person)
  if (draw < 0.86) return void write(world, person)
  if (draw < 0.94)
    return emit(world, { type: 'account.signed_in', context: 'feed', by: person, attributes: { knownDevice: true } })
  if (draw < 0.97 && seen !== undefined && seen.author !== person)
    return emit(world, { type: 'relation.followed', context: 'feed', by: person, to: [seen.author] })
  if (draw < 0.975) {
    person.name = random.chance(0.5) ? `${person.name} 🌿` : person.name.replace(' 🌿', '')
    return emit(world, { type: 'account.updated', context: 'feed', by: person, attributes: { changed: 'name' } })
  }
  write(world, person)
}

function somethingSeen(world: World, person: Person): Post | undefined {
  const { random } = world
  const posts =
    person.communities.length > 0 && random.chance(0.55)
      ? random.pick(person.communities).recent
      : world.population.feeds.get(person.words.language)!
  return posts.length === 0 ? undefined : random.pick(posts)
}

/** An original post, in a community or on the feed, at times with a photo that nobody has seen before. */
export function write(world: World, person: Person): Post {
  const { random } = world
  const community = person.communities.length > 0 && random.chance(0.5) ? random.pick(person.communities) : undefined
  const topics = person.words.topics
  const templates = topics[community?.topic ?? random.pick(Object.keys(topics))]!
  const text = fillTemplate(random.pick(templates), person.words, random)
  const photos = random.chance(0.04) ? [ownPhoto(random)] : undefined
  const content = { text, ...(photos === undefined ? {} : { photos }) }
  return community === undefined
    ? postToFeed(world, person, content)
    : postToCommunity(world, person, community, content)
}

/** A photo that nobody has posted before. */
export function ownPhoto(random: Random): PhotoSpec {
  return { seed: random.uint32(), style: random.pick(pictureStyles), quality: 62 + random.int(26) }
}

function answer(world: World, person: Person, original: Post): void {
  const { random } = world
  const author = original.author
  if (author !== person && author.words === person.words && random.chance(0.1 * (person.temper + author.temper)))
    return quarrel(world, person, original)
  reply(world, person, original, { text: fillTemplate(random.pick(person.words.replies), person.words, random) })
}

/** Two people who get heated about it. Rude at times, and still nothing that a decent forum forbids. */
function quarrel(world: World, first: Person, original: Post): void {
  const { random } = world
  const rounds = 3 + random.int(8)
  let atMs = world.nowMs
  let last = original
  for (let round = 0; round < rounds; round++) {
    const by = round % 2 === 0 ? first : original.author
    plan(world, atMs, () => {
      last = reply(
        world,
        by,
        last,
        { text: fillTemplate(random.pick(by.words.quarrels), by.words, random) },
        { note: 'near miss: heated but legitimate' },
      )
      const other = by === first ? original.author : first
      if (random.chance(0.05))
        plan(world, world.nowMs + random.between(1, 40) * minuteMs, () =>
          fileReport(world, other, last, 'harassment', 'mistaken report'),
        )
    })
    atMs += random.between(0.5, 9) * minuteMs
  }
}

/** A few messages to and fro between friends, at times with a photo. */
function chat(world: World, person: Person): void {
  const { random } = world
  const friend = random.pick(person.friends)
  const rounds = 1 + random.int(5)
  let atMs = world.nowMs
  for (let round = 0; round < rounds; round++) {
    const [by, to] = round % 2 === 0 ? [person, friend] : [friend, person]
    plan(world, atMs, () =>
      sendMessage(world, by, to, {
        text: fillTemplate(random.pick(by.words.messages), by.words, random),
        ...(random.chance(0.008) ? { photos: [ownPhoto(random)] } : {}),
      }),
    )
    atMs += random.between(0.3, 12) * minuteMs
  }
}

/** A story that many people share within hours, word by word and with the same link: legitimate identical content. */
function breakNews(world: World): void {
  const { random } = world
  const words = pickLanguage(random)
  const headline = fillTemplate(random.pick(words.news), words, random)
  const link = `https://${random.pick(['morning-post', 'daily-harbour', 'the-courier', 'radio-sud', 'stadtblatt'])}.example/${words.language}/${random.int(90_000) + 10_000}`
  const people = world.population.byLanguage.get(words.language)!
  const photo = random.chance(0.4) ? ownPhoto(random) : undefined
  const sharers = random.sample(people, Math.max(2, Math.floor(people.length * random.between(0.01, 0.05))))
  let atMs = world.nowMs
  for (const person of sharers) {
    plan(world, atMs, () =>
      postToFeed(
        world,
        person,
        {
          text: `${headline} ${link}`,
          links: [link],
          ...(photo === undefined ? {} : { photos: [{ ...photo, quality: 60 + random.int(30) }] }),
        },
        { note: 'near miss: shared news' },
      ),
    )
    atMs += random.exponential(8 * minuteMs)
  }
}

/** People who joined today and love it: many posts, follows and first messages, as a spammer would make. */
export function welcomeEnthusiasts(world: World, count: number): void {
  const { random } = world
  for (let index = 0; index < count; index++) {
    const joinsAtMs = world.startMs + random.between(0.02, 0.92) * (world.endMs - world.startMs)
    plan(world, joinsAtMs, () => {
      const words = pickLanguage(random)
      const person = world.make({ role: 'enthusiast', words, createdAtMs: world.nowMs })
      person.activity = 18 + random.int(20)
      const local = world.population.communities.filter((community) => community.words === words)
      person.communities = random.sample(local, 2)
      const marks = { note: 'near miss: new enthusiast' }
      emit(world, { type: 'account.created', context: 'feed', by: person, ...marks })
      const circle = world.population.byLanguage.get(words.language)!
      const blog = `https://${person.handle.replace(/[^a-z0-9]/g, '')}.example/blog`
      let atMs = world.nowMs
      for (let step = 0; step < 24; step++) {
        atMs += random.between(0.5, 6) * minuteMs
        plan(world, atMs, () => {
          const other = random.pick(circle)
          if (step % 4 === 0)
            return emit(world, { type: 'relation.followed', context: 'feed', by: person, to: [other], ...marks })
          if (step % 6 === 1)
            return void sendMessage(
              world,
              person,
              other,
              { text: fillTemplate(random.pick(words.replies), words, random) },
              marks,
            )
          const topic = random.pick(Object.values(words.topics))
          const text = fillTemplate(random.pick(topic), words, random)
          postToFeed(world, person, step % 5 === 2 ? { text: `${text} ${blog}`, links: [blog] } : { text }, marks)
        })
      }
      planNext(world, person)
    })
  }
}
