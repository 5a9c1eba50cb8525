import { Button, Menu, Tabs } from '@mantine/core'
import { IconAlertTriangle, IconChevronDown } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useEffectEvent, useMemo, useState } from 'react'
import { checkRules, getRule, previewDraft, publishRuleFile, rollBack, setMode } from '../../../http/contract/rules.ts'
import { client, problemOf, problemText, useChange, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { countOf } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { Diff } from '../../parts/Diff.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { Page } from '../../parts/Page.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import { ModeBadge } from './ModeBadge.tsx'
import { DraftPreview } from './DraftPreview.tsx'
import { RuleRecord, RuleVersions } from './RuleRecord.tsx'
import { draftText, type Rule } from './state.ts'
import './rules.css'

// The editor is half a megabyte: it comes when a rule is opened, not with the console.
const YamlEditor = lazy(() => import('../../parts/YamlEditor.tsx').then((module) => ({ default: module.YamlEditor })))
const checkDelayMs = 250

/** One rule, or a draft of a new one: its text with errors as they arise, and beside it its record and a preview. */
export function Screen() {
  const { ruleId } = useParams({ strict: false }) as { ruleId?: string }
  const read = useRead(getRule, { params: { ruleId: ruleId ?? '' } }, { enabled: ruleId !== undefined })
  if (ruleId === undefined) return <Editor />
  if (read.error && read.data === undefined)
    return (
      <Page title={ruleId} crumbs={<Go to="/rules">Rules</Go>}>
        <ErrorState what="Rule" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    )
  if (read.data === undefined) return <SkeletonPage what="rule" />
  return <Editor key={ruleId} detail={read.data} />
}

export type RuleDetail = NonNullable<ReturnType<typeof useRead<typeof getRule>>['data']>

function Editor({ detail }: { detail?: RuleDetail }) {
  const url = useUrl()
  const may = useMay('rules:write')
  const rule = detail?.rule
  const published = detail?.text ?? ''
  const [text, setText] = useState(detail?.text ?? draftText)
  const [asking, setAsking] = useState<'publish' | Rule['mode'] | { toVersion: number }>()
  const tab = url.search['tab'] ?? (rule === undefined ? 'preview' : 'record')
  const dirty = text !== published

  const check = useChange(checkRules, { touches: [], quiet: true })
  const preview = useChange(previewDraft, { touches: [], quiet: true })
  const checkNow = useEffectEvent(() => check.mutate({ body: { text } }))
  useEffect(() => {
    if (text === '') return
    const timer = setTimeout(() => checkNow(), checkDelayMs)
    return () => clearTimeout(timer)
  }, [text])
  const problems = useMemo(() => check.data?.problems ?? [], [check.data])
  const runPreview = () => {
    url.set({ tab: 'preview' })
    preview.mutate({ body: { text } })
  }

  const touches = ['rules']
  const publish = useChange(publishRuleFile, {
    touches,
    quiet: true,
    done: ({ rules }) => {
      const changed = rules.filter((each) => each.changed)
      return changed.length === 0
        ? 'Nothing differed; no version was made'
        : `Published ${changed.map((each) => `${each.ruleId} v${each.version}`).join(', ')}`
    },
    onDone: ({ rules }) => {
      setAsking(undefined)
      if (rule === undefined && rules[0] !== undefined) url.go(path`/rules/${rules[0].ruleId}`)
    },
  })
  const mode = useChange(setMode, {
    touches,
    quiet: true,
    done: (changed) => `${changed.ruleId} is now ${changed.mode}`,
    onDone: () => setAsking(undefined),
  })
  const back = useChange(rollBack, {
    touches,
    quiet: true,
    done: (changed) => `${changed.ruleId} went back; it is now v${changed.version}`,
    onDone: () => setAsking(undefined),
  })
  /** The ETag of the rule as it stands, so that a change of somebody else is not overwritten unseen. */
  const etag = async () => {
    const { etag: now } = await client.callFull(getRule, { params: { ruleId: rule!.id } })
    return { 'if-match': now ?? '*' }
  }
  const mayPublish = may && dirty && check.data?.ok === true && !check.isPending
  useKeys('Rule', [
    { keys: 'mod+Enter', does: 'Preview against recent events', run: runPreview, inFields: true },
    ...(may
      ? [
          {
            keys: 'mod+s',
            does: 'Publish this text',
            run: () => {
              if (mayPublish) setAsking('publish')
            },
            inFields: true,
          },
        ]
      : []),
  ])

  return (
    <Page
      title={rule?.id ?? 'New rule'}
      crumbs={<Go to="/rules">Rules</Go>}
      about={
        rule === undefined ? undefined : (
          <span className="row" style={{ display: 'inline-flex' }}>
            v{rule.version} <ModeBadge mode={rule.mode} />
            {rule.tripped === null ? null : (
              <Badge tone="attention" icon={<IconAlertTriangle size={13} aria-hidden />}>
                stopped itself: {rule.tripped}
              </Badge>
            )}
          </span>
        )
      }
      acts={
        <>
          <Button onClick={runPreview} loading={preview.isPending}>
            Preview <KeyHint keys="mod+Enter" />
          </Button>
          {may && rule !== undefined ? (
            <Menu position="bottom-end">
              <Menu.Target>
                <Button rightSection={<IconChevronDown size={14} aria-hidden />}>Set mode</Button>
              </Menu.Target>
              <Menu.Dropdown>
                {(['live', 'shadow', 'off'] as const).map((each) => (
                  <Menu.Item key={each} disabled={each === rule.mode} onClick={() => setAsking(each)}>
                    {each === 'live'
                      ? 'Live: acts'
                      : each === 'shadow'
                        ? 'Shadow: watches only'
                        : 'Off: is not evaluated'}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
          ) : null}
          {may ? (
            <Button variant="filled" disabled={!mayPublish} onClick={() => setAsking('publish')}>
              Publish rule <KeyHint keys="mod+s" />
            </Button>
          ) : null}
        </>
      }
    >
      <div className="rule-split">
        <div className="rule-text">
          <Suspense fallback={<SkeletonPage what="editor" />}>
            <YamlEditor
              text={text}
              onChange={setText}
              problems={problems}
              label="Text of the rule"
              readOnly={!may}
              onSave={() => {
                if (mayPublish) setAsking('publish')
              }}
            />
          </Suspense>
          <div className="rule-check" role="status">
            {check.error ? (
              <span className="attention">{problemText(check.error)}</span>
            ) : check.data === undefined ? (
              <span className="muted">Checking…</span>
            ) : check.data.ok && rule !== undefined && !dirty ? (
              <span className="muted">As published in v{rule.version}</span>
            ) : check.data.ok ? (
              <span className="muted">
                Stands the check ·{' '}
                {check.data.rules
                  .map(
                    (each) =>
                      `${each.id}: ${each.changes ? (each.current === null ? 'new' : `replaces v${each.current}`) : 'unchanged'}, cost ${each.cost}`,
                  )
                  .join(' · ')}
              </span>
            ) : (
              <ul>
                {problems.map((problem, index) => (
                  <li key={index}>
                    <IconAlertTriangle size={13} aria-hidden />
                    {problem.line === undefined ? '' : `line ${problem.line}, column ${problem.column ?? 1}: `}
                    {problem.field === '' ? null : <code>{problem.field}</code>} {problem.problem}
                    {problem.limit === undefined ? '' : ` (limit ${problem.limit})`}
                  </li>
                ))}
              </ul>
            )}
          </div>
        </div>
        <div className="rule-side" tabIndex={0} role="region" aria-label="Record and preview">
          <Tabs value={tab} onChange={(value) => url.set({ tab: value ?? undefined })}>
            <Tabs.List mb="sm">
              {detail === undefined ? null : <Tabs.Tab value="record">Record</Tabs.Tab>}
              <Tabs.Tab value="preview">Preview</Tabs.Tab>
              {detail === undefined ? null : <Tabs.Tab value="versions">Versions</Tabs.Tab>}
            </Tabs.List>
            {detail === undefined ? null : (
              <Tabs.Panel value="record">
                <RuleRecord detail={detail} />
              </Tabs.Panel>
            )}
            <Tabs.Panel value="preview">
              {preview.error ? (
                <p role="alert" className="small">
                  <strong>{problemOf(preview.error).title}.</strong> {problemText(preview.error)}
                </p>
              ) : (
                <DraftPreview result={preview.data} pending={preview.isPending} onRun={runPreview} />
              )}
            </Tabs.Panel>
            {detail === undefined ? null : (
              <Tabs.Panel value="versions">
                <RuleVersions
                  detail={detail}
                  onRollBack={may ? (toVersion) => setAsking({ toVersion }) : undefined}
                  onTake={may ? setText : undefined}
                />
              </Tabs.Panel>
            )}
          </Tabs>
        </div>
      </div>
      <ConfirmWithPreview
        opened={asking === 'publish'}
        onClose={() => setAsking(undefined)}
        title="Publish this text"
        act="Publish rule"
        busy={publish.isPending}
        error={publish.error}
        undo="Every version is kept; roll back to an older one at any time."
        onConfirm={() => publish.mutate({ body: { text } })}
      >
        <div className="stack">
          <p style={{ margin: 0 }}>
            {check.data?.rules
              .filter((each) => each.changes)
              .map(
                (each) =>
                  `${each.id} becomes ${each.current === null ? 'a new rule' : `v${each.current + 1}`}, ${each.mode}.`,
              )
              .join(' ')}{' '}
            It counts from the next event on.
          </p>
          {rule === undefined ? null : <Diff before={published} after={text} label="What changes" />}
        </div>
      </ConfirmWithPreview>
      {rule !== undefined && (asking === 'live' || asking === 'shadow' || asking === 'off') ? (
        <ConfirmWithPreview
          opened
          onClose={() => setAsking(undefined)}
          title={`Set ${rule.id} to ${asking}`}
          act={`Set rule ${asking}`}
          harm={asking === 'live' && rule.route === 'auto'}
          busy={mode.isPending}
          error={mode.error}
          undo="The mode can be changed back at any time. What it proposed meanwhile stays."
          reason={{ label: 'Reason', required: true }}
          onConfirm={(reason) =>
            void etag().then((headers) =>
              mode.mutate({ params: { ruleId: rule.id }, body: { mode: asking, reason }, headers }),
            )
          }
        >
          {asking === 'live'
            ? `It acts on the next event that fits. It hit ${countOf(rule.hits.last24h, 'event')} in the last 24 h${rule.route === 'auto' ? ', and decides without a person' : ''}.`
            : asking === 'shadow'
              ? 'It goes on counting what it would have done, and does nothing.'
              : 'It is not evaluated at all.'}
        </ConfirmWithPreview>
      ) : null}
      {rule !== undefined && typeof asking === 'object' ? (
        <ConfirmWithPreview
          opened
          onClose={() => setAsking(undefined)}
          title={`Roll ${rule.id} back to v${asking.toVersion}`}
          act="Roll back rule"
          busy={back.isPending}
          error={back.error}
          undo="The version of now is kept; roll forward to it in the same way."
          reason={{ label: 'Reason', required: true }}
          onConfirm={(reason) =>
            void etag().then((headers) =>
              back.mutate({ params: { ruleId: rule.id }, body: { toVersion: asking.toVersion, reason }, headers }),
            )
          }
        >
          <Diff
            before={published}
            after={detail?.versions.find((each) => each.version === asking.toVersion)?.text ?? ''}
            label="What changes"
          />
        </ConfirmWithPreview>
      ) : null}
    </Page>
  )
}
