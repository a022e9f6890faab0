/** GET /openapi.json */
import type { ApiServer } from '../server.ts';

export function openapiRoute(app: ApiServer): void {
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    return reply.type('application/json; charset=utf-8').send(app.swagger());
  });
}
