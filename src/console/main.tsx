import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@fontsource-variable/inter/index.css'
import './frame/theme.css'
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { queries } from './api.ts'
import { Frame } from './frame/Frame.tsx'
import { NotFound } from './frame/NotFound.tsx'
import { ScreenBroke } from './frame/ScreenBroke.tsx'
import { cssVariables, theme } from './frame/theme.ts'
import { base, formatSearch, parseSearch } from './frame/url.ts'
import { SkeletonPage } from './parts/Skeletons.tsx'

type Loader = () => Promise<{ Screen: () => React.ReactNode }>

// Each screen is its own chunk, loaded when it is first opened (and when the pointer comes near a link to it).
const screens: Record<string, Loader> = {
  '/': () => import('./screens/overview/Screen.tsx'),
  '/events': () => import('./screens/events/Screen.tsx'),
  '/status': () => import('./screens/status/Screen.tsx'),
  '/appeals': () => import('./screens/appeals/Screen.tsx'),
  '/appeals/$appealId': () => import('./screens/appeals/AppealScreen.tsx'),
  '/decisions': () => import('./screens/decisions/Screen.tsx'),
  '/decisions/$decisionId': () => import('./screens/decisions/DecisionScreen.tsx'),
  '/accounts': () => import('./screens/accounts/Screen.tsx'),
  '/accounts/$actorId': () => import('./screens/accounts/AccountScreen.tsx'),
  '/policies': () => import('./screens/policies/Screen.tsx'),
  '/policies/$version': () => import('./screens/policies/Screen.tsx'),
  '/settings': () => import('./screens/settings/Screen.tsx'),
  '/audit': () => import('./screens/audit/Screen.tsx'),
  '/review': () => import('./screens/review/Screen.tsx'),
  '/review/next': () => import('./screens/review/NextScreen.tsx'),
  '/review/queues/$queue': () => import('./screens/review/QueueScreen.tsx'),
  '/review/jobs/$jobId': () => import('./screens/review/JobScreen.tsx'),
  '/rules': () => import('./screens/rules/Screen.tsx'),
  '/rules/new': () => import('./screens/rules/RuleScreen.tsx'),
  '/rules/$ruleId': () => import('./screens/rules/RuleScreen.tsx'),
  '/match': () => import('./screens/match/Screen.tsx'),
  '/match/clusters': () => import('./screens/match/ClustersScreen.tsx'),
  '/match/similar': () => import('./screens/match/SimilarScreen.tsx'),
  '/match/pairs': () => import('./screens/match/PairsScreen.tsx'),
  '/match/classifiers': () => import('./screens/match/ClassifiersScreen.tsx'),
  '/match/classifiers/$classifierId': () => import('./screens/match/ClassifierScreen.tsx'),
  '/banks': () => import('./screens/banks/Screen.tsx'),
  '/banks/hygiene': () => import('./screens/banks/HygieneScreen.tsx'),
  '/banks/exchanges': () => import('./screens/exchanges/Screen.tsx'),
  '/banks/exchanges/new': () => import('./screens/exchanges/SetUpScreen.tsx'),
  '/banks/exchanges/$exchangeId': () => import('./screens/exchanges/ExchangeScreen.tsx'),
  '/banks/$bankId': () => import('./screens/banks/BankScreen.tsx'),
  '/banks/$bankId/$entryId': () => import('./screens/banks/EntryScreen.tsx'),
  '/insight': () => import('./screens/insight/Screen.tsx'),
  '/people': () => import('./screens/people/Screen.tsx'),
}

const rootRoute = createRootRoute({ notFoundComponent: NotFound })
const frameRoute = createRoute({ getParentRoute: () => rootRoute, id: 'frame', component: Frame })
const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./screens/sign-in/Screen.tsx'), 'Screen'),
})
const screenRoutes = Object.entries(screens).map(([path, load]) =>
  createRoute({
    getParentRoute: () => frameRoute,
    path,
    component: lazyRouteComponent(load, 'Screen'),
    errorComponent: ScreenBroke,
  }),
)
const notFoundRoute = createRoute({ getParentRoute: () => frameRoute, path: '$', component: NotFound })

const router = createRouter({
  routeTree: rootRoute.addChildren([signInRoute, frameRoute.addChildren([...screenRoutes, notFoundRoute])]),
  basepath: base,
  parseSearch,
  stringifySearch: formatSearch,
  defaultPendingComponent: () => <SkeletonPage what="screen" />,
  defaultPendingMs: 150,
  scrollRestoration: false,
})

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" limit={4} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
