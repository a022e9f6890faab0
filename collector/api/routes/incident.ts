/** GET /api/v1/incidents/:id */
import Type from 'typebox';
import { ApiError } from '../errors.ts';
import type { IncidentView } from '../incident-view.ts';
import { failures, IncidentId, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

export function incidentRoute(app: ApiServer, { reader }: ApiContext): void {
  app.get(
    '/api/v1/incidents/:id',
    {
      schema: {
        operationId: 'getIncident',
        summary: 'An incident',
        tags: ['incidents'],
        params: Type.Object({ id: IncidentId }),
        response: {
          200: { ...ref<IncidentView>('Incident'), description: 'The incident.' },
          ...failures(400, 404, 500),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const incident = reader.getIncident(id);
      if (incident) return incident;
      throw new ApiError(
        'incident_not_found',
        `there is no incident ${id}: /api/v1/incidents lists those that are kept`,
      );
    },
  );
}
