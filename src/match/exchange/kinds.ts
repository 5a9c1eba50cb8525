import type { ExchangeKind, Field, Opinion, SentOpinion } from './exchange.ts'

export type KindInfo = {
  title: string
  about: string
  settings: readonly Field[]
  credentials: readonly Field[]
  /** What this kind takes back. */
  sendBack: readonly Opinion[]
  /** Whether entries of our own can be offered to it. */
  shares: boolean
}

const text = (name: string, title: string, help: string, more: Partial<Field> = {}): Field => ({
  name,
  title,
  help,
  kind: 'text',
  required: false,
  ...more,
})
const baseUrl = (usual: string) =>
  text('baseUrl', 'Address', `Where it is asked; ${usual} unless given.`, { kind: 'url' })

/** Environments of NCMEC hash sharing by name: who may read or write, and what lies there, differ. */
export const ncmecEnvironments: Record<string, string> = {
  industry: 'https://report.cybertip.org/hashsharing',
  'industry-exploitative': 'https://report.cybertip.org/exploitative-hashsharing',
  'law-enforcement': 'https://lesp.ncmec.org/csam-hashsharing',
  ngo: 'https://hashsharing.ncmec.org/npo',
  exploitative: 'https://hashsharing.ncmec.org/exploitative',
  'generative-ai': 'https://hashsharing.ncmec.org/generative-ai-csam',
  'generative-ai-exploitative': 'https://hashsharing.ncmec.org/generative-ai-exploitative',
  'test-industry': 'https://exttest.cybertip.org/hashsharing',
  'test-industry-exploitative': 'https://exttest.cybertip.org/exploitative-hashsharing',
  'test-law-enforcement': 'https://betalesp.ncmec.org/csam-hashsharing',
  'test-ngo': 'https://hashsharing-test.ncmec.org/npo',
  'test-exploitative': 'https://hashsharing-test.ncmec.org/exploitative',
}

/** Every kind of exchange with the fields that set it up. */
export const kinds: Record<ExchangeKind, KindInfo> = {
  ncmec: {
    title: 'NCMEC hash sharing',
    about: 'Hashes of child sexual abuse material reported by electronic service providers (API version 2, XML).',
    settings: [
      text('environment', 'Environment', 'Which list is read.', {
        kind: 'choice',
        required: true,
        choices: Object.keys(ncmecEnvironments),
      }),
      baseUrl('that of the environment'),
      text('feedbackType', 'Hash that feedback is about', 'The best that the entry has unless given.', {
        kind: 'choice',
        choices: ['PDQ', 'MD5', 'SHA1'],
      }),
      text(
        'disputeReason',
        'Reason of disputes',
        'GUID of one of the reasons that NCMEC offers; needed where it offers several.',
        {
          pattern: /^[0-9a-fA-F-]{36}$/,
        },
      ),
    ],
    credentials: [
      text('user', 'User name', 'Given by NCMEC.', { required: true, pattern: /^[^:]+$/ }),
      text('password', 'Password', 'Given by NCMEC.', { required: true }),
    ],
    sendBack: ['confirm', 'dispute'],
    shares: false,
  },
  stopncii: {
    title: 'StopNCII.org',
    about: 'Hashes of intimate images whose owners did not agree to their being shared.',
    settings: [
      baseUrl('https://api.stopncii.org/v1'),
      text('pageSize', 'Records a page', '800 unless given.', { kind: 'whole' }),
      text('tags', 'Tags', 'Sent along with everything that is sent back.', { kind: 'texts' }),
    ],
    credentials: [
      text('subscriptionKey', 'Subscription key', 'Given by StopNCII.org.', { required: true }),
      text('fetchKey', 'Function key of FetchHashes', 'Given by StopNCII.org.', { required: true }),
      text('feedbackKey', 'Function key of SubmitFeedback', 'Needed to send back.'),
      text('submitKey', 'Function key of SubmitHashes', 'Needed to share entries.'),
    ],
    sendBack: ['seen', 'confirm', 'dispute'],
    shares: true,
  },
  'tech-against-terrorism': {
    title: 'Tech Against Terrorism',
    about: 'Hashes of verified terrorist content.',
    settings: [
      baseUrl('https://app.terrorismanalytics.org'),
      text('list', 'How the list is read', 'Page by page, or the whole list as a file (JSON or CSV) each time.', {
        kind: 'choice',
        choices: ['pages', 'file'],
      }),
      text('ideology', 'Ideology', 'Which list of files is read; all unless given.', {
        kind: 'choice',
        choices: ['all', 'islamist', 'far-right'],
      }),
    ],
    credentials: [
      text('username', 'User name', 'Of the account at terrorismanalytics.org.', { required: true }),
      text('password', 'Password', 'Of the same account.', { required: true }),
    ],
    sendBack: [],
    shares: false,
  },
  threatexchange: {
    title: 'ThreatExchange',
    about: 'Indicators that a privacy group of Meta ThreatExchange shares (Graph API).',
    settings: [
      text('privacyGroup', 'Privacy group', 'Its number.', { required: true, pattern: /^\d{1,20}$/ }),
      baseUrl('https://graph.facebook.com/v21.0'),
      text('types', 'Indicator types', 'Such as HASH_PDQ; all unless given.', { kind: 'texts' }),
    ],
    credentials: [
      text('token', 'App access token', 'App number, a bar, and the secret of the app.', {
        required: true,
        pattern: /^\d{8,}\|[\w-]{20,}$/,
      }),
    ],
    sendBack: ['seen', 'confirm', 'dispute'],
    shares: false,
  },
  file: {
    title: 'A file of hashes',
    about: 'A plain list: one "type value" a line, CSV with a header, or NDJSON; from a URL or uploaded.',
    settings: [
      text('url', 'Address', 'Where the file lies; without one it is uploaded.', { kind: 'url' }),
      text('format', 'Format', 'Found out by looking unless given.', {
        kind: 'choice',
        choices: ['lines', 'csv', 'ndjson'],
      }),
      text('signalType', 'Signal type', 'Of rows that do not name one.'),
      text(
        'keepMissing',
        'Keep what is gone',
        'Entries that the file no longer names are withdrawn unless this is on.',
        {
          kind: 'flag',
        },
      ),
    ],
    credentials: [text('authorization', 'Authorization header', 'Sent with the request where the file needs one.')],
    sendBack: [],
    shares: false,
  },
  custos: {
    title: 'Another Custos',
    about: 'A bank of another installation, read through its changes feed.',
    settings: [
      text('baseUrl', 'Address', 'Of the other installation.', { kind: 'url', required: true }),
      text('bankId', 'Bank', 'Its id there.', { required: true, pattern: /^[\w-]{1,100}$/ }),
    ],
    credentials: [
      text('key', 'API key', 'Made there, with the scopes sharing:read and sharing:write.', { required: true }),
    ],
    sendBack: ['seen', 'confirm', 'dispute'],
    shares: false,
  },
}

/** Whether something can be sent back through this kind. */
export function takes(kind: ExchangeKind, opinion: SentOpinion): boolean {
  return opinion === 'share' ? kinds[kind].shares : kinds[kind].sendBack.includes(opinion)
}
