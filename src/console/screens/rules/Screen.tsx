import { Button, SegmentedControl } from '@mantine/core'
import { IconAlertTriangle, IconPlus, IconRoute } from '@tabler/icons-react'
import { getRule, listRules } from '../../../http/contract/rules.ts'
import { prefetch, useRead } from '../../api.ts'
import { useCommands } from '../../frame/commands.ts'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { countText } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { DemoButton } from '../../parts/DemoButton.tsx'
import { EmptyState } from '../../parts/EmptyState.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { IntervalBar } from '../../parts/IntervalBar.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SkeletonRows } from '../../parts/Skeletons.tsx'
import { VirtualTable, type Column } from '../../parts/VirtualTable.tsx'
import { ModeBadge } from './ModeBadge.tsx'
import type { Rule } from './state.ts'

const columns: Column<Rule>[] = [
  {
    key: 'rule',
    title: 'Rule',
    width: 'minmax(180px, 1.6fr)',
    cell: (rule) => (
      <span style={{ display: 'block' }}>
        <span className="row">
          <span className="clip" style={{ fontWeight: 500 }}>
            {rule.id}
          </span>
          {rule.tripped === null && rule.problems === undefined ? null : (
            <IconAlertTriangle size={14} color="var(--attention)" aria-label={rule.tripped ?? 'cannot be evaluated'} />
          )}
        </span>
        <span className="clip small muted" style={{ display: 'block' }}>
          {rule.description}
        </span>
      </span>
    ),
  },
  { key: 'mode', title: 'Mode', width: '76px', cell: (rule) => <ModeBadge mode={rule.mode} /> },
  {
    key: 'does',
    title: 'Proposes',
    width: 'minmax(90px, 0.6fr)',
    quiet: true,
    wide: true,
    cell: (rule) => [...new Set(rule.effects)].join(', ') + (rule.route === 'auto' ? ', automatic' : ''),
  },
  { key: 'day', title: 'Hits, 24 h', width: '80px', align: 'right', cell: (rule) => countText(rule.hits.last24h) },
  {
    key: 'all',
    title: 'All hits',
    width: '80px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (rule) => countText(rule.hits.live + rule.hits.shadow),
  },
  {
    key: 'precision',
    title: 'Right, of all judged',
    width: '190px',
    wide: true,
    cell: (rule) => (
      <IntervalBar
        label="Precision"
        estimate={rule.standing.precision}
        low={rule.standing.interval?.[0]}
        high={rule.standing.interval?.[1]}
        of={judged(rule)}
        unknown="nobody has looked yet"
      />
    ),
  },
  { key: 'owner', title: 'Owner', width: '100px', quiet: true, wide: true, cell: (rule) => rule.owner },
  {
    key: 'changed',
    title: 'Changed',
    width: '84px',
    align: 'right',
    quiet: true,
    wide: true,
    cell: (rule) => <RelativeTime timeMs={rule.changedMs} />,
  },
]

function judged({ standing }: Rule): number {
  return standing.stood + standing.overturned + standing.dismissed
}

/** All rules with their mode, volume and precision. */
export function Screen() {
  const url = useUrl()
  const may = useMay('rules:write')
  const mode = url.search['mode'] as Rule['mode'] | undefined
  const rules = useRead(listRules, { query: { mode } }, { everyMs: 10_000, keep: true })
  const begin = () => url.go('/rules/new')
  useKeys('Rules', may ? [{ keys: 'c', does: 'Write a rule', run: begin }] : [])
  useCommands(may ? [{ id: 'new-rule', title: 'Write a rule', icon: IconPlus, run: begin }] : [])
  return (
    <Page
      title="Rules"
      about="when these facts hold, propose this"
      acts={
        may ? (
          <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={begin}>
            Write rule <KeyHint keys="c" />
          </Button>
        ) : null
      }
      filters={
        <>
          <SegmentedControl
            aria-label="Mode"
            value={mode ?? ''}
            onChange={(value) => url.set({ mode: value })}
            data={[
              { value: '', label: 'All' },
              { value: 'live', label: 'Live' },
              { value: 'shadow', label: 'Shadow' },
              { value: 'off', label: 'Off' },
            ]}
          />
          {rules.data?.items.some((rule) => rule.tripped !== null) ? (
            <Badge tone="attention" icon={<IconAlertTriangle size={13} aria-hidden />}>
              a rule stopped itself
            </Badge>
          ) : null}
        </>
      }
    >
      {rules.isPending ? (
        <SkeletonRows what="rules" />
      ) : rules.data === undefined ? (
        <ErrorState what="Rules" error={rules.error} onRetry={() => void rules.refetch()} />
      ) : (
        <VirtualTable
          rows={rules.data.items}
          columns={columns}
          rowKey={(rule) => rule.id}
          label="Rules"
          rowPx={48}
          onOpen={(rule) => url.go(path`/rules/${rule.id}`)}
          onMark={(rule) => prefetch(getRule, { params: { ruleId: rule.id } })}
          autoFocus
          empty={
            <EmptyState
              icon={<IconRoute size={20} aria-hidden />}
              title={mode === undefined ? 'No rule yet' : `No rule is ${mode}`}
              why="A rule reads events, signals and counts over time, and proposes what to do. Write one, or publish a file with “custos apply”."
            >
              {may ? (
                <Button variant="filled" onClick={begin}>
                  Write rule
                </Button>
              ) : null}
              <DemoButton />
            </EmptyState>
          }
        />
      )}
    </Page>
  )
}
