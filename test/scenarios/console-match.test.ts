import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import sharp from 'sharp'
import { noBrowser, seriousViolations } from '../browser/chromium.ts'
import { picture, withConsole } from '../browser/console.ts'

/** A melody of half a minute as MP3, and a part of it, recompressed; undefined without ffmpeg. */
function melody(): { whole: Buffer; part: Buffer } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'custos-melody-'))
  const rate = 11_025
  const samples = new Int16Array(rate * 30)
  for (let at = 0; at < samples.length; at++) {
    const note = [0, 4, 7, 12, 9, 5, 2, 11][(Math.floor(at / rate / 0.75) * 5 + (Math.floor(at / rate / 3) % 4)) % 8]!
    const hz = 220 * 2 ** (note / 12)
    const time = at / rate
    samples[at] = 6_000 * (Math.sin(2 * Math.PI * hz * time) + 0.5 * Math.sin(3 * Math.PI * hz * time))
  }
  const make = (name: string, fromSeconds: number, untilSeconds: number, bitRate: string) => {
    const raw = ['-f', 's16le', '-ar', String(rate), '-ac', '1', '-i', 'pipe:0']
    const heard = samples.slice(rate * fromSeconds, rate * untilSeconds)
    execFileSync('ffmpeg', ['-v', 'error', ...raw, '-b:a', bitRate, join(folder, name)], {
      input: Buffer.from(heard.buffer),
    })
    return readFileSync(join(folder, name))
  }
  try {
    return { whole: make('whole.mp3', 0, 30, '96k'), part: make('part.mp3', 6, 24, '48k') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test(
  'known content is looked up, heard, imported and undone on the screens of the banks',
  { skip: noBrowser, timeout: 1_200_000 },
  (t) =>
    withConsole(t, async ({ page, shown, read, send, step, signIn }) => {
      await signIn()
      let bankId = ''

      await step('a photo that is looked up is found mirrored in a bank, and seen beside what it matches', async () => {
        const drawn = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480"><rect width="640" height="480"
          fill="#d8b45a"/><circle cx="170" cy="150" r="95" fill="#b8452c"/><path d="M90 450 260 260 380 455z"
          fill="#222"/><rect x="350" y="240" width="200" height="150" fill="#1f9e96" transform="rotate(14 450 315)"/>
          <circle cx="520" cy="120" r="40" fill="#5d8f34"/></svg>`
        const known = await sharp(Buffer.from(drawn)).png().toBuffer()
        const mirrored = await sharp(known).flop().jpeg({ quality: 70 }).toBuffer()
        const { upload } = await send<{ upload: string }>('/v1/uploads', known, 'image/png')
        bankId = (await send<{ bankId: string }>('/v1/banks', { name: 'Drawn for the test' })).bankId
        await send(`/v1/banks/${bankId}/entries`, { upload, labels: ['drawing'] })

        await shown('/console/match')
        await page
          .getByLabel('Choose photos, videos or sounds')
          .setInputFiles({ name: 'mirrored.jpg', mimeType: 'image/jpeg', buffer: mirrored })
        const found = page.getByRole('list', { name: 'Matches, surest first' })
        await found.getByText('Drawn for the test').waitFor()
        await found.getByText('mirrored', { exact: true }).waitFor()
        await page
          .getByText(/^\d+ of 256 bits; matches up to 31$/)
          .first()
          .waitFor()
        await page.getByRole('heading', { name: /of 256 bits differ|The hashes are equal/ }).waitFor()
        await page.getByRole('heading', { name: 'Known content' }).waitFor()
        await picture(page, 'match-result')
        assert.deepEqual(await seriousViolations(page), [], 'lookup')
        await page.keyboard.down('r')
        await page.locator('.match-sides .media-tile img[src^="blob:"]:not([data-veiled])').nth(1).waitFor()
        await page.keyboard.up('r')
        await page.keyboard.press('v')
        const stage = page.getByRole('button', { name: /Hold to see, move to wipe/ })
        await stage.waitFor()
        assert.deepEqual(await seriousViolations(page), [], 'overlay')
        await stage.focus()
        await page.keyboard.down('Space')
        await page.locator('.overlay-stage:not([data-veiled])').waitFor()
        await page.keyboard.up('Space')
        await page.getByRole('button', { name: /^Open entry/ }).click()
        await page.getByRole('heading', { name: 'drawing', level: 1 }).waitFor()
        await page.goBack()
        await found.getByText('Drawn for the test').waitFor()
      })

      const sounds = melody()
      if (sounds === undefined) t.diagnostic('sounds are left out: there is no ffmpeg here')
      else
        await step(
          'a sound is silent until it is asked for, and seen over the known one that it is a part of',
          async () => {
            const { upload } = await send<{ upload: string }>('/v1/uploads', sounds.whole, 'audio/mpeg')
            const { entryId } = await send<{ entryId: string }>(`/v1/banks/${bankId}/entries`, {
              upload,
              labels: ['melody'],
            })
            const looks = async () =>
              (await read<{ items: unknown[] }>('/v1/audit?kinds=person.viewed_sensitive&limit=1000')).items.length
            const before = await looks()
            await shown(`/console/banks/${bankId}/${entryId}`)
            assert.equal(await page.locator('audio').count(), 0)
            const listen = page.getByRole('button', { name: /^Listen to .*listening is logged/ })
            await listen.focus()
            await page.keyboard.press('Enter')
            await page.locator('audio[src^="blob:"]').waitFor()
            await page.getByRole('img', { name: /^Loudness of / }).waitFor()
            const seconds = await page.waitForFunction('document.querySelector("audio").duration || 0')
            assert.equal(Math.round((await seconds.jsonValue()) as number), 30)
            assert.equal(await looks(), before + 1)
            assert.deepEqual(await seriousViolations(page), [], 'sound')

            await shown('/console/match')
            await page
              .getByLabel('Choose photos, videos or sounds')
              .setInputFiles({ name: 'part.mp3', mimeType: 'audio/mpeg', buffer: sounds.part })
            const found = page.getByRole('list', { name: 'Matches, surest first' })
            await found
              .getByText(/% of the bits of the sound differ; matches up to 25.%$/)
              .first()
              .waitFor()
            await page.getByRole('heading', { name: 'Where they sound the same' }).waitFor()
            await page.getByText(/of what was asked is 0:0[5-7] to 0:2\d of the known sound/).waitFor()
            await page.getByRole('button', { name: 'Listen to part.mp3' }).click()
            await page.locator('audio[src^="blob:"]').waitFor()
            assert.equal(await looks(), before + 1, 'a file of the person is on this machine only')
            assert.deepEqual(await seriousViolations(page), [], 'sounds side by side')
          },
        )

      await step(
        'a list is imported with its progress seen and its refusals told, and undone in one step',
        async () => {
          await shown(`/console/banks/${bankId}`)
          await page.keyboard.press('i')
          const dialog = page.getByRole('dialog', { name: 'Import many entries' })
          const rows = Array.from({ length: 30 }, (_, row) => `md5,${String(row).padStart(32, '0')},leaflet`)
          await dialog.getByLabel('Choose files to import').setInputFiles({
            name: 'leaflets.csv',
            mimeType: 'text/csv',
            buffer: Buffer.from(['type,value,labels', ...rows, 'md5,nonsense,leaflet', ''].join('\n')),
          })
          // The list leaves only once its progress is on the screen.
          await page.route('**/v1/banks/*/imports?*', async (sent) => {
            if (sent.request().method() === 'POST') await dialog.getByRole('progressbar', { name: 'Sending' }).waitFor()
            await sent.continue()
          })
          await dialog.getByRole('button', { name: 'Import 1 file' }).click()
          const list = page.getByRole('list', { name: 'Imports, latest first' })
          await list.getByText('leaflets.csv').waitFor()
          await page.unroute('**/v1/banks/*/imports?*')
          await list.getByText('31 rows: 30 added, 1 refused').waitFor()
          await list.getByText('1 row refused: why').click()
          await list.getByRole('cell', { name: /must be 32 hexadecimal digits/ }).waitFor()
          await list.getByRole('button', { name: 'Undo import' }).click()
          const ask = page.getByRole('dialog', { name: 'Undo import' })
          await ask.getByText(/30 entries that “leaflets.csv” added/).waitFor()
          assert.deepEqual(await seriousViolations(page), [], 'undo of an import')
          await ask.getByRole('button', { name: /^Undo import/ }).click()
          await list.getByText('undone', { exact: true }).waitFor()
          const { entries } = await read<{ entries: { retired: number } }>(`/v1/banks/${bankId}`)
          assert.ok(entries.retired >= 30, `only ${entries.retired} entries are retired`)
        },
      )
    }),
)
