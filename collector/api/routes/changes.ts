/** GET and POST /api/v1/changes: changes in the fleet that somebody announced. */
import { randomBytes } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { LONGEST_AHEAD_US } from '../../fold/changes.ts';
import { type ChangeView, labelsOf } from '../change-view.ts';
import { readRegisterCursor, writeRegisterCursor } from '../cursor.ts';
import { ApiError } from '../errors.ts';
import { record } from '../record.ts';
import { type AnnouncementSchema, TAKEN } from '../register-schemas.ts';
import { Cursor, failures, Limit, pageOf, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

const Query = Type.Object(
  {
    since: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only changes that began at or after this log time, microseconds since the Unix epoch.',
      }),
    ),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

const Announced = Type.Object(
  { id: Type.String({ description: 'The change.' }), ...TAKEN },
  { description: 'The log has it.' },
);

export function changesRoutes(app: ApiServer, context: ApiContext): void {
  const { reader, admit, clock } = context;
  app.get(
    '/api/v1/changes',
    {
      schema: {
        operationId: 'listChanges',
        summary: 'Announced changes, those that began last first',
        tags: ['operators'],
        querystring: Query,
        response: {
          200: pageOf('changes', ref<ChangeView>('Change'), 'By when they began, newest first.'),
          ...failures(400, 500),
        },
      },
    },
    async (request) => {
      const { since, limit, cursor } = request.query;
      const { items, next } = reader.registers.listChanges({
        limit,
        ...(since !== undefined && { sinceUs: since }),
        ...(cursor !== undefined && { after: readRegisterCursor(cursor) }),
      });
      return { changes: items, next_cursor: next && writeRegisterCursor(next) };
    },
  );

  app.post(
    '/api/v1/changes',
    {
      schema: {
        operationId: 'announceChange',
        summary: 'Announce a change',
        description:
          'For tools that deploy, and people. What is announced again under the same id replaces what was announced. ' +
          'Needs the operator’s token, or, where none is configured, a connection from the same machine.',
        tags: ['operators'],
        body: ref<Static<typeof AnnouncementSchema>>('Announcement'),
        response: { 202: Announced, ...failures(400, 401, 403, 500, 503) },
      },
      onRequest: async (request) => admit(request),
    },
    async (request, reply) => {
      const { id = `c-${randomBytes(6).toString('hex')}`, attributes, ...rest } = request.body;
      if (rest.at_us > clock.nowUs() + LONGEST_AHEAD_US) {
        throw new ApiError(
          'invalid_request',
          'at_us is over a day from now: announce the change when it begins; the unit is microseconds',
        );
      }
      const change = { id, attributes: labelsOf(attributes), ...rest };
      const sequence = await record(context, { change });
      request.log.info(`change ${id} announced by ${rest.by || 'somebody'}`);
      return reply.code(202).send({ id, sequence });
    },
  );
}
