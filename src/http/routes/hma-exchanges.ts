import {
  exchangeKinds,
  type Credentials,
  type Exchange,
  type ExchangeKind,
  type Field,
} from '../../match/exchange/exchange.ts'
import { kinds, ncmecEnvironments } from '../../match/exchange/kinds.ts'
import * as store from '../../match/exchange/store.ts'
import { selectApiCredentials, upsertApiCredentials } from '../../storage/hma.ts'
import * as contract from '../contract/hma.ts'
import { alterExchange, removeExchange, sealCredentials, setUpExchange, type SetupDeps } from '../exchange-setup.ts'
import { hmaMount, objectOf, refuse } from '../hma.ts'
import type { Principal } from '../principal.ts'
import type { Mount } from '../server.ts'

/** Kinds of exchanges by the names of Hasher-Matcher-Actioner, and its names of their fields. */
const apis: Record<
  ExchangeKind,
  { api: string; settings: Record<string, string>; credentials: Record<string, string> }
> = {
  threatexchange: {
    api: 'fb_threatexchange',
    settings: { privacy_group: 'privacyGroup' },
    credentials: { api_token: 'token' },
  },
  ncmec: {
    api: 'ncmec',
    settings: { environment: 'environment' },
    credentials: { user: 'user', password: 'password' },
  },
  stopncii: {
    api: 'stop_ncii',
    settings: {},
    credentials: { fetch_function_key: 'fetchKey', subscription_key: 'subscriptionKey' },
  },
  'tech-against-terrorism': {
    api: 'tat',
    settings: {},
    credentials: { username: 'username', password: 'password' },
  },
  file: { api: 'local_file', settings: { filename: 'url', signal_type: 'signalType' }, credentials: {} },
  custos: { api: 'custos', settings: { base_url: 'baseUrl', bank_id: 'bankId' }, credentials: { key: 'key' } },
}
const exchangesMax = 10_000
/** The vault keeps secrets per person; such a set of credentials is one of its own. */
const secretOwner = (kind: ExchangeKind) => `custos.hma-api:${kind}`

/** Exchanges under /hma: the same exchanges, by the names and fields that these clients use. */
export function hmaExchangeRoutes(mount: Mount, deps: SetupDeps): void {
  const { db, vault } = deps
  const on = hmaMount(mount)

  const kindNamed = (name: string, status: number): ExchangeKind => {
    const kind = exchangeKinds.find((each) => apis[each].api === name || each === name)
    if (kind === undefined) throw refuse(status, `no such Exchange API '${name.slice(0, 100)}'`)
    return kind
  }
  const exchangeNamed = async ({ tenantId }: Principal, name: string): Promise<Exchange> => {
    const exchange = await store.selectExchangeNamed(db.query, tenantId, name)
    if (exchange === undefined) throw refuse(404, `Exchange '${name.slice(0, 200)}' not found`)
    return exchange
  }
  const viewOf = (exchange: Exchange) => ({
    name: exchange.name,
    api: apis[exchange.kind].api,
    enabled: exchange.enabled,
    ...toTheirs(exchange.kind, exchange.settings),
    ...(exchange.kind === 'ncmec' ? { only_esp_ids: (exchange.filter.owners ?? []).map(Number) } : {}),
  })
  const apiView = async (tenantId: string, kind: ExchangeKind) => ({
    supports_authentification: Object.keys(apis[kind].credentials).length > 0,
    has_set_authentification: (await selectApiCredentials(db.query, tenantId, kind)) !== null,
  })

  on(contract.hmaExchangeApis, () => exchangeKinds.map((kind) => apis[kind].api))
  on(contract.hmaExchangeApi, ({ params, principal }) =>
    apiView(principal.tenantId, kindNamed((params as { apiName: string }).apiName, 400)),
  )
  on(contract.hmaSetExchangeApi, async ({ params, request, principal }) => {
    const { tenantId } = principal
    const kind = kindNamed((params as { apiName: string }).apiName, 400)
    const given = objectOf(request).credential_json
    if (given === undefined || given === null) return apiView(tenantId, kind)
    if (typeof given !== 'object' || Array.isArray(given)) throw refuse(400, 'credential_json must be an object')
    const credentials = toOurs(kind, given as Record<string, unknown>)
    const exchanges = (await store.selectExchanges(db.query, tenantId, '', exchangesMax)).filter(
      (exchange) => exchange.kind === kind,
    )
    await db.transaction(async (tx) => {
      await vault.erase(tx, tenantId, secretOwner(kind))
      const empty = Object.keys(credentials).length === 0
      const ref = empty ? null : await vault.seal(tx, tenantId, secretOwner(kind), JSON.stringify(credentials))
      await upsertApiCredentials(tx, tenantId, kind, ref)
    })
    for (const { exchangeId } of exchanges)
      await alterExchange(deps, principal, exchangeId, async (tx, before) => ({
        ...before,
        ...(await sealCredentials(tx, deps, before, credentials)),
      }))
    return apiView(tenantId, kind)
  })
  on(contract.hmaExchangeApiSchema, ({ params }) => {
    const kind = kindNamed((params as { apiName: string }).apiName, 404)
    const { settings, credentials } = apis[kind]
    const fields = Object.entries(credentials).map(([name, ours]) => schemaOf(name, kinds[kind].credentials, ours))
    return {
      config_schema: {
        fields: Object.entries(settings).map(([name, ours]) => schemaOf(name, kinds[kind].settings, ours)),
      },
      credentials_schema: fields.length === 0 ? null : { fields },
    }
  })

  on(contract.hmaExchanges, async ({ principal }) =>
    (await store.selectExchanges(db.query, principal.tenantId, '', exchangesMax)).map((exchange) => exchange.name),
  )
  on(contract.hmaMakeExchange, async ({ request, principal }) => {
    const body = objectOf(request)
    const { bank, api, api_json: given = {} } = body
    if (bank === undefined) throw refuse(400, 'bank is required')
    if (typeof bank !== 'string' || !/^[A-Z0-9_]+$/.test(bank))
      throw refuse(400, 'Field `bank` must match /^[A-Z0-9_]+$/')
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw refuse(400, 'Field `api_json` must be object')
    if (api === undefined || api === null) throw refuse(400, 'Field `api_type` is required')
    const kind = kindNamed(String(api), 400)
    const { enabled = true, only_esp_ids: owners, ...settings } = given as Record<string, unknown>
    const sealed = await selectApiCredentials(db.query, principal.tenantId, kind)
    const credentials = sealed === null ? undefined : await vault.open(db.query, principal.tenantId, sealed)
    await setUpExchange(deps, principal, {
      kind,
      name: bank,
      settings: settingsOf(kind, settings),
      enabled: enabled === true,
      ...(Array.isArray(owners) && owners.length > 0 ? { filter: { owners: owners.map(String) } } : {}),
      ...(credentials === undefined ? {} : { credentials: JSON.parse(credentials) as Credentials }),
    })
    return { message: 'Created successfully' }
  })
  on(contract.hmaExchange, async ({ params, principal }) =>
    viewOf(await exchangeNamed(principal, (params as { exchangeName: string }).exchangeName)),
  )
  on(contract.hmaExchangeStatus, async ({ params, principal }) => {
    const exchange = await exchangeNamed(principal, (params as { exchangeName: string }).exchangeName)
    const runs = await store.selectRuns(db.query, principal.tenantId, exchange.exchangeId, null, 20)
    const running = runs.find((run) => run.state === 'running')
    const ended = runs.find((run) => run.state === 'done' || run.state === 'failed')
    const counts = await store.countRecords(db.query, principal.tenantId, [exchange.exchangeId])
    const seconds = (ms: number | null | undefined) => (ms == null ? null : Math.floor(ms / 1_000))
    return {
      checkpoint_ts: seconds(runs.find((run) => run.state === 'done')?.startedMs),
      running_fetch_start_ts: seconds(running?.startedMs),
      last_fetch_complete_ts: seconds(ended?.endedMs),
      last_fetch_succeeded: ended === undefined ? null : ended.state === 'done',
      up_to_date: running === undefined && ended?.state === 'done',
      fetched_items: counts.get(exchange.exchangeId)!.live,
    }
  })
  on(contract.hmaChangeExchange, async ({ params, request, principal }) => {
    const exchange = await exchangeNamed(principal, (params as { exchangeName: string }).exchangeName)
    const { enabled } = objectOf(request)
    if (enabled !== undefined && enabled !== null && typeof enabled !== 'boolean')
      throw refuse(400, 'enabled must be true or false')
    return viewOf(
      await alterExchange(deps, principal, exchange.exchangeId, async (_tx, before) => ({
        ...before,
        enabled: typeof enabled === 'boolean' ? enabled : before.enabled,
      })),
    )
  })
  on(contract.hmaDeleteExchange, async ({ params, principal }) => {
    const { exchangeName } = params as { exchangeName: string }
    const exchange = await store.selectExchangeNamed(db.query, principal.tenantId, exchangeName)
    if (exchange !== undefined) await removeExchange(deps, principal, exchange.exchangeId, false)
    return { message: 'Exchange deleted' }
  })
}

function settingsOf(kind: ExchangeKind, given: Record<string, unknown>): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (name === 'name' || name === 'api') continue
    const ours = apis[kind].settings[name] ?? name
    settings[ours] = ours === 'privacyGroup' ? String(value) : ours === 'environment' ? environmentOf(value) : value
  }
  return settings
}
/** They name NCMEC's environments by their address. */
function environmentOf(value: unknown): unknown {
  return Object.keys(ncmecEnvironments).find((name) => ncmecEnvironments[name] === value) ?? value
}
function toTheirs(kind: ExchangeKind, settings: Exchange['settings']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([ours, value]) => {
      const name = Object.entries(apis[kind].settings).find(([, each]) => each === ours)?.[0] ?? ours
      if (ours === 'privacyGroup') return [name, Number(value)]
      return [name, ours === 'environment' ? (ncmecEnvironments[String(value)] ?? value) : value]
    }),
  )
}
function toOurs(kind: ExchangeKind, given: Record<string, unknown>): Credentials {
  const credentials: Credentials = {}
  for (const [name, value] of Object.entries(given))
    if (value !== null && value !== undefined) credentials[apis[kind].credentials[name] ?? name] = String(value)
  return credentials
}

function schemaOf(name: string, fields: readonly Field[], ours: string) {
  const field = fields.find((each) => each.name === ours)!
  const environments = ours === 'environment'
  return {
    name,
    type:
      ours === 'privacyGroup'
        ? 'number'
        : field.kind === 'choice'
          ? 'enum'
          : field.kind === 'flag'
            ? 'boolean'
            : 'string',
    required: field.required,
    default: null,
    help: field.help,
    choices: environments ? Object.values(ncmecEnvironments) : (field.choices ?? null),
  }
}
