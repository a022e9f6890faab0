/**
 * The configuration that affects the fold. It is part of every epoch: two replicas fold by the same numbers, and a
 * change takes effect at one place in the log. Everything is an integer.
 */
import Type from 'typebox';

const strict = { additionalProperties: false, default: {} };

export const DetectConfig = Type.Object(
  {
    floor_per_s: Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000,
      default: 1,
      description:
        'A drop signal is trouble above what the catalog calls alarming, but at least this many events a second, plus `factor` times what is usual.',
    }),
    factor: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 4,
      description:
        'How many times what is usual on the host, scaled by its traffic, is added to `floor_per_s`.',
    }),
    sustain_ms: Type.Integer({
      minimum: 0,
      maximum: 600_000,
      default: 3000,
      description: 'How long it must last, ms.',
    }),
    quiet_ms: Type.Integer({
      minimum: 1000,
      maximum: 3_600_000,
      default: 30_000,
      description: 'How long it must stay below half the threshold before the host counts as recovered, ms.',
    }),
    learn_s: Type.Integer({
      minimum: 10,
      maximum: 864_000,
      default: 600,
      description:
        'Time constant of the baseline, s. In trouble nothing is learned: it does not become usual by lasting.',
    }),
  },
  strict,
);

export const IncidentConfig = Type.Object(
  {
    hold_down_s: Type.Integer({
      minimum: 1,
      maximum: 86_400,
      default: 60,
      description: 'How long an incident without affected hosts waits before it is resolved, s.',
    }),
    close_after_s: Type.Integer({
      minimum: 1,
      maximum: 31_536_000,
      default: 86_400,
      description: 'How long after its resolution an incident is closed, s.',
    }),
    max_hosts: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 500,
      description: 'Hosts that an incident lists; more are counted.',
    }),
    crash_quiet_s: Type.Integer({
      minimum: 10,
      maximum: 86_400,
      default: 600,
      description: 'How long after its last crash an incident of crashes begins to resolve, s.',
    }),
    runbook: Type.String({
      pattern: '^(https?://[^\\s<>|"]+)?$',
      maxLength: 500,
      default: '',
      description:
        'Where to read what to do about an incident, a URL; `{signal}` in it becomes the drop reason or the counter, or `crash`, `silence` or `backlog`.',
    }),
    history: Type.Integer({
      minimum: 10,
      maximum: 100_000,
      default: 1000,
      description: 'Resolved and closed incidents that are kept; those resolved longest ago go first.',
    }),
  },
  strict,
);

export const CorrelateConfig = Type.Object(
  {
    chance_ppm: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 2000,
      description:
        'How many of a million hosts are in trouble of one kind at any moment by chance. What hosts share has to explain more than that.',
    }),
    alone_s: Type.Integer({
      minimum: 0,
      maximum: 3600,
      default: 20,
      description:
        'Trouble of hosts that have nothing in common is told of once it has lasted this many seconds for each e-fold of the fleet beyond `small_fleet`: 28 s in a fleet of 40, 92 s in one of 1000.',
    }),
    small_fleet: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 10,
      description: 'In a fleet of up to so many hosts trouble of a single one is told of at once.',
    }),
  },
  strict,
);

export const CrashesConfig = Type.Object(
  {
    history: Type.Integer({
      minimum: 10,
      maximum: 10_000,
      default: 2000,
      description: 'Crashes that are kept; those noticed longest ago go first.',
    }),
    records_per_host: Type.Integer({
      minimum: 10,
      maximum: 100_000,
      default: 1000,
      description:
        'Records of crashes that are kept of one agent, its own host’s and those it heard; its oldest go first.',
    }),
  },
  strict,
);

export const LimitsConfig = Type.Object(
  {
    hosts: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 200_000,
      description: 'Hosts that the cell may have; messages of further ones are rejected and counted.',
    }),
    forget_host_s: Type.Integer({
      minimum: 60,
      maximum: 31_536_000,
      default: 604_800,
      description: 'How long after its last message a host that is silent or stopped is forgotten, s.',
    }),
    signals_per_host: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 64,
      description: 'Drop signals that are followed on a host; the quietest gives way to a new one.',
    }),
    open_incidents: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 1000,
      description: 'Incidents that may be open at once; what would open a further one is counted.',
    }),
  },
  strict,
);

export const FoldConfig = Type.Object(
  {
    detect: DetectConfig,
    correlate: CorrelateConfig,
    incident: IncidentConfig,
    crashes: CrashesConfig,
    limits: LimitsConfig,
    sinks: Type.Array(Type.String(), { default: [], description: 'Names of the sinks that are told.' }),
  },
  strict,
);
export type FoldConfig = Type.Static<typeof FoldConfig>;

/** What the fold goes by until the log's first epoch. Part of the fold's version: changing it is a new version. */
export const INITIAL_CONFIG: FoldConfig = {
  detect: { floor_per_s: 1, factor: 4, sustain_ms: 3000, quiet_ms: 30_000, learn_s: 600 },
  correlate: { chance_ppm: 2000, alone_s: 20, small_fleet: 10 },
  incident: {
    ...{ hold_down_s: 60, close_after_s: 86_400, max_hosts: 500, crash_quiet_s: 600 },
    ...{ runbook: '', history: 1000 },
  },
  crashes: { history: 2000, records_per_host: 1000 },
  limits: { hosts: 200_000, forget_host_s: 604_800, signals_per_host: 64, open_incidents: 1000 },
  sinks: [],
};

/** One text for one configuration: keys sorted at every level. Its SHA-256 is the epoch's config_digest. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
