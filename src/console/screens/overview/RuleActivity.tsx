import { listRules } from '../../../http/contract/rules.ts'
import { useRead } from '../../api.ts'
import { Go } from '../../frame/Go.tsx'
import { countText } from '../../frame/time.ts'
import { path } from '../../frame/url.ts'
import { IntervalBar } from '../../parts/IntervalBar.tsx'
import { Panel } from '../../parts/Page.tsx'
import { ModeBadge } from '../rules/ModeBadge.tsx'

const shownMax = 8

/** The rules that hit most in the last day, with what people made of them. */
export function RuleActivity() {
  const rules = useRead(listRules, { query: {} }, { everyMs: 10_000 })
  const busiest = [...(rules.data?.items ?? [])].sort((a, b) => b.hits.last24h - a.hits.last24h).slice(0, shownMax)
  if (busiest.length === 0) return null
  const most = Math.max(1, busiest[0]!.hits.last24h)
  return (
    <Panel title="Busiest rules, last 24 h" acts={<Go to="/rules">All rules</Go>} flush>
      <div className="table-scroll">
        <table className="plain-table">
          <thead>
            <tr>
              <th>Rule</th>
              <th>Mode</th>
              <th className="num">Hits</th>
              <th>
                <span className="hidden-visually">Hits as a bar</span>
              </th>
              <th>Right, of all judged</th>
            </tr>
          </thead>
          <tbody>
            {busiest.map((rule) => (
              <tr key={rule.id}>
                <td>
                  <Go to={path`/rules/${rule.id}`}>{rule.id}</Go>
                </td>
                <td>
                  <ModeBadge mode={rule.mode} />
                </td>
                <td className="num">{countText(rule.hits.last24h)}</td>
                <td>
                  <svg width="80" height="8" aria-hidden="true" style={{ display: 'block', marginTop: 6 }}>
                    <rect
                      width={Math.max(1, (rule.hits.last24h / most) * 80)}
                      height="6"
                      y="1"
                      rx="1"
                      fill="var(--bar)"
                    />
                  </svg>
                </td>
                <td>
                  <IntervalBar
                    label="Precision"
                    estimate={rule.standing.precision}
                    low={rule.standing.interval?.[0]}
                    high={rule.standing.interval?.[1]}
                    unknown="nobody has looked yet"
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}
