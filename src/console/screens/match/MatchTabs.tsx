import { Go } from '../../frame/Go.tsx'
import { useCommands } from '../../frame/commands.ts'
import { useUrl } from '../../frame/url.ts'
import './match.css'

const tabs = [
  { to: '/match', title: 'Look up', does: 'Look a photo, video, sound, link, text or hash up' },
  { to: '/match/clusters', title: 'Clusters', does: 'Show the biggest groups of near-identical content' },
  { to: '/match/classifiers', title: 'Classifiers', does: 'Show similarity classifiers' },
  { to: '/match/pairs', title: 'Judge pairs', does: 'Judge pairs of content and known content' },
]

/** The views of Match; each has its own address. Also offers them in the palette. */
export function MatchTabs() {
  const url = useUrl()
  useCommands(tabs.map(({ to, does }) => ({ id: `match-${to}`, title: does, run: () => url.go(to) })))
  return (
    <nav className="match-tabs" aria-label="Views of Match">
      {tabs.map(({ to, title }) => (
        <Go
          key={to}
          to={to}
          aria-current={
            url.path === to ||
            (to !== '/match' && url.path.startsWith(`${to}/`)) ||
            (to === '/match/clusters' && url.path === '/match/similar')
              ? 'page'
              : undefined
          }
        >
          {title}
        </Go>
      ))}
    </nav>
  )
}
