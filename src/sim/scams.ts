import type { Random } from '../kernels/random.ts'
import { copyOf, egregiousPhotos, ringCount, ringKit, stolenPhoto, type RingKit } from './catalog.ts'
import { act, write } from './organic.ts'
import { newHousehold, type Person } from './people.ts'
import { maybeReport } from './reports.ts'
import { varyText } from './text.ts'
import { dayMs, emit, hourMs, minuteMs, plan, postToFeed, sendMessage, type Content, type World } from './world.ts'

/** Rings: a handful of accounts from two homes and few devices, one set of scripts, bursts of messages to strangers. */
export function runScamRings(world: World, actors: number): void {
  const { random } = world
  for (let ring = 0; ring < ringCount(actors); ring++) {
    const kit = ringKit(world.seed, ring)
    const firstMs = world.startMs + random.between(0.01, 0.3) * (world.endMs - world.startMs)
    plan(world, firstMs, () => openRing(world, kit, ring))
  }
}

function openRing(world: World, kit: RingKit, number: number): void {
  const { random } = world
  const ring = `${world.idPrefix}${kit.name}`
  const homes = [0, 1].map((home) => ({
    ...newHousehold(random, kit.words),
    device: `${world.idPrefix}rd${number}-${home}`,
  }))
  const members: Person[] = []
  for (let member = 0; member < 4 + random.int(6); member++)
    plan(world, world.nowMs + member * random.between(1, 9) * minuteMs, () => {
      const aged = random.chance(0.3)
      const person = world.make({
        role: 'scammer',
        words: kit.words,
        createdAtMs: aged ? world.nowMs - random.int(200) * dayMs : world.nowMs,
        ring,
        household: homes[random.int(2)]!,
      })
      members.push(person)
      if (!aged) emit(world, { type: 'account.created', context: 'feed', by: person, note: 'ring account signs up' })
      // Cover: posts as anybody would make them, which break no rule.
      for (let cover = 0; cover < 3; cover++)
        plan(world, world.nowMs + random.between(0.2, 40) * hourMs, () => void write(world, person))
    })
  let atMs = world.nowMs + random.between(2, 14) * hourMs
  while (atMs < world.endMs) {
    plan(world, atMs, () => burst(world, kit, number, members))
    atMs += random.between(1.2, 4) * dayMs
  }
}

/** One working shift of a ring. The domain of the day changes; the scripts stay. */
function burst(world: World, kit: RingKit, number: number, members: readonly Person[]): void {
  const { random } = world
  const domain = kit.domains[Math.floor((world.nowMs - world.startMs) / dayMs) % kit.domains.length]!
  const circle = world.population.byLanguage.get(kit.words.language)!
  for (const person of members) {
    if (random.chance(0.25)) continue
    let atMs = world.nowMs + random.between(0, 20) * minuteMs
    const messages = 8 + random.int(30)
    for (let message = 0; message < messages; message++) {
      atMs += random.between(15, 100) * 1_000
      const to = random.pick(circle)
      plan(world, atMs, () => {
        const content = scamContent(world, kit, domain, number)
        const post = sendMessage(world, person, to, content, { violation: 'scam' })
        maybeReport(world, to, post, 'scam', 0.05)
        if (random.chance(0.05))
          plan(world, world.nowMs + random.between(1, 120) * minuteMs, () =>
            emit(world, { type: 'relation.blocked', context: 'private_messaging', by: to, to: [person] }),
          )
      })
    }
    if (random.chance(0.4))
      plan(
        world,
        atMs,
        () => void postToFeed(world, person, scamContent(world, kit, domain, number), { violation: 'scam' }),
      )
  }
}

function scamContent(world: World, kit: RingKit, domain: string, number: number): Content {
  const { random } = world
  const script = random.pick(kit.scripts)
  const link = `https://${domain}/${random.pick(['a', 'go', 'pay', 'join'])}/${random.int(9_000)}`
  const text = varyText(script.replace('{link}', link), random, random.chance(0.35) ? 0 : random.between(0.1, 0.5))
  const photo = random.chance(0.28)
    ? random.pick(kit.photos)
    : number === 0 && random.chance(0.1)
      ? stolenPhoto(world.seed)
      : undefined
  return { text, links: [link], ...(photo === undefined ? {} : { photos: [copyOf(photo, random, 'light')] }) }
}

/** Single accounts that flood the feed with offers and vary the words and pictures to pass filters. */
export function runSpammers(world: World, actors: number): void {
  const { random } = world
  for (let number = 0; number < Math.max(4, Math.round(actors / 80)); number++) {
    plan(world, world.startMs + random.between(0.02, 0.9) * (world.endMs - world.startMs), () => {
      const words = random.pick(world.population.communities).words
      const person = world.make({
        role: 'spammer',
        words,
        createdAtMs: world.nowMs - (random.chance(0.5) ? 0 : random.int(90) * dayMs),
      })
      if (person.createdAtMs === world.nowMs) emit(world, { type: 'account.created', context: 'feed', by: person })
      const photo = { seed: random.uint32(), style: random.pick(['product', 'poster'] as const), quality: 82 }
      const domains = Array.from(
        { length: 6 },
        () => `${random.pick(['deal', 'shop', 'super', 'sale', 'mart'])}${random.int(900)}.example`,
      )
      const template = random.pick(words.spam)
      spamFrom(world, person, template, domains, photo, random)
    })
  }
}

function spamFrom(
  world: World,
  person: Person,
  template: string,
  domains: readonly string[],
  photo: { seed: number; style: 'product' | 'poster'; quality: number },
  random: Random,
): void {
  for (let shift = 0; shift < 1 + random.int(4); shift++) {
    let atMs = world.nowMs + shift * random.between(0.6, 2) * dayMs
    for (let post = 0; post < 14 + random.int(30); post++) {
      atMs += random.between(8, 75) * 1_000
      plan(world, atMs, () => {
        const link = `https://${random.pick(domains)}/${random.int(99_999)}`
        const filled = template.replace(/\{([^{}]+)\}/g, (whole, name: string) =>
          name === 'link' ? link : random.pick(person.words.slots[name] ?? [whole]),
        )
        const posted = postToFeed(
          world,
          person,
          {
            text: varyText(filled, random, random.between(0.35, 0.95)),
            links: [link],
            ...(random.chance(0.2) ? { photos: [copyOf(photo, random, 'heavy')] } : {}),
          },
          { violation: 'spam' },
        )
        maybeReport(world, random.pick(world.population.people), posted, 'spam', 0.03)
      })
    }
  }
}

/** An account that is taken over: a new device far away, a changed address, a burst of scams to friends, then the owner is back. */
export function takeOverAccounts(world: World, actors: number): void {
  const { random, population } = world
  const count = Math.max(1, Math.round(actors / 350))
  for (const person of random.sample(
    population.people.filter((candidate) => candidate.friends.length >= 2),
    count,
  )) {
    person.role = 'compromised'
    plan(world, world.startMs + random.between(0.1, 0.85) * (world.endMs - world.startMs), () =>
      takeOver(world, person),
    )
  }
}

function takeOver(world: World, person: Person): void {
  const { random } = world
  const kit = ringKit(world.seed, random.int(3))
  const origin = {
    ip: `2001:db8:dead:${(1 + random.int(0xfffe)).toString(16)}::1`,
    device: `${world.idPrefix}x${random.int(1e6)}`,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
  }
  const marks = { origin, violation: 'account_compromise' as const }
  emit(world, {
    type: 'account.signed_in',
    context: 'feed',
    by: person,
    attributes: { knownDevice: false, country: 'XZ' },
    ...marks,
  })
  plan(world, world.nowMs + 3 * minuteMs, () =>
    emit(world, { type: 'account.updated', context: 'feed', by: person, attributes: { changed: 'email' }, ...marks }),
  )
  const circle = world.population.byLanguage.get(person.words.language)!
  const targets = [...person.friends, ...random.sample(circle, 20 + random.int(20))].filter((to) => to !== person)
  let atMs = world.nowMs + 6 * minuteMs
  for (const to of targets) {
    atMs += random.between(10, 70) * 1_000
    plan(world, atMs, () => {
      const content = scamContent(world, kit, kit.domains[0]!, -1)
      const post = sendMessage(world, person, to, content, {
        origin,
        violation: 'scam',
        note: 'sent by whoever took the account over',
      })
      maybeReport(world, to, post, 'scam', 0.08)
    })
  }
  plan(world, atMs + random.between(2, 20) * hourMs, () => {
    emit(world, {
      type: 'account.signed_in',
      context: 'feed',
      by: person,
      attributes: { knownDevice: true },
      note: 'the owner is back',
    })
    emit(world, {
      type: 'account.updated',
      context: 'feed',
      by: person,
      attributes: { changed: 'password' },
      note: 'the owner is back',
    })
    for (const friend of person.friends)
      sendMessage(world, person, friend, {
        text: random.pick(person.words.messages.filter((text) => !text.includes('{'))),
      })
    act(world, person)
  })
}

/** People who share a product photo that scammers once stole. They did nothing wrong; a careless bank says otherwise. */
export function shareStolenPhoto(world: World, count: number): void {
  const { random, population } = world
  const people = population.people.filter((candidate) => candidate.role === 'person')
  for (const [index, person] of random.sample(people, count).entries()) {
    // The picture makes the rounds first, then lingers.
    const share = index < 7 ? random.between(0.01, 0.08) : random.between(0.05, 0.95)
    plan(world, world.startMs + share * (world.endMs - world.startMs), () => {
      const topic = random.pick(Object.values(person.words.topics))
      const text = random
        .pick(topic)
        .replace(/\{([^{}]+)\}/g, (whole, name: string) => random.pick(person.words.slots[name] ?? [whole]))
      postToFeed(
        world,
        person,
        { text, photos: [copyOf(stolenPhoto(world.seed), random, 'light')] },
        { note: 'near miss: a photo that scammers stole' },
      )
    })
  }
}

/** One or two accounts that post known egregious media. */
export function peddleEgregious(world: World): void {
  const { random } = world
  const photos = egregiousPhotos(world.seed)
  for (let number = 0; number < 2; number++) {
    const share = number === 0 ? random.between(0.03, 0.08) : random.between(0.2, 0.8)
    plan(world, world.startMs + share * (world.endMs - world.startMs), () => {
      const words = random.pick(world.population.communities).words
      const person = world.make({ role: 'peddler', words, createdAtMs: world.nowMs - random.int(20) * dayMs })
      for (let post = 0; post < 2; post++)
        plan(world, world.nowMs + post * random.between(3, 30) * minuteMs, () => {
          const photo = photos[(number * 2 + post) % photos.length]!
          postToFeed(
            world,
            person,
            { text: '…', photos: [copyOf(photo, random, 'light')] },
            { violation: 'egregious_media' },
          )
        })
    })
  }
}
