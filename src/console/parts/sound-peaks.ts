/** How loud a sound is over time: so many shares of its loudest moment at most, 0 to 1. Decoded by the browser. */
export async function peaksOf(bytes: ArrayBuffer, countMax: number): Promise<number[]> {
  // Only a picture is made of it: few samples a second do.
  const context = new OfflineAudioContext(1, 1, 8_000)
  const sound = await context.decodeAudioData(bytes)
  return peaksOfSamples(sound.getChannelData(0), countMax)
}

/** The loudest sample of each of so many stretches, as a share of the loudest of all. */
export function peaksOfSamples(samples: Float32Array, countMax: number): number[] {
  const count = Math.min(countMax, samples.length)
  const peaks = Array.from({ length: count }, (_, at) => {
    let peak = 0
    const until = Math.floor(((at + 1) * samples.length) / count)
    for (let index = Math.floor((at * samples.length) / count); index < until; index++)
      peak = Math.max(peak, Math.abs(samples[index]!))
    return peak
  })
  const loudest = peaks.reduce((most, peak) => Math.max(most, peak), 0)
  return loudest === 0 ? peaks : peaks.map((peak) => peak / loudest)
}
