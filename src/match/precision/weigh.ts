import type { Tally, Verdicts } from '../bank.ts'

/** All verdicts as one tally: those of people and appeals, here and in other teams, count 1, the opinion of a peer `peerWeight`. */
export function weigh({ own, teams, peers }: Verdicts, peerWeight: number): Tally {
  return {
    right: own.right + teams.right + peerWeight * peers.right,
    wrong: own.wrong + teams.wrong + peerWeight * peers.wrong,
  }
}

/** Who found how many, in words: `own people 3, other teams 2, peers 1`; only those who found some. */
export function sourcesOf({ own, teams, peers }: Verdicts, side: keyof Tally): string {
  return [
    ['own people', own[side]],
    ['other teams', teams[side]],
    ['peers', peers[side]],
  ]
    .filter(([, count]) => count !== 0)
    .map((words) => words.join(' '))
    .join(', ')
}
