/** Other words for our signal types. */
const typeWords: Record<string, string> = {
  'sha-1': 'sha1',
  'sha-256': 'sha256',
  'md-5': 'md5',
  video_md5: 'md5',
  videomd5: 'md5',
  photo_md5: 'md5',
  imagepdq: 'pdq',
  hash_pdq: 'pdq',
  hash_md5: 'md5',
  hash_sha1: 'sha1',
  hash_sha256: 'sha256',
  uri: 'url',
  raw_text: 'text',
  text_tlsh: 'tlsh',
}

/** Our name of a signal type, by any of its names. */
export const typeOfWord = (text: string): string => typeWords[text.toLowerCase()] ?? text.toLowerCase()

/** A type by the length of a bare hash; undefined where several have it. */
export const typeOfBare = (value: string): string | undefined =>
  /^[0-9a-f]+$/i.test(value) ? ({ 32: 'md5', 40: 'sha1' } as Record<number, string>)[value.length] : undefined
