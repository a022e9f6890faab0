/** GET /api/v1/crashes: newest first. */
import Type from 'typebox';
import type { Crash } from '../../fold/model.ts';
import { readCrashCursor, writeCrashCursor } from '../cursor.ts';
import { Cursor, failures, HostId, Limit, pageOf, ref, Signature } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

const Query = Type.Object(
  {
    host: Type.Optional(HostId),
    source: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        description: 'Only crashes that this source has something of, e.g. netconsole.',
      }),
    ),
    signature: Type.Optional(Signature),
    unread: Type.Optional(
      Type.Boolean({
        description:
          'Only crashes without a signature, whatever `signature` says: their logs were not read, or tell of none.',
      }),
    ),
    since: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only crashes at or after this log time, microseconds since the Unix epoch.',
      }),
    ),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

export function crashesRoute(app: ApiServer, { reader }: ApiContext): void {
  app.get(
    '/api/v1/crashes',
    {
      schema: {
        operationId: 'listCrashes',
        summary: 'Crashes, newest first',
        tags: ['crashes'],
        querystring: Query,
        response: {
          200: pageOf('crashes', ref<Crash>('Crash'), 'By the moment of the crash, newest first.'),
          ...failures(400, 500),
        },
      },
    },
    async (request) => {
      const { host, source, signature, unread, since, limit, cursor } = request.query;
      const { items, next } = reader.crashes.list({
        limit,
        ...(host !== undefined && { host }),
        ...(source !== undefined && { source }),
        ...(signature !== undefined && { signature }),
        ...(unread === true && { signature: '' }),
        ...(since !== undefined && { sinceUs: since }),
        ...(cursor !== undefined && { after: readCrashCursor(cursor) }),
      });
      return { crashes: items, next_cursor: next && writeCrashCursor(next) };
    },
  );
}
