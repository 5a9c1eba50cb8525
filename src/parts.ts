import type { Config } from './config.ts'
import type { Embedder } from './media/embedding.ts'
import { findVideoTools } from './media/ffmpeg.ts'

/** An optional part: whether it is on, and how to switch it on, or what it does. */
export type Part = { name: string; on: boolean; how: string }

function modelsPart(folder: string | undefined, { models, problems }: Embedder): Part {
  const problem = problems.length === 0 ? '' : `; ${problems.join('; ')}`
  return {
    name: 'models',
    on: models.length > 0,
    how:
      folder === undefined
        ? 'set CUSTOS_MODELS to a folder of ONNX models; docs/guides/models.md says what they need'
        : models.length === 0
          ? `no model of ${folder} can be used${problem}`
          : `${models.map(({ id, kind }) => `${id} for ${kind}s`).join(', ')}${problem}`,
  }
}

/** The optional parts, each looked for where the configuration says. */
export async function optionalParts(config: Config, embedder: Embedder): Promise<Part[]> {
  const tools = await findVideoTools(config.ffmpeg)
  return [
    {
      name: 'database',
      on: true,
      how:
        config.databaseUrl === undefined
          ? 'a private PostgreSQL 18 in the data folder'
          : 'the PostgreSQL at DATABASE_URL',
    },
    {
      name: 'ffmpeg',
      on: tools.ok,
      how: tools.ok
        ? `version ${tools.version}; videos and animated images are matched by vPDQ, sound by Chromaprint`
        : 'install it (apt-get install ffmpeg) or set FFMPEG to the program; photos and text work without it',
    },
    modelsPart(config.modelsDir, embedder),
    // Said as it is: a setting that is given and not used yet must not look as if it were.
    {
      name: 'brokers',
      on: false,
      how:
        config.kafkaBrokers.length === 0
          ? 'KAFKA_BROKERS will name a Kafka cluster; in this release events go through the database'
          : `this release cannot use ${config.kafkaBrokers.join(', ')} yet; events go through the database`,
    },
    ...(config.valkeyUrl === undefined
      ? []
      : [
          {
            name: 'shared features',
            on: false,
            how: 'this release cannot use VALKEY_URL yet; features live in this process',
          },
        ]),
    ...(config.oidc === undefined
      ? []
      : [
          {
            name: 'OIDC',
            on: false,
            how: 'this release cannot use CUSTOS_OIDC_* yet; staff sign in by link or password',
          },
        ]),
    {
      name: 'media by URL',
      on: config.mediaHosts.length > 0,
      how:
        config.mediaHosts.length > 0
          ? `from ${config.mediaHosts.join(', ')}`
          : 'set CUSTOS_MEDIA_HOSTS to the hosts that media may be fetched from; uploads always work',
    },
  ]
}
