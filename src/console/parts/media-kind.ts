/**
 * What kind of file an entry was made of, by the signals that it has. Photos always have PDQ and videos one of their own;
 * what has neither is a sound, also one that is too short for a fingerprint.
 */
export function kindOfSignals(signals: Readonly<Record<string, string>>): 'photo' | 'video' | 'audio' {
  if (signals['pdq'] !== undefined || signals['local'] !== undefined) return 'photo'
  return signals['vpdq'] !== undefined || signals['tmk'] !== undefined ? 'video' : 'audio'
}
