import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { say } from './load.ts'

// Photos of Debian packages that nothing was tuned on, chosen by looking: each is another scene (of the two pictures of
// the motorcycle only one), and none is a drawing. Nothing else of these packages was used either.
const photos: Record<string, string[]> = {
  'mate-backgrounds': [
    'nature/{Aqua,Blinds,Dune,FreshFlower,Garden,GreenMeadow,LadyBird,RainDrops,Storm,TwoWings,Wood,YellowFlower}.jpg',
  ],
  'lomiri-wallpapers-16.04': [
    'backgrounds/{Bridge,Dragonfly,Picture_0B,Picture_1A,Wine,aitzgorri,analogpattern,free,friends,greentock,life,picosdeeuropa,seeding,sunset}_by_*.jpg',
  ],
  'lxqt-themes': [
    'wallpapers/{Butterfly-Kenneth-Wimer,after-the-rain,fog,this-is-not-windows}.jpg',
    'wallpapers/{Valendas,appleflower,butterfly,cloud,drop,flowers}.png',
  ],
  kphotoalbum: [
    'demo/{anne_helene,bar55,bar55_2,blackie,cold_water,donna,donna_2,grand_canyon_1,grand_canyon_2,grand_canyon_3,jesper,jesper_2,new_wave_1,new_wave_2,pool,pool_2,skagen,skagen_2,snow,spiff,spiff_2,wayne}.jpg',
  ],
  'python3-skimage': [
    'data/{astronaut,brick,camera,coffee,grass,gravel,ihc,moon,motorcycle_left}.png',
    'data/{hubble_deep_field,retina,rocket}.jpg',
  ],
  gramps: ['gramps/{654px-Aksel_Andersson,Alimehemet,E_W_Dahlgren,Gunnlaugur_Larusson_-_Yawn}.jpg'],
  'qtdeclarative5-examples': ['pics/niagara_falls.jpg'],
  'qtbase5-examples': ['puzzle/example.jpg'],
}
/** Drawings and patterns: only looked at for false positives. One file of each motif. */
const drawings: Record<string, string[]> = {
  'gnome-backgrounds': ['gnome/*-d.webp'],
  'mate-backgrounds': ['abstract/*.{jpg,png}', 'desktop/{Float-into-MATE,GreenTraditional,Stripes}.{jpg,png}'],
  'ukui-wallpapers': ['backgrounds/*.{jpg,png}'],
  'lxqt-themes': ['wallpapers/{kde-plasma,origami-bright-logo,plasma_arch,simple_blue_widescreen,triangles}.png'],
}

export type PhotoCorpus = { photos: string[]; drawings: string[] }

/**
 * Paths of the photos, downloaded and unpacked into a folder outside the repository when they are not there yet; a line
 * saying why where that cannot be done (no Debian, no network).
 */
export function photoCorpus(folder = process.env.CUSTOS_BENCH_PHOTOS ?? join(tmpdir(), 'custos-bench-photos')) {
  mkdirSync(folder, { recursive: true })
  const unpacked = (name: string) => join(folder, `x-${name}`)
  try {
    for (const name of new Set([...Object.keys(photos), ...Object.keys(drawings)])) {
      if (existsSync(unpacked(name))) continue
      say(`downloading ${name} into ${folder}`)
      execFileSync('apt-get', ['download', '-q', name], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
      const [archive] = globSync(join(folder, `${name}_*.deb`))
      execFileSync('dpkg-deb', ['-x', archive!, unpacked(name)])
    }
  } catch (error) {
    return { problem: `the photos cannot be downloaded: ${(error as Error).message.split('\n')[0]}` }
  }
  const files = (lists: Record<string, string[]>) =>
    Object.entries(lists).flatMap(([name, patterns]) =>
      patterns.flatMap((pattern) => {
        const found = globSync(join(unpacked(name), '**', pattern)).toSorted()
        // Some packages keep a file in two places.
        return [...new Map(found.map((path) => [path.split('/').at(-1)!, path])).values()]
      }),
    )
  return { photos: files(photos), drawings: files(drawings) } satisfies PhotoCorpus
}
