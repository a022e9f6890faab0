/**
 * The JSON that the API serves, as schemas: what answers are written by and what /openapi.json shows. They say the same
 * as fold/model.ts and incident-view.ts; schemas.test.ts holds the two together. Crashes have theirs in crash-schemas.ts.
 */
import { type Flow, LIMITS } from '@netfall/proto';
import Type, { type TArray, type TInteger, type TSchema, type TUnsafe } from 'typebox';
import type {
  DropSignal,
  HostView,
  Incident,
  IncidentHost,
  IncidentSample,
  IncidentState,
} from '../fold/model.ts';
import { MOST_SAMPLES } from '../fold/samples.ts';
import { CRASH_SCHEMAS } from './crash-schemas.ts';
import { ErrorBody } from './errors.ts';
import { ExplanationSchema } from './explanation.ts';
import { REGISTER_SCHEMAS } from './register-schemas.ts';
import { count, HostId, micros, oneOf, ref, text } from './schema-parts.ts';
import type { SwitchView } from './switch-view.ts';

export { HostId, ref } from './schema-parts.ts';

export const INCIDENT_STATES = [
  'candidate',
  'firing',
  'acknowledged',
  'resolving',
  'resolved',
  'closed',
] as const satisfies readonly IncidentState[];
export const HOST_STATUSES = [
  'live',
  'silent',
  'stopped',
  'conflict',
] as const satisfies readonly HostView['status'][];
const SEVERITIES = ['info', 'warning', 'critical'] as const satisfies readonly Incident['severity'][];
const SOURCE_STATES = ['ok', 'degraded', 'unavailable', 'off', 'unknown'] as const;

/** The names of incidents, crashes and signatures in requests, and cursors. */
export const IncidentId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'An incident.' });
export const CrashId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'A crash.' });
export const Signature = Type.String({
  pattern: '^\\d{1,10}:[0-9a-f]{16}$',
  description: 'A signature of crashes, as their readings have it.',
});
export const Cursor = Type.String({
  minLength: 1,
  maxLength: 512,
  description: '`next_cursor` of the page before, as it was given.',
});
export const Limit = Type.Integer({
  minimum: 1,
  maximum: 1000,
  default: 100,
  description: 'The most items that the page may hold. It may hold fewer and still have a next page.',
});

export const DropSignalSchema = Type.Object(
  {
    kind: oneOf(['drop'], 'The kind of trouble.'),
    reason: text("The kernel's name for why, without SKB_DROP_REASON_, e.g. NO_SOCKET."),
    function: text('The kernel function that dropped the packets; empty when it could not be resolved.'),
  },
  { $id: 'DropSignal', description: 'A class of trouble on one host.' },
);

export const IncidentHostSchema = Type.Object(
  {
    host_id: text('The host.'),
    hostname: text('Its name.'),
    first_us: micros('Log time at which it became affected.'),
    last_us: micros('Log time at which it was last seen affected.'),
    active: Type.Boolean({ description: 'Whether it is affected now.' }),
    events: count('Events while affected.'),
    peak_rate: count('The highest rate, events a second.'),
    baseline_rate: count("What the host's own baseline expected, events a second."),
  },
  { $id: 'IncidentHost', description: 'A host in an incident.' },
);

const AuditEntrySchema = Type.Object(
  {
    at_us: micros('Log time.'),
    event: text('What happened, e.g. fired, joined, resolving, resolved.'),
    detail: text('More about it, for people.'),
  },
  { $id: 'AuditEntry', description: "A step in an incident's life." },
);

const FlowSchema = Type.Object(
  {
    source: text('An address; a MAC address when there is no network header. Empty when it is not known.'),
    source_port: count('0 where there is none.'),
    destination: text('As source.'),
    destination_port: count('As source_port.'),
    protocol: text('The uppermost that was recognised; a tunnel when it carries the next flow, e.g. VXLAN.'),
    detail: text('TCP flags or the type of an ICMP message, e.g. SYN.'),
    vlans: Type.Array(Type.Integer({ minimum: 0 }), { description: 'The outermost first.' }),
    tunnel_id: count("The tunnel's VNI, key or session; 0 where there is none."),
  },
  { $id: 'Flow', description: 'Who talks to whom at one depth of tunnels.' },
);

export const IncidentSampleSchema = Type.Object(
  {
    host_id: text('The host that dropped it.'),
    hostname: text('Its name.'),
    at_us: micros('Log time of the report that it came in.'),
    interface: text('The interface that it came by, or was to leave by; empty when that is not known.'),
    namespace: text("Empty for the host's own network, else a pod's, a container's or a namespace's name."),
    length: count('How long it was, bytes.'),
    flows: Type.Array(ref<Flow>('Flow'), {
      description:
        'Who talked to whom, the outermost first: one, and one more for each tunnel; the last three.',
    }),
  },
  { $id: 'IncidentSample', description: 'A packet that a host dropped, as a specimen.' },
);

export const IncidentSchema = Type.Object(
  {
    id: text('Stable, and the same on every replica.'),
    fingerprint: text("The signal's class; a later incident of the same one is a regression."),
    version: count('Grows with every change of this incident: of two copies the higher one is newer.'),
    state: oneOf(INCIDENT_STATES, 'Where it is in its life.'),
    severity: oneOf(SEVERITIES, 'How bad it is.'),
    title: text('One sentence: what and where.'),
    meaning: text("What the signal's reason means, in a sentence."),
    explain: text(
      'Where this API tells more of the reason, with likely causes and mends; empty when the catalog does not have it.',
    ),
    signal: ref<DropSignal>('DropSignal'),
    started_us: micros("When the trouble began by the hosts' reports."),
    detected_us: micros('When it was noticed, in log time.'),
    last_us: micros('When there was trouble last, in log time: its end, once no host is affected.'),
    resolved_us: micros('When it was resolved, which takes some quiet and the hold-down; 0 until then.'),
    hosts: Type.Array(ref<IncidentHost>('IncidentHost'), {
      description: 'By id, up to the configured number.',
    }),
    hosts_total: count('All of them, those that are not listed too.'),
    samples: Type.Array(ref<IncidentSample>('IncidentSample'), {
      description: `Dropped packets, by host: the newest of each of the first ${MOST_SAMPLES} hosts that sent any.`,
    }),
    regression_of: text('The resolved incident that this one repeats; empty when there is none.'),
    audit: Type.Array(ref<Incident['audit'][number]>('AuditEntry'), { description: 'Oldest first.' }),
  },
  { $id: 'Incident', description: 'One trouble, on one host or many.' },
);

const SourceSchema = Type.Object(
  {
    name: text('The source.'),
    state: oneOf(SOURCE_STATES, 'How well it works.'),
    detail: text('What works, or what is missing.'),
    mend: text('What to do about it; empty when nothing is missing.'),
  },
  { $id: 'Source', description: "What one of the agent's sources can do." },
);

const LossSchema = Type.Object(
  {
    source: text('The source that lost something, or "spool".'),
    hop: text('Where in it.'),
    count: count('How many.'),
  },
  { $id: 'Loss', description: 'A row of the loss ledger: what is known to be missing from the numbers.' },
);

export const HostSchema = Type.Object(
  {
    host_id: text('The host, as its agent names it.'),
    hostname: text('Its name.'),
    status: oneOf(
      HOST_STATUSES,
      '`silent`: no message for three intervals and no goodbye. `conflict`: two agents claim this host.',
    ),
    first_seen_us: micros('Log time of its first message.'),
    last_seen_us: micros('Log time of its newest message.'),
    agent_version: text("Its agent's version."),
    boot_id: text("The kernel's boot id."),
    incarnation: text("The agent's spool."),
    attributes: Type.Record(Type.String(), Type.String(), {
      description: 'What explanations are made of: kernel, image, nic, rack, …',
    }),
    addresses: Type.Array(Type.String(), { description: 'Global addresses, IPv4 and IPv6.' }),
    sources: Type.Array(ref<HostView['sources'][number]>('Source')),
    losses: Type.Array(ref<HostView['losses'][number]>('Loss'), {
      description: 'Totals since the host was first seen.',
    }),
    spool_messages: count('Messages that its agent has not delivered yet.'),
    messages_lost: count('Messages that it numbered and that never came.'),
  },
  { $id: 'Host', description: 'A host, as its agent reports it.' },
);

export const SummarySchema = Type.Object(
  {
    counted_us: micros("When the hosts were counted, by this collector's clock."),
    hosts: Type.Object(
      Object.fromEntries(HOST_STATUSES.map((status) => [status, count(`Hosts that are ${status}.`)])),
    ),
    incidents: Type.Object(
      Object.fromEntries(INCIDENT_STATES.map((state) => [state, count(`Incidents that are ${state}.`)])),
    ),
    sources: Type.Array(
      Type.Object({
        name: text('The source.'),
        hosts: Type.Object(
          Object.fromEntries(
            SOURCE_STATES.map((state) => [state, count(`Hosts that report, on which it is ${state}.`)]),
          ) as Record<(typeof SOURCE_STATES)[number], TInteger>,
        ),
      }),
      { description: 'By name.' },
    ),
    losses: Type.Array(ref<HostView['losses'][number]>('Loss'), {
      description: 'Over all hosts, those that were forgotten too.',
    }),
    messages_lost: count('Messages that hosts numbered and that never came.'),
  },
  { $id: 'Summary', description: 'The fleet in numbers.' },
);

const label = Type.String({ maxLength: LIMITS.string });
const LabelsSchema = Type.Unsafe<Record<string, string>>({
  ...Type.Record(Type.String({ pattern: '^[a-z0-9_.-]{1,64}$' }), label, { additionalProperties: false }),
  maxProperties: LIMITS.switchLabels,
  description:
    'It is also off on hosts that carry all of these. With neither hosts nor labels: on every host.',
});

export const SwitchSchema = Type.Object(
  {
    source: Type.String({ minLength: 1, maxLength: LIMITS.string, description: 'The source.' }),
    until_us: micros('When it is on again, at most 14 days from now.'),
    hosts: Type.Array(HostId, {
      maxItems: LIMITS.switchHosts,
      description: 'The hosts on which it is off.',
    }),
    labels: LabelsSchema,
    why: Type.String({ maxLength: LIMITS.string, description: 'Why, for people.' }),
    by: Type.String({ maxLength: LIMITS.string, description: 'Who switched it off.' }),
  },
  { $id: 'Switch', additionalProperties: false, description: 'A source that an operator switched off.' },
);

export const SwitchesSchema = Type.Object(
  {
    version: count('The entry of the log that says so; 0 before the first. To be sent back with a change.'),
    by: Type.String({ maxLength: LIMITS.string, description: 'Who changed them last.' }),
    switches: Type.Array(ref<SwitchView>('Switch'), {
      maxItems: LIMITS.switches,
      description: 'All that are in force, in no particular order.',
    }),
  },
  { $id: 'Switches', additionalProperties: false, description: 'The sources that are switched off.' },
);

export const ReadinessSchema = Type.Object(
  {
    ready: Type.Literal(true),
    replica: text('The replica that answers.'),
    cell: text('The cell that it folds.'),
    sequence: count('The last entry of the log that is folded.'),
    last_sequence: count('The last entry that the log is known to hold.'),
    log_time_us: micros('Log time.'),
    lag_ms: count('How far log time is behind the wall clock, ms.'),
  },
  { $id: 'Readiness', description: 'Where the replica stands.' },
);

/** Everything that other schemas and answers refer to. */
export const SHARED_SCHEMAS: readonly TSchema[] = [
  ErrorBody,
  DropSignalSchema,
  IncidentHostSchema,
  AuditEntrySchema,
  FlowSchema,
  IncidentSampleSchema,
  IncidentSchema,
  ...CRASH_SCHEMAS,
  ...REGISTER_SCHEMAS,
  SourceSchema,
  LossSchema,
  HostSchema,
  SummarySchema,
  SwitchSchema,
  SwitchesSchema,
  ExplanationSchema,
  ReadinessSchema,
];

/** A page of a list whose items are named `name`. */
export function pageOf<const Name extends string, T>(name: Name, item: TUnsafe<T>, description: string) {
  const list = { [name]: Type.Array(item, { description }) } as Record<Name, TArray<TUnsafe<T>>>;
  const next = Type.Union([Type.String(), Type.Null()], {
    description: 'Ask with it for the next page; null at the end.',
  });
  return Type.Object({ ...list, next_cursor: next }, { description: 'A page of a list.' });
}

/** The answers that any request may get besides its own. */
export function failures<const Statuses extends readonly number[]>(...statuses: Statuses) {
  const described: Record<number, string> = {
    400: 'The request is wrong; the message says where.',
    401: 'An operator’s token is needed.',
    403: 'Changes are not accepted from there.',
    404: 'There is no such thing.',
    409: 'Somebody else was first.',
    500: 'The collector failed; its log says why.',
    502: 'What was found is not what it should be.',
    503: 'Not now; the message says what is waited for.',
  };
  return Object.fromEntries(
    statuses.map((status) => [status, { ...ref('Error'), description: described[status] ?? 'It failed.' }]),
  );
}
