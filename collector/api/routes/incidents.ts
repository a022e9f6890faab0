/** GET /api/v1/incidents: open ones first, newest first. */
import Type from 'typebox';
import type { IncidentState } from '../../fold/model.ts';
import { readIncidentCursor, writeIncidentCursor } from '../cursor.ts';
import { INCIDENT_STATES } from '../incident-schemas.ts';
import type { IncidentView } from '../incident-view.ts';
import { Cursor, failures, HostId, Limit, pageOf, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

const Query = Type.Object(
  {
    state: Type.Optional(
      Type.Array(Type.Unsafe<IncidentState>({ type: 'string', enum: [...INCIDENT_STATES] }), {
        maxItems: INCIDENT_STATES.length,
        description:
          'Only incidents in this state; may be given several times. Without it all but candidates.',
      }),
    ),
    host: Type.Optional(HostId),
    since: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only incidents detected at or after this log time, microseconds since the Unix epoch.',
      }),
    ),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

/** What is listed unless it is said otherwise: a candidate may be nothing. */
const LISTED = INCIDENT_STATES.filter((state) => state !== 'candidate');

export function incidentsRoute(app: ApiServer, { reader }: ApiContext): void {
  app.get(
    '/api/v1/incidents',
    {
      schema: {
        operationId: 'listIncidents',
        summary: 'Incidents, open ones first',
        tags: ['incidents'],
        querystring: Query,
        response: {
          200: pageOf(
            'incidents',
            ref<IncidentView>('Incident'),
            'Open ones first, then those that are over: each by time of detection, newest first.',
          ),
          ...failures(400, 500),
        },
      },
    },
    async (request) => {
      const { state = LISTED, host, since, limit, cursor } = request.query;
      const { items, next } = reader.listIncidents({
        limit,
        states: state,
        ...(host !== undefined && { host }),
        ...(since !== undefined && { sinceUs: since }),
        ...(cursor !== undefined && { after: readIncidentCursor(cursor) }),
      });
      return { incidents: items, next_cursor: next && writeIncidentCursor(next) };
    },
  );
}
