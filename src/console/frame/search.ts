import { IconHash, IconPhoto, IconRoute, type TablerIcon } from '@tabler/icons-react'
import { listBanks } from '../../http/contract/banks.ts'
import { listRules } from '../../http/contract/rules.ts'
import { getPolicy } from '../../http/contract/policies.ts'
import { useRead } from '../api.ts'
import { useSession } from './session.tsx'
import { path } from './url.ts'

export type Hit = { id: string; group: string; title: string; hint?: string; icon?: TablerIcon; to: string }
const hitsMax = 6

/** Rules, banks and violations whose names fit the text. The lists are small and read once. */
export function useSearchHits(text: string): Hit[] {
  const { scopes } = useSession()
  const asked = text !== ''
  const rules = useRead(listRules, { query: {} }, { enabled: asked && scopes.includes('rules:read'), staleMs: 30_000 })
  const banks = useRead(
    listBanks,
    { query: { limit: 1_000 } },
    { enabled: asked && scopes.includes('banks:read'), staleMs: 30_000 },
  )
  const policy = useRead(
    getPolicy,
    { params: { version: 'newest' } },
    { enabled: asked && scopes.includes('policies:read'), staleMs: 60_000 },
  )
  if (!asked) return []
  const wanted = text.toLowerCase()
  const fits = (...texts: string[]) => texts.some((each) => each.toLowerCase().includes(wanted))
  return [
    ...(rules.data?.items ?? [])
      .filter((rule) => fits(rule.id, rule.description))
      .slice(0, hitsMax)
      .map((rule) => ({
        id: `rule-${rule.id}`,
        group: 'Rules',
        title: rule.id,
        hint: rule.description,
        icon: IconRoute,
        to: path`/rules/${rule.id}`,
      })),
    ...(banks.data?.items ?? [])
      .filter((bank) => fits(bank.name, bank.purpose, bank.bankId))
      .slice(0, hitsMax)
      .map((bank) => ({
        id: `bank-${bank.bankId}`,
        group: 'Banks',
        title: bank.name,
        hint: bank.purpose,
        icon: IconPhoto,
        to: path`/banks/${bank.bankId}`,
      })),
    ...(policy.data?.summary.violations ?? [])
      .filter((violation) => fits(violation.violation, violation.title))
      .slice(0, hitsMax)
      .map((violation) => ({
        id: `violation-${violation.violation}`,
        group: 'Violations',
        title: violation.title,
        hint: violation.text,
        icon: IconHash,
        to: '/policies',
      })),
  ]
}
