/** GET /metrics: for Prometheus. */
import Type from 'typebox';
import { failures } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

export function metricsRoute(app: ApiServer, { metrics: { registry } }: ApiContext): void {
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: "The collector's own metrics",
        tags: ['operation'],
        response: {
          200: {
            description: "Prometheus' text format.",
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...failures(500),
        },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
