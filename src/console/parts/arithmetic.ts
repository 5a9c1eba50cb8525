/**
 * The arithmetic of a standing with equal terms counted: `scam 4 + scam 4 + scam 4 = 12` becomes `3 × scam 4 = 12`.
 * Terms keep their order; what stands alone stays as it is.
 */
export function condense(text: string): string {
  return text.replaceAll(/(\S[^+]*?)((?: \+ \1)+)(?= \+ | = |;|\)|,|$)/g, (_all, term: string, more: string) => {
    const count = more.split(' + ').length
    return `${count} × ${term.includes(' × ') ? `(${term})` : term}`
  })
}
