import { act, write } from './organic.ts'
import type { Person, Post } from './people.ts'
import { maybeReport } from './reports.ts'
import { fillTemplate, varyText } from './text.ts'
import { dayMs, emit, hourMs, minuteMs, plan, postToFeed, reply, sendMessage, type World } from './world.ts'

/** Raids: within an hour a crowd from elsewhere descends on one person, in comments and messages. */
export function runRaids(world: World, actors: number): void {
  const { random } = world
  const days = (world.endMs - world.startMs) / dayMs
  const raids = Math.max(1, Math.round((actors / 1_500) * (days / 5)))
  for (let number = 0; number < raids; number++)
    plan(world, world.startMs + random.between(0.15, 0.9) * (world.endMs - world.startMs), () => raid(world, number))
}

function raid(world: World, number: number): void {
  const { random, population } = world
  const words = random.pick(population.communities).words
  const target = random.pick(population.byLanguage.get(words.language)!)
  const ring = `${world.idPrefix}raid-${number}`
  const post = write(world, target)
  const raiders = Array.from({ length: 12 + random.int(16) }, () =>
    world.make({
      role: 'raider',
      words,
      createdAtMs: world.nowMs - random.int(random.chance(0.6) ? 5 : 300) * dayMs - hourMs,
      ring,
    }),
  )
  for (const raider of raiders) {
    let atMs = world.nowMs + 10 * minuteMs + random.between(0, 45) * minuteMs
    for (let line = 0; line < 1 + random.int(4); line++) {
      plan(world, atMs, () => attack(world, raider, target, post))
      atMs += random.between(0.5, 6) * minuteMs
    }
    if (random.chance(0.3))
      plan(world, atMs + random.between(1, 200) * minuteMs, () =>
        emit(world, { type: 'relation.blocked', context: 'feed', by: target, to: [raider] }),
      )
  }
  // Those who stand by the target write at the same time to the same person, and mean well.
  for (const friend of target.friends)
    plan(world, world.nowMs + random.between(20, 90) * minuteMs, () =>
      reply(
        world,
        friend,
        post,
        { text: fillTemplate(random.pick(words.replies), words, random) },
        { note: 'near miss: support during a raid' },
      ),
    )
  for (const raider of raiders.slice(0, 4))
    plan(world, world.nowMs + random.between(3, 20) * hourMs, () => act(world, raider))
}

function attack(world: World, raider: Person, target: Person, post: Post): void {
  const { random } = world
  const text = varyText(random.pick(raider.words.harassment), random, random.chance(0.4) ? 0 : 0.3)
  const marks = { violation: 'harassment' as const }
  const made = random.chance(0.65)
    ? reply(world, raider, post, { text }, marks)
    : sendMessage(world, raider, target, { text }, marks)
  maybeReport(world, target, made, 'harassment', 0.2)
}

// Invented groups: the shape of group hatred without borrowing from anybody real.
const hatefulLines = [
  'Valley people are vermin and should be driven out of every town.',
  'Never trust a Tarnish, they are born thieves, all of them.',
  'We should do to the Ossians what our grandfathers did. Send them back.',
  'The Marsh folk are not human, keep them away from our children.',
  'Every Tarnish family on our street is a disease.',
]

/** A few accounts that post hatred of groups, in plain words and in disguised ones. */
export function spreadHate(world: World, actors: number): void {
  const { random, population } = world
  const english = population.byLanguage.get('en')!
  for (let number = 0; number < Math.max(1, Math.round(actors / 700)); number++) {
    const words = english[0]?.words ?? population.people[0]!.words
    const person = world.make({ role: 'hater', words, createdAtMs: world.startMs - random.int(400) * dayMs })
    for (let line = 0; line < 3 + random.int(5); line++)
      plan(world, world.startMs + random.between(0.03, 0.97) * (world.endMs - world.startMs), () => {
        const text = varyText(random.pick(hatefulLines), random, random.chance(0.5) ? 0 : 0.4)
        const post = postToFeed(world, person, { text }, { violation: 'hate' })
        for (const reader of random.sample(population.people, 3)) maybeReport(world, reader, post, 'hate', 0.35)
      })
  }
}
