/** GET /readyz: whether the replica has caught up, so that its answers are current. */
import type { Static } from 'typebox';
import { ApiError } from '../errors.ts';
import { failures, type ReadinessSchema, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

export function readyzRoute(app: ApiServer, { status }: ApiContext): void {
  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether the replica has caught up with the log',
        tags: ['operation'],
        response: {
          200: { ...ref<Static<typeof ReadinessSchema>>('Readiness'), description: 'It has.' },
          ...failures(503),
        },
      },
    },
    async () => {
      const { ready, why, replica, cell, sequence, lastSequence, logTimeUs, lagMs } = status();
      if (!ready) throw new ApiError('not_ready', why);
      return {
        ready: true as const,
        replica,
        cell,
        sequence,
        last_sequence: lastSequence,
        log_time_us: logTimeUs,
        lag_ms: lagMs,
      };
    },
  );
}
