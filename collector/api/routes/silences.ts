/** GET and POST /api/v1/silences, DELETE /api/v1/silences/:id: trouble that nobody is to be told of for a time. */
import { randomBytes } from 'node:crypto';
import type { Matcher } from '@netfall/proto';
import Type, { type Static } from 'typebox';
import { readRegisterCursor, writeRegisterCursor } from '../cursor.ts';
import { ApiError } from '../errors.ts';
import { record } from '../record.ts';
import { type NewSilenceSchema, SAID, TAKEN } from '../register-schemas.ts';
import { Cursor, failures, Limit, pageOf, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';
import {
  coverageOf,
  matcherOf,
  SILENCE_STATES,
  type SilenceState,
  type SilenceView,
} from '../silence-view.ts';

const Query = Type.Object(
  {
    state: Type.Optional(
      Type.Array(Type.Unsafe<SilenceState>({ type: 'string', enum: [...SILENCE_STATES] }), {
        maxItems: SILENCE_STATES.length,
        description: 'Only silences in this state; may be given several times.',
      }),
    ),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

const Made = Type.Object(
  {
    id: Type.String({ description: 'The silence, to end it by.' }),
    ...TAKEN,
    hosts: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: 'Hosts that it covers now; null when it says nothing of hosts.',
    }),
    incidents: Type.Integer({
      minimum: 0,
      description: 'Open incidents that it covers now, with all hosts that are affected.',
    }),
  },
  { description: 'The log has it.' },
);

/** What is planned further ahead is a slip in a unit or a year. */
const FURTHEST_US = 366 * 86_400_000_000;

export function silencesRoutes(app: ApiServer, context: ApiContext): void {
  const { reader, admit, clock } = context;
  app.get(
    '/api/v1/silences',
    {
      schema: {
        operationId: 'listSilences',
        summary: 'Silences, those that were made last first',
        description: 'Those that are over are kept for seven days.',
        tags: ['operators'],
        querystring: Query,
        response: {
          200: pageOf('silences', ref<SilenceView>('Silence'), 'By when they were made, newest first.'),
          ...failures(400, 500),
        },
      },
    },
    async (request) => {
      const { state, limit, cursor } = request.query;
      const { items, next } = reader.registers.listSilences({
        limit,
        ...(state && { states: state }),
        ...(cursor !== undefined && { after: readRegisterCursor(cursor) }),
      });
      return { silences: items, next_cursor: next && writeRegisterCursor(next) };
    },
  );

  app.post(
    '/api/v1/silences',
    {
      schema: {
        operationId: 'makeSilence',
        summary: 'Silence trouble for a time',
        description:
          'It is found and shown all the same. Needs the operator’s token, or, where none is configured, a connection from ' +
          'the same machine.',
        tags: ['operators'],
        body: ref<Static<typeof NewSilenceSchema>>('NewSilence'),
        response: { 202: Made, ...failures(400, 401, 403, 500, 503) },
      },
      onRequest: async (request) => admit(request),
    },
    async (request, reply) => {
      const { matchers: texts, for_s, from_us, maintenance, by, comment } = request.body;
      const nowUs = clock.nowUs();
      const until_us = (from_us || nowUs) + for_s * 1_000_000;
      if (until_us <= nowUs)
        throw new ApiError('invalid_request', 'the silence would be over already: choose a later from_us');
      if (from_us > nowUs + FURTHEST_US) {
        throw new ApiError(
          'invalid_request',
          'from_us is over a year from now: make the silence later; the unit is microseconds',
        );
      }
      const id = `s-${randomBytes(6).toString('hex')}`;
      const matchers = texts.map(readMatcher);
      const silence = { id, matchers, from_us, until_us, maintenance };
      const sequence = await record(context, { command: { by, comment, silence } });
      request.log.info(`silence ${id} (${texts.join(', ')}) made by ${by || 'somebody'} for ${for_s} s`);
      return reply.code(202).send({ id, sequence, ...(await coverageOf(reader, matchers)) });
    },
  );

  app.delete(
    '/api/v1/silences/:id',
    {
      schema: {
        operationId: 'endSilence',
        summary: 'End a silence before its time',
        description:
          'Needs the operator’s token, or, where none is configured, a connection from the same machine.',
        tags: ['operators'],
        params: Type.Object({
          id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'A silence.' }),
        }),
        querystring: Type.Object(SAID, { additionalProperties: false }),
        response: {
          202: Type.Object(TAKEN, { description: 'The log has it.' }),
          ...failures(400, 401, 403, 404, 409, 500, 503),
        },
      },
      onRequest: async (request) => admit(request),
    },
    async (request, reply) => {
      const { id } = request.params;
      const { by, comment } = request.query;
      const silence = reader.registers.getSilence(id);
      if (!silence) {
        throw new ApiError(
          'silence_not_found',
          `there is no silence ${id}: /api/v1/silences lists those that are kept`,
        );
      }
      if (silence.state === 'over') throw new ApiError('conflict', `silence ${id} is over already`);
      const sequence = await record(context, { command: { by, comment, end_silence: { id } } });
      request.log.info(`silence ${id} ended by ${by || 'somebody'}`);
      return reply.code(202).send({ sequence });
    },
  );
}

function readMatcher(text: string): Matcher {
  const matcher = matcherOf(text);
  if (matcher) return matcher;
  throw new ApiError(
    'invalid_request',
    `${JSON.stringify(text.slice(0, 80))} is no matcher: write name=value or name!=value, with * for any text`,
  );
}
