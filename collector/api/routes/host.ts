/** GET /api/v1/hosts/:id */
import Type from 'typebox';
import type { HostView } from '../../fold/model.ts';
import { ApiError } from '../errors.ts';
import { failures, HostId, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

export function hostRoute(app: ApiServer, { reader }: ApiContext): void {
  app.get(
    '/api/v1/hosts/:id',
    {
      schema: {
        operationId: 'getHost',
        summary: 'A host',
        tags: ['hosts'],
        params: Type.Object({ id: HostId }),
        response: { 200: { ...ref<HostView>('Host'), description: 'The host.' }, ...failures(400, 404, 500) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const host = reader.getHost(id);
      if (host) return host;
      throw new ApiError(
        'host_not_found',
        `no host ${id} has reported: start its agent, or look in /api/v1/hosts for how it is named`,
      );
    },
  );
}
