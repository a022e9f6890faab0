/**
 * The JSON that the API serves, as schemas: what answers are written by and what /openapi.json shows. They say the same
 * as fold/model.ts; schemas.test.ts holds the two together. Incidents have theirs in incident-schemas.ts, crashes in
 * crash-schemas.ts.
 */
import { LIMITS } from '@netfall/proto';
import Type, { type TArray, type TInteger, type TSchema, type TUnsafe } from 'typebox';
import type { HostView } from '../fold/model.ts';
import { CRASH_SCHEMAS } from './crash-schemas.ts';
import { ErrorBody } from './errors.ts';
import { ExplanationSchema } from './explanation.ts';
import { INCIDENT_SCHEMAS, INCIDENT_STATES } from './incident-schemas.ts';
import { REGISTER_SCHEMAS } from './register-schemas.ts';
import { count, HostId, micros, oneOf, ref, text } from './schema-parts.ts';
import type { SwitchView } from './switch-view.ts';

export { HostId, ref } from './schema-parts.ts';

export const HOST_STATUSES = [
  'live',
  'silent',
  'stopped',
  'conflict',
] as const satisfies readonly HostView['status'][];
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
  ...INCIDENT_SCHEMAS,
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
