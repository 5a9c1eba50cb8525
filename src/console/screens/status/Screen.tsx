import { IconCheck, IconMinus, IconX } from '@tabler/icons-react'
import { getReadiness } from '../../../http/contract/system.ts'
import { getStatus } from '../../../http/contract/status.ts'
import { ApiError } from '../../../http/client.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countOf, countText, spanText } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { Badge } from '../../parts/Badge.tsx'
import { CopyId } from '../../parts/CopyId.tsx'
import { EvidenceList } from '../../parts/EvidenceList.tsx'
import { ErrorState } from '../../parts/ErrorState.tsx'
import { Page, Panel } from '../../parts/Page.tsx'
import { SkeletonPage } from '../../parts/Skeletons.tsx'

/** Which parts of the system work, which optional ones are on, and how to switch on the others. */
export function Screen() {
  const status = useRead(getStatus, {}, { everyMs: 5_000 })
  const ready = useRead(getReadiness, {}, { everyMs: 5_000 })
  if (status.data === undefined)
    return status.error ? (
      <Page title="Status">
        <ErrorState what="Status" error={status.error} onRetry={() => void status.refetch()} />
      </Page>
    ) : (
      <SkeletonPage what="status" />
    )
  // 503 carries the same checks as its body, beside what is wrong.
  const failed = ready.error instanceof ApiError ? (ready.error.problem as unknown as typeof ready.data) : undefined
  const checks = ready.data?.checks ?? failed?.checks ?? []
  const { release, startedAtMs, nowMs, parts, stream, ledger, bankEntries, brokenRules } = status.data
  return (
    <Page title="Status" about={`Custos ${release}, running for ${spanText(nowMs - startedAtMs)}`} scroll>
      <div className="columns even">
        <Panel title="Optional parts" flush>
          <table className="plain-table">
            <thead>
              <tr>
                <th>Part</th>
                <th>State</th>
                <th>What it does, or how to switch it on</th>
              </tr>
            </thead>
            <tbody>
              {parts.map((part) => (
                <tr key={part.name}>
                  <td style={{ fontWeight: 500 }}>{part.name}</td>
                  <td>
                    <Badge
                      tone={part.on ? 'accent' : 'plain'}
                      icon={part.on ? <IconCheck size={13} aria-hidden /> : <IconMinus size={13} aria-hidden />}
                    >
                      {part.on ? 'on' : 'off'}
                    </Badge>
                  </td>
                  <td className="muted">{part.how}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Panel>
        <div>
          <Panel title="Work">
            <EvidenceList
              facts={[
                [
                  'Stream',
                  stream.behindEvents === 0
                    ? 'every stored event is judged'
                    : `${countOf(stream.behindEvents, 'event waits', 'events wait')}, the oldest for ${spanText(stream.behindMs)}`,
                ],
                ['Judged', `${countText(stream.judgedEvents)} events in all`],
                ['Ledger', `${countText(ledger.entries)} entries, ${countText(ledger.sealed)} sealed`],
                [
                  'Head',
                  ledger.head === null ? undefined : (
                    <CopyId key="h" id={ledger.head} label="head hash" characters={24} />
                  ),
                ],
                ['Known content', `${countText(bankEntries)} entries in the index`],
                [
                  'Rules',
                  brokenRules.length === 0 ? (
                    'all can be evaluated'
                  ) : (
                    <span key="r" className="row wrap">
                      <Badge tone="attention">cannot be evaluated</Badge>
                      {brokenRules.map((rule) => (
                        <Go key={rule.ruleId} to={path`/rules/${rule.ruleId}`}>
                          {rule.ruleId} v{rule.version}
                        </Go>
                      ))}
                    </span>
                  ),
                ],
              ]}
            />
          </Panel>
          <Panel title="Can it do its work?" flush>
            {checks.length === 0 ? (
              <p className="muted" style={{ padding: 12, margin: 0 }}>
                {ready.isPending ? 'Asking…' : 'No check answered.'}
              </p>
            ) : (
              <table className="plain-table">
                <thead>
                  <tr>
                    <th>Check</th>
                    <th>State</th>
                    <th>Detail</th>
                  </tr>
                </thead>
                <tbody>
                  {checks.map((check) => (
                    <tr key={check.name}>
                      <td style={{ fontWeight: 500 }}>{check.name}</td>
                      <td>
                        <Badge
                          tone={check.ok ? 'plain' : 'attention'}
                          icon={check.ok ? <IconCheck size={13} aria-hidden /> : <IconX size={13} aria-hidden />}
                        >
                          {check.ok ? 'works' : 'fails'}
                        </Badge>
                      </td>
                      <td className="muted">{check.detail}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </Panel>
        </div>
      </div>
      <p className="small muted">
        For machines: <a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>, <a href="/metrics">/metrics</a>.
        For developers: <a href="/docs">API reference</a>, <a href="/openapi.json">OpenAPI</a>.
      </p>
    </Page>
  )
}
