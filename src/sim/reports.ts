import type { Person, Post } from './people.ts'
import type { SimViolation } from './truth.ts'
import { emit, hourMs, minuteMs, plan, type World } from './world.ts'

/** A report by one person about what another wrote. Reporting is never a violation in itself; whether it is right is truth. */
export function fileReport(world: World, by: Person, post: Post, reason: SimViolation, note: string): void {
  emit(world, {
    type: 'report.filed',
    context: post.threadId === undefined ? 'feed' : 'community_messaging',
    by,
    item: { id: post.itemId },
    to: [post.author],
    attributes: { reason },
    note,
  })
}

/** Some of those who get something bad report it, most of them late. */
export function maybeReport(world: World, by: Person, post: Post, reason: SimViolation, probability: number): void {
  const { random } = world
  if (!random.chance(probability)) return
  plan(world, world.nowMs + random.exponential(2 * hourMs), () => fileReport(world, by, post, reason, 'right report'))
}

/** A few accounts that report one innocent person again and again, to get them removed. */
export function reportMaliciously(world: World, campaigns: number): void {
  const { random, population } = world
  for (let campaign = 0; campaign < campaigns; campaign++) {
    const atMs = world.startMs + random.between(0.15, 0.85) * (world.endMs - world.startMs)
    plan(world, atMs, () => {
      const words = random.pick(population.communities).words
      const posts = population.feeds.get(words.language)!.filter((post) => post.author.role === 'person')
      if (posts.length === 0) return
      const target = random.pick(posts).author
      const theirs = posts.filter((post) => post.author === target)
      const ring = `${world.idPrefix}false-reports-${campaign}`
      for (let member = 0; member < 5 + random.int(4); member++) {
        const reporter = world.make({
          role: 'malicious_reporter',
          words,
          createdAtMs: world.nowMs - random.int(30) * 24 * hourMs,
          ring,
        })
        plan(world, world.nowMs + random.between(1, 180) * minuteMs, () => {
          for (const post of theirs.slice(0, 2))
            fileReport(world, reporter, post, random.pick(['harassment', 'hate', 'spam']), 'malicious report')
        })
      }
    })
  }
}
