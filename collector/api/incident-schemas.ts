/** Incidents as schemas: the same as fold/model.ts and incident-view.ts say; schemas.test.ts holds them together. */
import type { Flow } from '@netfall/proto';
import Type, { type TSchema } from 'typebox';
import type {
  AttributeValue,
  Cause,
  Explanation,
  Incident,
  IncidentHost,
  IncidentSample,
  IncidentState,
  Rival,
  Severity,
  Signal,
  Suppression,
  Symptom,
} from '../fold/model.ts';
import { MOST_SAMPLES } from '../fold/samples.ts';
import { count, micros, oneOf, ref, text } from './schema-parts.ts';

export const INCIDENT_STATES = [
  'candidate',
  'firing',
  'acknowledged',
  'resolving',
  'resolved',
  'closed',
  'merged',
] as const satisfies readonly IncidentState[];
const SEVERITIES = ['info', 'warning', 'critical'] as const satisfies readonly Severity[];
const ORDERS = ['before', 'concurrent'] as const satisfies readonly Cause['order'][];
const SUPPRESSORS = ['silence', 'maintenance', 'incident'] as const satisfies readonly Suppression['by'][];

const ids = (description: string) => Type.Array(Type.String(), { description });

export const SignalSchema = Type.Union(
  [
    Type.Object({
      kind: oneOf(['drop'], 'The kernel drops packets.'),
      reason: text("The kernel's name for why, without SKB_DROP_REASON_, e.g. NO_SOCKET."),
      function: text('The kernel function that dropped them; empty when it could not be resolved.'),
    }),
    Type.Object({
      kind: oneOf(['counter'], 'A counter of losses grows that no drop event shows.'),
      counter: text('E.g. rx_missed_errors.'),
    }),
    Type.Object({
      kind: oneOf(['crash'], 'Kernels die or are in trouble.'),
      signature: text('Of the bug; empty while no log was read.'),
      title: text('What happened, and where; the line that began it while no log was read.'),
    }),
    Type.Object({ kind: oneOf(['silence'], 'Hosts say nothing any more, and said no goodbye.') }),
    Type.Object({ kind: oneOf(['backlog'], 'Hosts send what they could not send for long: history.') }),
  ],
  { $id: 'Signal', description: 'A class of trouble on one host.' },
);

const SymptomSchema = Type.Object(
  {
    signal: ref<Signal>('Signal'),
    severity: oneOf(SEVERITIES, 'How bad it is.'),
    first_us: micros('Log time at which it was noticed in this incident first.'),
    hosts_total: count(
      'Hosts that had it, each time that they became affected beyond those that are listed.',
    ),
  },
  { $id: 'Symptom', description: 'One of the kinds of trouble that an incident consists of.' },
);

export const IncidentHostSchema = Type.Object(
  {
    host_id: text('The host; empty while nobody knows which one crashed.'),
    hostname: text('Its name, or the address that its crash was heard from.'),
    first_us: micros('Log time at which it became affected.'),
    last_us: micros('Log time at which it was last seen affected.'),
    active: Type.Boolean({ description: 'Whether it is affected now.' }),
    events: count('Events while affected.'),
    peak_rate: count('The highest rate, events a second, of the symptom that has most.'),
    baseline_rate: count("What the host's own baseline expected, events a second."),
    crashes: count('How often its kernel crashed, in this incident.'),
  },
  { $id: 'IncidentHost', description: 'A host in an incident.' },
);

const AttributeValueSchema = Type.Object(
  { attribute: text('E.g. rack, kernel, nic.'), value: text('That hosts have of it.') },
  { $id: 'AttributeValue', description: 'An attribute and the value that hosts have of it.' },
);
const attributeValue = ref<AttributeValue>('AttributeValue');

const RivalSchema = Type.Object(
  {
    items: Type.Array(attributeValue, { description: 'All of them.' }),
    covered: count('Hosts that have all of the items.'),
    affected: count('How many of these were affected.'),
    without: ids("Up to three hosts of the explanation that lack the rival's items."),
    beyond: ids("Up to three hosts of the rival that lack the explanation's items."),
  },
  { $id: 'Rival', description: 'What would explain it nearly as well, and hosts that tell the two apart.' },
);

const IncidentExplanationSchema = Type.Object(
  {
    items: Type.Array(attributeValue, { description: 'All of them; none: it is the whole fleet.' }),
    equivalents: Type.Array(Type.Array(attributeValue), {
      description: 'Other sets of values that exactly the same hosts have.',
    }),
    covered: count('Hosts that have all of the items.'),
    affected: count('How many of these were affected at most at once.'),
    others: count('All other hosts, the control group.'),
    others_affected: count('How many of these were affected then.'),
    support_ppm: count('Of all affected hosts, those that it covers: millionths.'),
    lift_milli: count('How many times likelier trouble is among its hosts than in the fleet: thousandths.'),
    risk_ratio_milli: count('The same against all other hosts, with half a host added to each: thousandths.'),
    likelihood_milli: count('By how much it is likelier than chance: thousandths of a nat.'),
    changed_us: micros(
      'Log time at which the last of its hosts came to have the items; 0 if that was not seen.',
    ),
    rivals: Type.Array(ref<Rival>('Rival'), {
      description: 'Sets of values that explain it nearly as well.',
    }),
  },
  {
    $id: 'IncidentExplanation',
    description:
      'What hosts in trouble have in common, and how well that explains which hosts are in trouble.',
  },
);

const CauseSchema = Type.Object(
  {
    incident_id: text('The incident that this one comes of.'),
    host_id: text("The host, dead or silent, that this incident's packets were for."),
    hostname: text('Its name.'),
    order: oneOf(
      ORDERS,
      '`before`: the cause began earlier, beyond what clocks and reports may err. `concurrent`: that is not known.',
    ),
    gap_us: Type.Integer({
      description: 'How much later this one began; negative when earlier. Microseconds.',
    }),
    error_us: count('How far off the gap may be, microseconds.'),
  },
  { $id: 'Cause', description: 'Another incident that this one comes of.' },
);

const ChangeRefSchema = Type.Object(
  {
    id: text('The change.'),
    summary: text('What was changed.'),
    at_us: micros('When it was.'),
  },
  { $id: 'ChangeRef', description: 'An announced change that fits an incident: its hosts, and its time.' },
);

const RolloutSchema = Type.Object(
  {
    attribute: text('kernel, image, firmware or microcode.'),
    value: text('The value that is new.'),
    since_us: micros('Log time at which the host that crashed first came to it.'),
  },
  {
    $id: 'Rollout',
    description: 'What hosts came to shortly before a crash that was never seen without it.',
  },
);

const AcknowledgementSchema = Type.Object(
  {
    by: text('Who takes care of it.'),
    at_us: micros('Since when, log time.'),
    comment: text('What there was to say.'),
  },
  { $id: 'Acknowledgement', description: 'That somebody takes care of it.' },
);

const SuppressionSchema = Type.Object(
  {
    by: oneOf(SUPPRESSORS, 'What keeps people from hearing of it.'),
    id: text("The silence's, or the incident's."),
  },
  { $id: 'Suppression', description: 'Why nobody is told of an incident.' },
);

const AuditEntrySchema = Type.Object(
  {
    at_us: micros('Log time.'),
    event: text('What happened, e.g. fired, joined, acknowledged, resolved.'),
    by: text('Who did it; empty for what happened by itself.'),
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

const orNull = <T>(id: string, description: string) => Type.Union([ref<T>(id), Type.Null()], { description });

export const IncidentSchema = Type.Object(
  {
    id: text('Stable, and the same on every replica.'),
    fingerprint: text(
      "The first signal's class and what its hosts have in common; one that fires again later is a regression.",
    ),
    version: count('Grows with every change of this incident: of two copies the higher one is newer.'),
    state: oneOf(INCIDENT_STATES, 'Where it is in its life.'),
    severity: oneOf(SEVERITIES, 'How bad it is.'),
    title: text('One line: what and where.'),
    sentence: text('What is wrong, where, and what explains it, with the numbers: some sentences.'),
    next_check: text(
      'The cheapest observation that would tell explanations apart; empty where there is one alone.',
    ),
    meaning: text('What the first signal means, in a sentence.'),
    explain: text(
      'Where this API tells more of the signal, with likely causes and mends; empty when the catalog does not have it.',
    ),
    signal: ref<Signal>('Signal'),
    symptoms: Type.Array(ref<Symptom>('Symptom'), {
      description: 'The first signal and all that came with it, in the order in which they were noticed.',
    }),
    started_us: micros("When the trouble began by the hosts' reports."),
    detected_us: micros('When it fired, in log time; 0 while it is a candidate.'),
    last_us: micros('When there was trouble last, in log time: its end, once no host is affected.'),
    resolved_us: micros('When it was resolved, which takes some quiet and the hold-down; 0 until then.'),
    hosts: Type.Array(ref<IncidentHost>('IncidentHost'), {
      description: 'By id, up to the configured number.',
    }),
    hosts_total: count('All of them, those that are not listed too.'),
    fleet: count('The most hosts there were in the fleet while it went on.'),
    explanation: orNull<Explanation>(
      'IncidentExplanation',
      'What its hosts have in common; null while nothing is known that they do.',
    ),
    unexplained: Type.Object(
      {
        total: count('How many there are.'),
        hosts: ids('Some of them.'),
      },
      {
        description: 'Hosts with the first signal that it does not explain and that no other incident holds.',
      },
    ),
    changes: Type.Array(ref<Incident['changes'][number]>('ChangeRef'), {
      description: 'Announced changes that fit, the newest first.',
    }),
    rollout: orNull<NonNullable<Incident['rollout']>>(
      'Rollout',
      'Of crashes that were first seen on a new kernel, image or the like, that; else null.',
    ),
    loops: ids('Hosts that crash again and again.'),
    cause: orNull<Cause>('Cause', 'What it comes of; null when nothing is known that it does.'),
    consequences: ids('Incidents that come of this one.'),
    acknowledged: orNull<NonNullable<Incident['acknowledged']>>('Acknowledgement', 'Null while nobody did.'),
    suppressed: orNull<Suppression>('Suppression', 'Null while people are told of it.'),
    regression_of: text('The resolved incident that this one repeats; empty when there is none.'),
    merged_into: text('The incident that this one turned out to be; empty unless it is merged.'),
    late: Type.Object(
      {
        reports: count('How many.'),
        events: count('What they tell of.'),
      },
      { description: 'What came of it later: reports over ten minutes old by their own stamps.' },
    ),
    runbook: text('Where to read what to do; empty when nowhere.'),
    samples: Type.Array(ref<IncidentSample>('IncidentSample'), {
      description: `Dropped packets, by host: the newest of each of the first ${MOST_SAMPLES} hosts that sent any.`,
    }),
    audit: Type.Array(ref<Incident['audit'][number]>('AuditEntry'), { description: 'Oldest first.' }),
  },
  { $id: 'Incident', description: 'One trouble, on one host or many.' },
);

export const INCIDENT_SCHEMAS: readonly TSchema[] = [
  SignalSchema,
  SymptomSchema,
  IncidentHostSchema,
  AttributeValueSchema,
  RivalSchema,
  IncidentExplanationSchema,
  CauseSchema,
  ChangeRefSchema,
  RolloutSchema,
  AcknowledgementSchema,
  SuppressionSchema,
  AuditEntrySchema,
  FlowSchema,
  IncidentSampleSchema,
  IncidentSchema,
];
