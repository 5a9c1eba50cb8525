import { ActionIcon, Menu, Tooltip, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { Outlet } from '@tanstack/react-router'
import {
  IconDeviceDesktop,
  IconKeyboard,
  IconLogout,
  IconMenu2,
  IconMoon,
  IconSearch,
  IconSun,
  IconUserCircle,
} from '@tabler/icons-react'
import { useEffect, useEffectEvent, useMemo, useRef, useState } from 'react'
import { getSession, signOut, switchTenant } from '../../http/contract/access.ts'
import { ApiError } from '../../http/client.ts'
import { client, queries, useRead } from '../api.ts'
import { ErrorState } from '../parts/ErrorState.tsx'
import { KeyHint } from '../parts/KeyHint.tsx'
import { SimStrip } from '../parts/SimStrip.tsx'
import { SkeletonPage } from '../parts/Skeletons.tsx'
import { areaGroups, areaOf, areas, places } from './areas.ts'
import { Drawer } from './Drawer.tsx'
import { HoverHost } from './HoverHost.tsx'
import { Go } from './Go.tsx'
import { useKeys } from './keys.ts'
import { KeySheet } from './KeySheet.tsx'
import { useLiveState } from './live.ts'
import { useLiveRefresh } from './refresh.ts'
import { Palette, type PaletteAct } from './Palette.tsx'
import { SessionProvider, useSession } from './session.tsx'
import { useUrl, type Url } from './url.ts'
import './frame.css'

/** Everything around a screen. Waits for the session; without one it leads to the sign-in page. */
export function Frame() {
  const url = useUrl()
  const session = useRead(getSession, {}, { staleMs: 60_000 })
  const signedOut = session.error instanceof ApiError && session.error.status === 401
  const askToSignIn = useEffectEvent(() =>
    url.go('/sign-in', { return: url.path === '/' ? undefined : url.path + location.search }),
  )
  useEffect(() => {
    if (signedOut) askToSignIn()
  }, [signedOut])
  if (session.data === undefined)
    return session.error && !signedOut ? (
      <ErrorState what="The console" error={session.error} onRetry={() => void session.refetch()} />
    ) : (
      <SkeletonPage what="console" />
    )
  return (
    <SessionProvider value={session.data}>
      <Inside />
    </SessionProvider>
  )
}

function Inside() {
  const url = useUrl()
  const session = useSession()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const [palette, setPalette] = useState(false)
  const [sheet, setSheet] = useState(false)
  const [rail, setRail] = useState(false)
  const main = useRef<HTMLElement>(null)
  const area = areaOf(url.path)

  useLiveRefresh()
  const first = useRef(true)
  // After a change of screen, readers of the screen and the keyboard begin at the new one.
  useEffect(() => {
    if (first.current) first.current = false
    else if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true })
  }, [url.path])

  const { go } = url
  const acts = useMemo<PaletteAct[]>(() => {
    const act = (id: string, title: string, icon: PaletteAct['icon'], run: () => void, keys?: string): PaletteAct => ({
      id,
      group: 'Console',
      title,
      icon,
      run,
      keys,
    })
    return [
      act('light', 'Use light theme', IconSun, () => setColorScheme('light')),
      act('dark', 'Use dark theme', IconMoon, () => setColorScheme('dark')),
      act('auto', 'Use theme of the system', IconDeviceDesktop, () => setColorScheme('auto')),
      act('keys', 'Show keys of this screen', IconKeyboard, () => setSheet(true), '?'),
      act('leave', 'Sign out', IconLogout, () => void leave(go)),
    ]
  }, [go, setColorScheme])
  useKeys(
    'Everywhere',
    [
      { keys: 'mod+k', does: 'Search anything', run: () => setPalette(true), inFields: true },
      { keys: '/', does: 'Search anything', run: () => setPalette(true) },
      { keys: '?', does: 'Show keys of this screen', run: () => setSheet(true) },
      { keys: 'Escape', does: 'Close the drawer', run: () => url.set({ open: undefined }) },
      ...[...areas, ...places].map((each) => ({
        keys: `g ${each.key}`,
        does: `Go to ${each.title}`,
        run: () => url.go(each.to),
      })),
    ],
    true,
  )

  const tenant = session.tenants.find((each) => each.tenantId === session.tenantId)
  return (
    <div className="frame">
      <a className="skip" href="#work">
        Skip to the screen
      </a>
      {rail ? <div className="rail-shade" onClick={() => setRail(false)} /> : null}
      <nav className="rail" onClick={() => setRail(false)} aria-label="Areas" data-open={rail ? '' : undefined}>
        <Go to="/" className="rail-mark">
          <img src="/console/assets/mark-1.svg" width="20" height="20" alt="" />
          Custos
        </Go>
        {areaGroups.map((group) => (
          <section key={group} aria-label={group}>
            <h2>{group}</h2>
            <ul>
              {areas
                .filter((each) => each.group === group)
                .map((each) => (
                  <li key={each.to}>
                    <Go to={each.to} aria-current={each === area ? 'page' : undefined}>
                      <each.icon size={16} stroke={1.75} aria-hidden />
                      {each.title}
                    </Go>
                  </li>
                ))}
            </ul>
          </section>
        ))}
        <div className="rail-foot">
          Press <KeyHint keys="?" /> for keys
        </div>
      </nav>
      <header className="top">
        <ActionIcon className="menu-button" aria-label="Open areas" onClick={() => setRail(true)}>
          <IconMenu2 size={18} aria-hidden />
        </ActionIcon>
        <UnstyledButton className="top-search" onClick={() => setPalette(true)}>
          <IconSearch size={14} aria-hidden />
          <span className="clip">Search anything, or paste an id</span>
          <KeyHint keys="mod+k" />
        </UnstyledButton>
        <span className="grow" />
        <SimStrip />
        <LiveDot />
        <Menu position="bottom-end" width={240}>
          <Menu.Target>
            <UnstyledButton
              className="chip"
              aria-label={`${session.person.name}, tenant ${tenant?.name ?? session.tenantId}`}
            >
              <IconUserCircle size={18} aria-hidden />
              <span className="chip-name tenant">{tenant?.name ?? session.tenantId}</span>
            </UnstyledButton>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>
              {session.person.name} · {session.roles.join(', ').replaceAll('_', ' ')}
            </Menu.Label>
            {session.tenants.length > 1 ? (
              <>
                <Menu.Divider />
                <Menu.Label>Tenant</Menu.Label>
                {session.tenants.map((each) => (
                  <Menu.Item
                    key={each.tenantId}
                    disabled={each.tenantId === session.tenantId}
                    onClick={() =>
                      void client.call(switchTenant, { body: { tenantId: each.tenantId } }).then(() => {
                        url.go('/')
                        return queries.resetQueries()
                      })
                    }
                  >
                    {each.name}
                  </Menu.Item>
                ))}
              </>
            ) : null}
            <Menu.Divider />
            <Menu.Label>Theme</Menu.Label>
            {(
              [
                ['light', 'Light', IconSun],
                ['dark', 'Dark', IconMoon],
                ['auto', 'As the system', IconDeviceDesktop],
              ] as const
            ).map(([value, title, Icon]) => (
              <Menu.Item
                key={value}
                role="menuitemradio"
                aria-checked={colorScheme === value}
                leftSection={<Icon size={14} aria-hidden />}
                rightSection={colorScheme === value ? '✓' : null}
                onClick={() => setColorScheme(value)}
              >
                {title}
              </Menu.Item>
            ))}
            <Menu.Divider />
            <Menu.Item
              leftSection={<IconKeyboard size={14} aria-hidden />}
              rightSection={<KeyHint keys="?" />}
              onClick={() => setSheet(true)}
            >
              Keys
            </Menu.Item>
            <Menu.Item leftSection={<IconLogout size={14} aria-hidden />} onClick={() => void leave(go)}>
              Sign out
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </header>
      <div className="work">
        <main id="work" tabIndex={-1} ref={main}>
          <Outlet />
        </main>
        <Drawer />
      </div>
      <HoverHost />
      <Palette opened={palette} onClose={() => setPalette(false)} acts={acts} />
      <KeySheet opened={sheet} onClose={() => setSheet(false)} />
    </div>
  )
}

/** Ends the session, forgets what was read, and shows the sign-in page. */
async function leave(go: Url['go']) {
  await client.call(signOut, {})
  queries.clear()
  go('/sign-in')
}

const liveWords = {
  connecting: ['Connecting', 'Opening the live stream'],
  live: ['Live', 'Changes appear by themselves'],
  lost: ['Reconnecting', 'The live stream was lost; what you see may be some seconds old. It reconnects by itself.'],
  off: ['Not live', 'There is no live stream; screens refresh when you return to them.'],
} as const

function LiveDot() {
  const state = useLiveState()
  const [word, detail] = liveWords[state]
  return (
    <Tooltip label={detail}>
      <span className="live-dot" data-state={state} role="status">
        {word}
      </span>
    </Tooltip>
  )
}
