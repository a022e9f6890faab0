/** What a collector can be told. The parts that affect the fold become part of the log's epochs. */
import { LogConfig } from '@netfall/log';
import Type from 'typebox';
import { DEFAULT_LISTEN } from './api/api.ts';
import {
  CorrelateConfig,
  CrashesConfig,
  DetectConfig,
  type FoldConfig,
  IncidentConfig,
  LimitsConfig,
} from './fold/config.ts';
import { NotifyConfig } from './notify/config.ts';

export const CollectorConfig = Type.Object(
  {
    cell: Type.String({
      default: 'default',
      pattern: '^[A-Za-z0-9_-]{1,64}$',
      description: 'The cell whose log this collector folds.',
    }),
    data: Type.String({
      default: '/var/lib/netfall-collector',
      minLength: 1,
      description: "The folder for the replica's database; each collector needs its own.",
    }),
    listen: Type.String({
      default: DEFAULT_LISTEN,
      minLength: 1,
      description: 'HOST:PORT of API and page.',
    }),
    public_url: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description: 'Where people reach the page; messages link to it.',
      }),
    ),
    log: LogConfig,
    detect: DetectConfig,
    correlate: CorrelateConfig,
    incident: IncidentConfig,
    crashes: CrashesConfig,
    limits: LimitsConfig,
    notify: NotifyConfig,
    api: Type.Object(
      {
        operator_token_file: Type.Optional(
          Type.String({
            minLength: 1,
            description:
              'A file whose first line whoever changes something has to know; without it changes are taken from this machine only.',
          }),
        ),
      },
      { additionalProperties: false, default: {} },
    ),
    snapshot_every_s: Type.Integer({
      default: 600,
      minimum: 10,
      maximum: 86_400,
      description: 'How often the collector that delivers notifications takes a snapshot, s.',
    }),
    retain_s: Type.Integer({
      default: 3600,
      minimum: 60,
      maximum: 31_536_000,
      description: 'How long snapshots, and the log behind them, are kept, s.',
    }),
  },
  {
    additionalProperties: false,
    title: 'Netfall collector',
    description: 'Configuration of netfall collector.',
  },
);
export type CollectorConfig = Type.Static<typeof CollectorConfig>;

/** The part of it that the fold goes by. */
export function foldConfig({
  detect,
  correlate,
  incident,
  crashes,
  limits,
  notify,
}: CollectorConfig): FoldConfig {
  return { detect, correlate, incident, crashes, limits, sinks: notify.map(({ name }) => name).sort() };
}
