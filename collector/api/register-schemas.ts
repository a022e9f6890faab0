/**
 * Announced changes and silences as schemas: what answers are written by, what is taken, and what /openapi.json shows.
 * schemas.test.ts holds them and the views together.
 */
import { LIMITS } from '@netfall/proto';
import Type from 'typebox';
import { count, HostId, micros, oneOf, text } from './schema-parts.ts';
import { SILENCE_STATES } from './silence-view.ts';

const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' });
const Kind = { pattern: '^[a-z0-9_.-]{1,64}$', description: 'E.g. deployment, firmware, kernel, sysctl.' };
const AttributesSchema = Type.Unsafe<Record<string, string>>({
  ...Type.Record(Type.String({ pattern: '^[a-z0-9_.-]{1,64}$' }), Type.String({ maxLength: LIMITS.string }), {
    additionalProperties: false,
  }),
  maxProperties: LIMITS.changeAttributes,
  description:
    'What the hosts have in common that it concerns: all of these. With neither attributes nor hosts: all hosts.',
});

/** What stands in everything that somebody tells. */
export const SAID = {
  by: Type.String({ maxLength: LIMITS.string, default: '', description: 'Who says so.' }),
  comment: Type.String({ maxLength: LIMITS.comment, default: '', description: 'Why, for people.' }),
};

/** The answer to everything that is told. */
export const TAKEN = {
  sequence: count('The entry of the log that says so. It is in force once the fold has come to it.'),
};

export const ChangeSchema = Type.Object(
  {
    id: text('What is announced again under the same one replaces what was announced.'),
    kind: text(Kind.description),
    summary: text('One sentence for people.'),
    at_us: micros('When it began, or is to begin, in log time.'),
    announced_us: micros('When it was announced, in log time.'),
    attributes: Type.Record(Type.String(), Type.String(), {
      description: 'What the hosts have in common that it concerns.',
    }),
    hosts: Type.Array(Type.String(), { description: 'The hosts that it concerns, where they are named.' }),
    by: text('Who announced it.'),
    url: text('Where to read more; empty when nowhere.'),
  },
  { $id: 'Change', description: 'A change in the fleet that somebody announced.' },
);

export const AnnouncementSchema = Type.Object(
  {
    id: Type.Optional({
      ...Id,
      description: 'Give one, and announcing it twice does no harm. One is made up without.',
    }),
    kind: Type.String({ ...Kind, default: 'deployment' }),
    summary: Type.String({
      minLength: 1,
      maxLength: LIMITS.comment,
      description: 'One sentence for people.',
    }),
    at_us: Type.Integer({
      minimum: 0,
      maximum: LIMITS.timeUs,
      default: 0,
      description:
        'When it began, or is to begin, at most a day from now, microseconds since the Unix epoch; 0: now.',
    }),
    attributes: { ...AttributesSchema, default: {} },
    hosts: Type.Array(HostId, {
      maxItems: LIMITS.changeHosts,
      default: [],
      description: 'The hosts that it concerns, where they are known by name.',
    }),
    by: SAID.by,
    url: Type.String({ maxLength: LIMITS.string, default: '', description: 'Where to read more.' }),
  },
  { $id: 'Announcement', additionalProperties: false, description: 'A change that is announced.' },
);

export const SilenceSchema = Type.Object(
  {
    id: text('The silence.'),
    state: oneOf(SILENCE_STATES, 'Whether it holds, by log time.'),
    matchers: Type.Array(Type.String(), {
      description: 'What it is about: all of them have to fit. Each is name=value or name!=value.',
    }),
    from_us: micros('When it begins, in log time.'),
    until_us: micros('When it ends by itself.'),
    maintenance: Type.Boolean({ description: 'Planned work, and no verdict on an alert.' }),
    by: text('Who made it.'),
    comment: text('Why.'),
    created_us: micros('When it was made, in log time.'),
    ended_us: micros('When somebody ended it before its time; 0 when nobody did.'),
    ended_by: text('Who did.'),
    ended_comment: text('Why.'),
  },
  { $id: 'Silence', description: 'Trouble that nobody is told of for a time.' },
);

const LONGEST_S = 30 * 86_400;

export const NewSilenceSchema = Type.Object(
  {
    matchers: Type.Array(Type.String({ maxLength: 2 + 64 + LIMITS.string }), {
      minItems: 1,
      maxItems: LIMITS.matchers,
      description:
        'What it is about: all of them have to fit. Each is name=value or name!=value, where * in the value stands for any ' +
        'text. incident, fingerprint, kind, severity, reason, function and signature are of an incident; host is a host’s ' +
        'id or name; any other name is a host’s attribute.',
    }),
    for_s: Type.Integer({
      minimum: 1,
      maximum: LONGEST_S,
      description: 'How long it holds, seconds, at most 30 days.',
    }),
    from_us: Type.Integer({
      minimum: 0,
      maximum: LIMITS.timeUs,
      default: 0,
      description: 'When it begins, at most a year from now, microseconds since the Unix epoch; 0: now.',
    }),
    maintenance: Type.Boolean({
      default: false,
      description: 'It is planned work, and no verdict on an alert.',
    }),
    ...SAID,
  },
  { $id: 'NewSilence', additionalProperties: false, description: 'A silence that is to be made.' },
);

export const REGISTER_SCHEMAS = [ChangeSchema, AnnouncementSchema, SilenceSchema, NewSilenceSchema];
