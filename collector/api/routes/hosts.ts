/** GET /api/v1/hosts: by id. */
import Type from 'typebox';
import type { HostView } from '../../fold/model.ts';
import { readHostCursor, writeHostCursor } from '../cursor.ts';
import { Cursor, failures, HOST_STATUSES, Limit, pageOf, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

const Query = Type.Object(
  {
    status: Type.Optional(
      Type.Unsafe<HostView['status']>({
        type: 'string',
        enum: [...HOST_STATUSES],
        description: 'Only hosts with this status.',
      }),
    ),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

export function hostsRoute(app: ApiServer, { reader }: ApiContext): void {
  app.get(
    '/api/v1/hosts',
    {
      schema: {
        operationId: 'listHosts',
        summary: 'Hosts, by id',
        tags: ['hosts'],
        querystring: Query,
        response: { 200: pageOf('hosts', ref<HostView>('Host'), 'By id.'), ...failures(400, 500) },
      },
    },
    async (request) => {
      const { status, limit, cursor } = request.query;
      const { items, next } = reader.listHosts({
        limit,
        ...(status !== undefined && { status }),
        ...(cursor !== undefined && { after: readHostCursor(cursor) }),
      });
      return { hosts: items, next_cursor: next === null ? null : writeHostCursor(next) };
    },
  );
}
