import { Button, Tabs } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import {
  getPolicy,
  listPolicies,
  previewPolicy,
  publishPolicy,
  type PolicyDetail,
} from '../../../http/contract/policies.ts'
import { client, problemOf, problemText, useChange, usePages, useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { useKeys } from '../../frame/keys.ts'
import { useMay } from '../../frame/session.tsx'
import { spanText } from '../../frame/time.ts'
import { path, useUrl } from '../../frame/url.ts'
import { AuthorName } from '../../parts/AuthorName.tsx'
import { Badge } from '../../parts/Badge.tsx'
import { ConfirmWithPreview } from '../../parts/ConfirmWithPreview.tsx'
import { Diff } from '../../parts/Diff.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { KeyHint } from '../../parts/KeyHint.tsx'
import { LevelBadge } from '../../parts/LevelBadge.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { RelativeTime } from '../../parts/RelativeTime.tsx'
import { SeverityBadge } from '../../parts/SeverityBadge.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'
import './policies.css'

const YamlEditor = lazy(() => import('../../parts/YamlEditor.tsx').then((module) => ({ default: module.YamlEditor })))

/** A version of the policy: what is a violation and what it costs; its text, and how it differs from the one before. */
export function Screen() {
  const { version = 'newest' } = useParams({ strict: false }) as { version?: string }
  const read = useRead(getPolicy, { params: { version } })
  if (read.data === undefined)
    return read.error ? (
      <Page title="Policies">
        <ErrorState what="Policy" error={read.error} onRetry={() => void read.refetch()} />
      </Page>
    ) : (
      <SkeletonPage what="policy" />
    )
  return <Loaded key={read.data.policy.version} detail={read.data} />
}

function Loaded({ detail }: { detail: PolicyDetail }) {
  const url = useUrl()
  const may = useMay('policies:write')
  const { policy, summary } = detail
  const tab = url.search['tab'] ?? 'summary'
  const before = useRead(
    getPolicy,
    { params: { version: String(Math.max(1, policy.version - 1)) } },
    { enabled: policy.version > 1 && tab === 'changes' },
  )
  const [text, setText] = useState(detail.text)
  const [asking, setAsking] = useState(false)
  const dirty = text !== detail.text
  const preview = useChange(previewPolicy, { touches: [], quiet: true, onDone: () => setAsking(true) })
  const publish = useChange(publishPolicy, {
    touches: ['policies'],
    quiet: true,
    done: (made) => `Version ${made.version} was published`,
    onDone: (made) => {
      setAsking(false)
      url.go(path`/policies/${String(made.version)}`)
    },
  })
  const check = () => {
    if (dirty) preview.mutate({ body: { text } })
  }
  useKeys('Policy', may ? [{ keys: 'mod+s', does: 'Check this text and publish it', run: check, inFields: true }] : [])
  const send = async () => {
    const { etag } = await client.callFull(getPolicy, { params: { version: 'newest' } })
    publish.mutate({ body: { text }, headers: { 'if-match': etag ?? '*' } })
  }
  return (
    <Page
      title={policy.title}
      crumbs={<Go to="/policies">Policies</Go>}
      about={
        <span className="row" style={{ display: 'inline-flex' }}>
          version {policy.version}
          {policy.inForce ? <Badge tone="accent">in force</Badge> : <Badge>not in force</Badge>}
        </span>
      }
      acts={
        may && tab === 'text' ? (
          <Button variant="filled" disabled={!dirty} loading={preview.isPending} onClick={check}>
            Check and publish <KeyHint keys="mod+s" />
          </Button>
        ) : null
      }
    >
      <div className="policy-split">
        <div className="policy-main">
          <Tabs
            value={tab}
            onChange={(value) => url.set({ tab: value === 'summary' ? undefined : (value ?? undefined) })}
            className="policy-tabs"
          >
            <Tabs.List>
              <Tabs.Tab value="summary">Summary</Tabs.Tab>
              <Tabs.Tab value="text">Text</Tabs.Tab>
              {policy.version > 1 ? <Tabs.Tab value="changes">Changes</Tabs.Tab> : null}
            </Tabs.List>
            <Tabs.Panel value="summary" className="policy-scroll" tabIndex={0}>
              <Summary summary={summary} />
            </Tabs.Panel>
            <Tabs.Panel value="text" className="policy-text">
              {preview.error ? (
                <p role="alert" className="small policy-error">
                  <strong>{problemOf(preview.error).title}.</strong> {problemText(preview.error)}
                </p>
              ) : null}
              <Suspense fallback={<SkeletonPage what="editor" />}>
                <YamlEditor
                  text={text}
                  onChange={setText}
                  label="Text of the policy"
                  readOnly={!may}
                  problems={problemOf(preview.error).errors}
                  onSave={check}
                />
              </Suspense>
            </Tabs.Panel>
            <Tabs.Panel value="changes" className="policy-scroll" tabIndex={0}>
              {before.data === undefined ? (
                <SkeletonPage what="changes" />
              ) : (
                <Diff
                  before={before.data.text}
                  after={detail.text}
                  label={`Version ${policy.version - 1} and ${policy.version}`}
                />
              )}
            </Tabs.Panel>
          </Tabs>
        </div>
        <Versions current={policy.version} />
      </div>
      <ConfirmWithPreview
        opened={asking}
        onClose={() => setAsking(false)}
        title="Publish this policy"
        act="Publish policy"
        busy={publish.isPending}
        error={publish.error}
        undo="Every version is kept. What was decided keeps the version under which it happened."
        ready={preview.data !== undefined}
        onConfirm={() => void send()}
      >
        {preview.data === undefined ? null : (
          <div className="stack">
            <p style={{ margin: 0 }}>
              {preview.data.changes.length} {preview.data.changes.length === 1 ? 'value changes' : 'values change'}. Had
              it applied to every decision that stands, of {preview.data.impact.actors} accounts{' '}
              <strong>{preview.data.impact.better}</strong> would be better off and{' '}
              <strong>{preview.data.impact.worse}</strong> worse.
            </p>
            <Diff before={detail.text} after={text} label="What changes" />
            {preview.data.impact.examples.slice(0, 5).map((example) => (
              <p key={`${example.actorId}-${example.context}`} className="small muted" style={{ margin: 0 }}>
                {example.actorId} in {example.context}: {example.before} → {example.after}
              </p>
            ))}
          </div>
        )}
      </ConfirmWithPreview>
    </Page>
  )
}

function Summary({ summary }: { summary: PolicyDetail['summary'] }) {
  return (
    <>
      <Panel title="Violations" flush>
        <div className="table-scroll">
          <table className="plain-table">
            <thead>
              <tr>
                <th>Violation</th>
                <th>Severity</th>
                <th>What people are told</th>
              </tr>
            </thead>
            <tbody>
              {summary.violations.map((violation) => (
                <tr key={violation.violation}>
                  <td style={{ whiteSpace: 'nowrap' }}>
                    <strong>{violation.title}</strong>
                    <br />
                    <code className="small muted">{violation.violation}</code>
                  </td>
                  <td>
                    <SeverityBadge severity={violation.severity} />
                  </td>
                  <td className="muted">{violation.text}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      <div className="columns even">
        {summary.ladders.map((ladder) => (
          <Panel key={ladder.ladder} title={`Ladder: ${ladder.ladder.replaceAll('_', ' ')}`} flush>
            <table className="plain-table">
              <thead>
                <tr>
                  <th className="num">From points</th>
                  <th>Consequence</th>
                  <th>For</th>
                  <th>Closes</th>
                </tr>
              </thead>
              <tbody>
                {ladder.steps.map((step) => (
                  <tr key={step.at}>
                    <td className="num">{step.at}</td>
                    <td>
                      <LevelBadge action={step.action} />
                    </td>
                    <td>{step.permanent ? 'for good' : step.durationMs === null ? '–' : spanText(step.durationMs)}</td>
                    <td className="muted">
                      {step.closes.length === 0 ? 'nothing' : step.closes.join(', ').replace('*', 'everything')}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Panel>
        ))}
      </div>
      <Panel title="Contexts" flush>
        <table className="plain-table">
          <tbody>
            {summary.contexts.map((context) => (
              <tr key={context.context}>
                <td>
                  <strong>{context.title}</strong>
                </td>
                <td className="muted">{context.features.join(', ').replaceAll('_', ' ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Panel>
    </>
  )
}

function Versions({ current }: { current: number }) {
  const versions = usePages(listPolicies, { query: {} })
  return (
    <nav className="policy-versions" aria-label="Versions">
      <h2>Versions</h2>
      <ul className="row-list">
        {versions.items.map((version) => (
          <li key={version.version}>
            <Go
              to={path`/policies/${String(version.version)}`}
              aria-current={version.version === current ? 'true' : undefined}
            >
              <span className="row">
                <span className="grow">Version {version.version}</span>
                {version.inForce ? <Badge tone="accent">in force</Badge> : null}
              </span>
            </Go>
            <span className="small muted row wrap">
              <AuthorName author={version.author} />
              <RelativeTime timeMs={version.publishedMs} />
            </span>
          </li>
        ))}
      </ul>
    </nav>
  )
}
