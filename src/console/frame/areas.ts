import {
  IconActivity,
  IconAdjustments,
  IconChartDots,
  IconGavel,
  IconHash,
  IconHeartbeat,
  IconHistory,
  IconInbox,
  IconLayoutDashboard,
  IconPhoto,
  IconPhotoSearch,
  IconRoute,
  IconScale,
  IconShare3,
  IconStethoscope,
  IconUsers,
  IconUserShield,
  type TablerIcon,
} from '@tabler/icons-react'

export type Area = {
  to: string
  title: string
  group: 'Watch' | 'Review' | 'Detect' | 'Decide' | 'Learn' | 'Settings'
  icon: TablerIcon
  /** Second key after `g`. */
  key: string
  /** What one finds there, for the palette. */
  holds: string
}

/** The areas of the console, in the order of the rail. */
export const areas: Area[] = [
  { to: '/', title: 'Overview', group: 'Watch', icon: IconLayoutDashboard, key: 'o', holds: 'what happens right now' },
  {
    to: '/events',
    title: 'Events',
    group: 'Watch',
    icon: IconActivity,
    key: 'e',
    holds: 'everything the platform sent',
  },
  { to: '/status', title: 'Status', group: 'Watch', icon: IconHeartbeat, key: 't', holds: 'parts of the system' },
  { to: '/review', title: 'Queues', group: 'Review', icon: IconInbox, key: 'q', holds: 'jobs that wait for a person' },
  { to: '/appeals', title: 'Appeals', group: 'Review', icon: IconScale, key: 'a', holds: 'requests to look again' },
  { to: '/rules', title: 'Rules', group: 'Detect', icon: IconRoute, key: 'r', holds: 'when these facts hold, propose' },
  {
    to: '/match',
    title: 'Match',
    group: 'Detect',
    icon: IconPhotoSearch,
    key: 'm',
    holds: 'whether anything is known already',
  },
  { to: '/banks', title: 'Banks', group: 'Detect', icon: IconPhoto, key: 'b', holds: 'known content' },
  {
    to: '/decisions',
    title: 'Decisions',
    group: 'Decide',
    icon: IconGavel,
    key: 'd',
    holds: 'what was decided and why',
  },
  {
    to: '/accounts',
    title: 'Accounts',
    group: 'Decide',
    icon: IconUsers,
    key: 'c',
    holds: 'standing and history of actors',
  },
  { to: '/policies', title: 'Policies', group: 'Decide', icon: IconHash, key: 'p', holds: 'what a violation costs' },
  { to: '/insight', title: 'Insight', group: 'Learn', icon: IconChartDots, key: 'i', holds: 'precision and recall' },
  {
    to: '/settings',
    title: 'Settings',
    group: 'Settings',
    icon: IconAdjustments,
    key: 's',
    holds: 'tenant and webhooks',
  },
  { to: '/audit', title: 'Audit', group: 'Settings', icon: IconHistory, key: 'l', holds: 'the ledger, verifiable' },
  {
    to: '/people',
    title: 'Keys & people',
    group: 'Settings',
    icon: IconUserShield,
    key: 'k',
    holds: 'who may do what',
  },
]

export const areaGroups = ['Watch', 'Review', 'Detect', 'Decide', 'Learn', 'Settings'] as const

/** Screens below an area that have keys and a line in the palette, and no line in the rail. */
export const places: Pick<Area, 'to' | 'title' | 'icon' | 'key' | 'holds'>[] = [
  {
    to: '/banks/hygiene',
    title: 'Bank hygiene',
    icon: IconStethoscope,
    key: 'h',
    holds: 'entries that are held, flood, err or double',
  },
  {
    to: '/banks/exchanges',
    title: 'Exchanges',
    icon: IconShare3,
    key: 'x',
    holds: 'entries from partners, and what they hear back',
  },
]

/** The area that a path belongs to. */
export function areaOf(path: string): Area {
  return areas.findLast((area) => area.to !== '/' && (path === area.to || path.startsWith(`${area.to}/`))) ?? areas[0]!
}
