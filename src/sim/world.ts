import type { Event, EventItem, EventThread } from '../domain/event.ts'
import type { Random } from '../kernels/random.ts'
import { createSchedule, type Schedule } from '../kernels/schedule.ts'
import type { Community, Person, PersonOptions, Population, Post } from './people.ts'
import type { PhotoSpec, SimViolation, Simulated } from './truth.ts'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** Something that happens at a time: it emits events and plans what follows from it. */
export type Task = () => void

/** The running platform: who lives there, what is planned, what has just happened. */
export type World = {
  seed: number
  idPrefix: string
  startMs: number
  endMs: number
  nowMs: number
  random: Random
  schedule: Schedule<Task>
  population: Population
  make: (options: PersonOptions) => Person
  /** Events of the present moment that nobody has taken yet. */
  out: Simulated[]
  counts: { events: number; items: number; threads: number; media: number }
}

export type Happening = {
  type: Event['type']
  context: string
  by: Person
  item?: EventItem
  thread?: EventThread
  to?: readonly Person[]
  attributes?: Event['attributes']
  origin?: Event['origin']
  photos?: readonly PhotoSpec[]
  violation?: SimViolation
  ring?: string
  note?: string
}

/** A world at its first moment, with nothing planned. */
export function createWorld(base: Omit<World, 'nowMs' | 'schedule' | 'out' | 'counts'>): World {
  return {
    ...base,
    nowMs: base.startMs,
    schedule: createSchedule<Task>(),
    out: [],
    counts: { events: 0, items: 0, threads: 0, media: 0 },
  }
}

/** Plans a task; what lies beyond the end of the simulation never happens. */
export function plan(world: World, dueMs: number, task: Task): void {
  const atMs = Math.max(world.nowMs, Math.floor(dueMs))
  if (atMs < world.endMs) world.schedule.add(atMs, task)
}

/** Lets something happen now: an event for the platform, and the truth beside it. */
export function emit(world: World, happening: Happening): void {
  const { by, type, context, item, thread, to, photos, violation, note } = happening
  const eventId = `${world.idPrefix}e${world.counts.events++}`
  const media = photos?.map(() => ({ id: `${world.idPrefix}p${world.counts.media++}`, kind: 'photo' }))
  const event: Event = {
    id: eventId,
    type,
    time: new Date(world.nowMs).toISOString(),
    context,
    actor: {
      id: by.id,
      kind: 'person',
      attributes: {
        name: by.name,
        handle: by.handle,
        language: by.words.language,
        country: by.country,
        createdAt: new Date(by.createdAtMs).toISOString(),
        followers: by.followers,
      },
    },
    ...(item === undefined ? {} : { item: media === undefined ? item : { ...item, media } }),
    ...(thread === undefined ? {} : { thread }),
    ...(to === undefined ? {} : { targets: to.map((person) => ({ id: person.id, kind: 'person' })) }),
    origin: happening.origin ?? { ip: by.ip, device: by.device, userAgent: by.userAgent },
    ...(happening.attributes === undefined ? {} : { attributes: happening.attributes }),
  }
  const ring = happening.ring ?? by.ring
  world.out.push({
    event,
    photos: photos ?? [],
    truth: {
      eventId,
      actorId: by.id,
      ...(item === undefined ? {} : { itemId: item.id }),
      role: by.role,
      violating: violation !== undefined,
      ...(violation === undefined ? {} : { violation }),
      ...(ring === undefined ? {} : { ring }),
      ...(note === undefined ? {} : { note }),
    },
  })
}

/** The next item id; ids count up in order of posting. */
export function newItemId(world: World): string {
  return `${world.idPrefix}i${world.counts.items++}`
}

const recentMax = 60
/** Adds a post to what people see; the oldest falls out. */
export function remember(posts: Post[], post: Post): void {
  posts.push(post)
  if (posts.length > recentMax) posts.shift()
}

export type Content = { text: string; links?: string[]; photos?: readonly PhotoSpec[]; parent?: string }
export type Marks = Pick<Happening, 'violation' | 'note' | 'ring' | 'origin'>

/** A post on the public feed. */
export function postToFeed(world: World, by: Person, content: Content, marks: Marks = {}): Post {
  const itemId = newItemId(world)
  emit(world, {
    type: 'item.created',
    context: 'feed',
    by,
    item: itemOf(itemId, 'post', by, content),
    ...photosOf(content),
    ...marks,
  })
  const post: Post = { itemId, author: by, text: content.text }
  if (content.parent === undefined) remember(world.population.feeds.get(by.words.language)!, post)
  return post
}

/** A post or comment in a community. */
export function postToCommunity(
  world: World,
  by: Person,
  community: Community,
  content: Content,
  marks: Marks = {},
): Post {
  const itemId = newItemId(world)
  emit(world, {
    type: 'item.created',
    context: 'community_messaging',
    by,
    item: itemOf(itemId, content.parent === undefined ? 'post' : 'comment', by, content),
    thread: { id: community.id, kind: 'community', role: 'member', memberCount: community.memberCount },
    ...photosOf(content),
    ...marks,
  })
  const post: Post = { itemId, author: by, text: content.text, threadId: community.id }
  if (content.parent === undefined) remember(community.recent, post)
  return post
}

/** An answer, where the original stands; the author of the original is its target. */
export function reply(world: World, by: Person, original: Post, content: Content, marks: Marks = {}): Post {
  const itemId = newItemId(world)
  const community = world.population.communities.find((candidate) => candidate.id === original.threadId)
  emit(world, {
    type: 'item.created',
    context: community === undefined ? 'feed' : 'community_messaging',
    by,
    item: itemOf(itemId, 'comment', by, { ...content, parent: original.itemId }),
    ...(community === undefined
      ? {}
      : { thread: { id: community.id, kind: 'community', role: 'member', memberCount: community.memberCount } }),
    to: [original.author],
    ...photosOf(content),
    ...marks,
  })
  return {
    itemId,
    author: by,
    text: content.text,
    ...(original.threadId === undefined ? {} : { threadId: original.threadId }),
  }
}

/** A direct message. Whether the recipient knows the sender is something that a platform knows, so it is sent along. */
export function sendMessage(world: World, by: Person, to: Person, content: Content, marks: Marks = {}): Post {
  const itemId = newItemId(world)
  const [first, second] = by.id < to.id ? [by.id, to.id] : [to.id, by.id]
  emit(world, {
    type: 'message.sent',
    context: 'private_messaging',
    by,
    item: itemOf(itemId, 'message', by, content),
    thread: { id: `${world.idPrefix}t-${first}-${second}`, kind: 'direct', memberCount: 2 },
    to: [to],
    attributes: { recipientKnowsSender: to.friends.includes(by) },
    ...photosOf(content),
    ...marks,
  })
  return { itemId, author: by, text: content.text }
}

function itemOf(id: string, kind: string, by: Person, content: Content): EventItem {
  return {
    id,
    kind,
    text: content.text,
    language: by.words.language,
    ...(content.links === undefined ? {} : { links: content.links }),
    ...(content.parent === undefined ? {} : { parent: content.parent }),
  }
}

function photosOf(content: Content): Pick<Happening, 'photos'> {
  return content.photos === undefined || content.photos.length === 0 ? {} : { photos: content.photos }
}
