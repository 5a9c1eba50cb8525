/** The signals that a hash may be, by its length or by its name before it (`md5: …`); undefined for none. */
export function signalsOfHash(words: string): Record<string, string> | undefined {
  const text = words.trim()
  const named = /^([a-z][a-z0-9-]{1,30})\s*[:=]\s*(\S+)$/i.exec(text)
  if (named !== null && !/^https?$/i.test(named[1]!)) return { [named[1]!.toLowerCase()]: named[2]! }
  if (/^T1[0-9a-f]{70}$/i.test(text) || /^[0-9a-f]{70}$/i.test(text)) return { tlsh: text }
  if (!/^[0-9a-f]+$/i.test(text)) return undefined
  if (text.length === 64) return { pdq: text.toLowerCase(), sha256: text.toLowerCase() }
  if (text.length === 40) return { sha1: text.toLowerCase() }
  if (text.length === 32) return { md5: text.toLowerCase() }
  return undefined
}
