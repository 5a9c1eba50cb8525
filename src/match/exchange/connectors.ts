import type { Connector } from './connector.ts'
import { custosConnector } from './custos.ts'
import type { ExchangeKind } from './exchange.ts'
import { fileConnector } from './file.ts'
import { ncmecConnector } from './ncmec.ts'
import { stopnciiConnector } from './stopncii.ts'
import { tatConnector } from './tech-against-terrorism.ts'
import { threatExchangeConnector } from './threatexchange.ts'

/** How each kind of exchange is spoken with. A new kind is one file, its fields in `kinds.ts`, and a line here. */
export const connectors: Record<ExchangeKind, Connector> = {
  ncmec: ncmecConnector,
  stopncii: stopnciiConnector,
  'tech-against-terrorism': tatConnector,
  threatexchange: threatExchangeConnector,
  file: fileConnector,
  custos: custosConnector,
}
