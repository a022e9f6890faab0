/** GET /healthz: whether the process is alive. Asks nothing of the replica: one that is behind must not be killed. */
import Type from 'typebox';
import type { ApiServer } from '../server.ts';

export function healthzRoute(app: ApiServer): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        tags: ['operation'],
        response: { 200: Type.Object({ alive: Type.Literal(true) }, { description: 'It is.' }) },
      },
    },
    async () => ({ alive: true as const }),
  );
}
