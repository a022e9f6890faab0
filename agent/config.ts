/**
 * The agent's configuration: a JSON schema with defaults and descriptions, and its type. It describes; it must not know
 * where configuration comes from. Whoever reads a file validates it against this and names line and key.
 */
import { LogConfig } from '@netfall/log';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { maxLogBytes, relayKeys } from './relay/config.ts';

const strict = { additionalProperties: false } as const;
const section = { ...strict, default: {} } as const;

/** Left out, the source's own default holds (sources/index.ts). */
const enabled = (description: string) => Type.Optional(Type.Boolean({ description }));

const SourcesConfig = Type.Object(
  {
    'kfree-skb': Type.Object(
      {
        enabled: enabled('Count drops in the kernel with BPF. Default: true.'),
        max_entries: Type.Integer({
          default: 10_240,
          minimum: 64,
          maximum: 65_536,
          description:
            'Kinds of drops the kernel map has room for; what comes beyond is counted as map_overflow.',
        }),
        samples: Type.Boolean({
          default: true,
          description: 'Let one packet of a kind, a CPU and a second through, to show what is dropped.',
        }),
        namespaces: Type.Union([Type.Literal('all'), Type.Literal('own')], {
          default: 'all',
          description:
            "Whose drops are counted: those of all network namespaces, or only those of the agent's own, for one that speaks for a container.",
        }),
        max_cpu_percent: Type.Integer({
          default: 20,
          minimum: 1,
          maximum: 100,
          description:
            'What the program may take of one processor, percent; above it the source detaches itself for a minute.',
        }),
      },
      section,
    ),
    'drop-monitor': Type.Object(
      {
        enabled: enabled(
          "Count drops by the kernel's drop monitor: hardware's, and all where BPF cannot. Default: true.",
        ),
        mode: Type.Union([Type.Literal('auto'), Type.Literal('packet'), Type.Literal('summary')], {
          default: 'auto',
          description:
            'Whether the kernel sends each dropped packet, or sums drops up by function, which is cheaper and tells no reason; auto is packet.',
        }),
        truncation: Type.Integer({
          default: 128,
          minimum: 64,
          maximum: 65_535,
          description: 'Bytes that are copied of a dropped packet; 128 hold the headers.',
        }),
        queue_length: Type.Integer({
          default: 1000,
          minimum: 1,
          maximum: 100_000,
          description:
            'Dropped packets that may wait on each CPU; what comes beyond is counted as queue_full.',
        }),
        hardware: Type.Boolean({
          default: true,
          description: 'Count the drops that devices tell of through devlink traps as well.',
        }),
        receive_buffer_bytes: Type.Integer({
          default: 8 * 1024 * 1024,
          minimum: 64 * 1024,
          maximum: 256 * 1024 * 1024,
          description: 'What may wait for the agent to read it; what comes beyond is counted as socket_full.',
        }),
        samples: Type.Boolean({
          default: true,
          description: 'Keep the first packet of a kind and a second, to show what is dropped.',
        }),
        max_cpu_percent: Type.Integer({
          default: 20,
          minimum: 1,
          maximum: 100,
          description:
            'What reading alerts may take of one processor, percent; above it the source gives the monitor back for a minute.',
        }),
      },
      section,
    ),
    counters: Type.Object(
      {
        enabled: enabled('Read the counters under /proc/net. Default: true.'),
        period_s: Type.Integer({
          default: 5,
          minimum: 1,
          maximum: 60,
          description: 'How often they are read at rest, seconds; every second while drops move.',
        }),
      },
      section,
    ),
    kmsg: Type.Object(
      {
        enabled: enabled("Report the running kernel's own oopses, lockups and warnings. Default: true."),
        max_records_per_hour: Type.Integer({
          default: 10,
          minimum: 1,
          maximum: 1000,
          description:
            'Crashes of each kind of trouble that are reported in an hour; what begins beyond is counted as rate_limited.',
        }),
      },
      section,
    ),
    pstore: Type.Object(
      { enabled: enabled('Report crashes that firmware or memory kept over the reboot. Default: true.') },
      section,
    ),
    'vmcore-dmesg': Type.Object(
      {
        enabled: enabled('Report crashes whose logs kdump saved. Default: true.'),
        folder: Type.String({
          default: '/var/crash',
          minLength: 1,
          description: 'Where kdump saves to: path of kdump.conf, KDUMP_COREDIR of kdump-tools.',
        }),
      },
      section,
    ),
    netoops: Type.Object(
      {
        ...relayKeys(2004, 'netoops', 32),
        max_log_bytes: maxLogBytes(
          'The longest log of a dump; datagrams of longer ones are counted as too_long.',
          4,
        ),
      },
      section,
    ),
    netconsole: Type.Object(
      {
        ...relayKeys(6666, 'netconsole', 16),
        max_log_bytes: maxLogBytes('What is kept of one crash, with what was said before it.', 1),
        context_bytes: Type.Integer({
          default: 8 * 1024,
          minimum: 2048,
          maximum: 1024 * 1024,
          description: 'What is kept of a host while all is well, to tell what was before a crash.',
        }),
      },
      section,
    ),
  },
  { ...section, description: 'One key a source; docs/sources has a page for each.' },
);

const SpoolConfig = Type.Object(
  {
    max_messages: Type.Integer({
      default: 20_000,
      minimum: 16,
      maximum: 10_000_000,
      description: 'Unacknowledged messages kept; beyond it the oldest are evicted and counted.',
    }),
    max_bytes: Type.Integer({
      default: 64 * 1024 * 1024,
      minimum: 1024 * 1024,
      maximum: 64 * 1024 ** 3,
      description: 'Bytes of unacknowledged messages kept; beyond it the oldest are evicted and counted.',
    }),
  },
  { ...section, description: 'What is kept on disk while the log cannot be reached.' },
);

const EvidenceConfig = Type.Object(
  {
    max_logs: Type.Integer({
      default: 1024,
      minimum: 1,
      maximum: 100_000,
      description: 'Logs of crashes kept; beyond it the oldest are evicted and counted.',
    }),
    max_bytes: Type.Integer({
      default: 64 * 1024 * 1024,
      minimum: 1024 * 1024,
      maximum: 64 * 1024 ** 3,
      description: 'Bytes of these logs kept; beyond it the oldest are evicted and counted.',
    }),
  },
  { ...section, description: "What is kept on disk until the log's evidence has it: the logs of crashes." },
);

const ReportConfig = Type.Object(
  {
    interval_s: Type.Integer({
      default: 10,
      minimum: 1,
      maximum: 300,
      description: 'Time between messages at rest, seconds.',
    }),
    wide_interval_s: Type.Integer({
      default: 30,
      minimum: 1,
      maximum: 600,
      description: 'Time between messages while acknowledgements are slow or the spool fills, seconds.',
    }),
    max_samples: Type.Integer({
      default: 16,
      minimum: 0,
      maximum: 64,
      description: 'Dropped packets that a message carries as samples, at most one of a reason and function.',
    }),
    max_drops: Type.Integer({
      default: 512,
      minimum: 1,
      maximum: 1024,
      description:
        'Kinds of drops a message lists; the rest is folded into "other", so that totals stay exact.',
    }),
    new_signature_events: Type.Integer({
      default: 5,
      minimum: 1,
      description: 'Drops of a reason and function not seen before that are reported at once.',
    }),
    jump_factor: Type.Number({
      default: 4,
      minimum: 1.1,
      description: 'A rate that grew this many times over is reported at once …',
    }),
    jump_rate: Type.Number({
      default: 50,
      minimum: 0,
      description: '… if it is above this many events a second.',
    }),
  },
  { ...section, description: 'How much is said, and how often.' },
);

/** What the agent can be told. Every key has a default but `host_id` and `log.nats`. */
export const AgentConfig = Type.Object(
  {
    cell: Type.String({
      default: 'default',
      pattern: '^[A-Za-z0-9_-]{1,64}$',
      description: 'The cell whose log this host reports to.',
    }),
    host_id: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{1,64}$',
        description: 'Names the host in the log; by default its host name with "-" for other characters.',
      }),
    ),
    labels: Type.Record(Type.String(), Type.String({ maxLength: 256 }), {
      default: {},
      propertyNames: Type.String({ pattern: '^[a-z0-9_.-]{1,64}$' }),
      maxProperties: 64,
      description: 'What explanations may be made of besides what the host knows itself: rack, zone, pool, …',
    }),
    log: LogConfig,
    data: Type.String({
      default: '/var/lib/netfall',
      minLength: 1,
      description: 'The folder for the spool and for evidence.',
    }),
    count_drops_with: Type.Union(
      [Type.Literal('auto'), Type.Literal('kfree-skb'), Type.Literal('drop-monitor')],
      {
        default: 'auto',
        description:
          'The source that counts the drops of software; auto is kfree-skb where it works, else drop-monitor.',
      },
    ),
    sources: SourcesConfig,
    spool: SpoolConfig,
    evidence: EvidenceConfig,
    report: ReportConfig,
  },
  { ...strict, title: 'Netfall agent', description: 'Configuration of netfall agent.' },
);
export type AgentConfig = Static<typeof AgentConfig>;

/** Fills in every default. Throws a TypeError that names the first key that is wrong. */
export function completeConfig(input: unknown): AgentConfig {
  const config = Value.Default(AgentConfig, Value.Clone(input));
  if (Value.Check(AgentConfig, config)) return config;
  const [error] = Value.Errors(AgentConfig, config);
  const where = error?.instancePath || '/';
  const what = error?.message === 'schema is false' ? 'is not a key of it' : (error?.message ?? 'is wrong');
  throw new TypeError(`agent configuration: ${where} ${what}`);
}
