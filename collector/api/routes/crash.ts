/** GET /api/v1/crashes/:id */
import Type from 'typebox';
import type { Crash } from '../../fold/model.ts';
import { ApiError } from '../errors.ts';
import type { Reader } from '../reader.ts';
import { CrashId, failures, ref } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

export function crashRoute(app: ApiServer, { reader }: ApiContext): void {
  app.get(
    '/api/v1/crashes/:id',
    {
      schema: {
        operationId: 'getCrash',
        summary: 'A crash',
        description: 'Also by the id of a crash that turned out to be this one.',
        tags: ['crashes'],
        params: Type.Object({ id: CrashId }),
        response: {
          200: { ...ref<Crash>('Crash'), description: 'The crash.' },
          ...failures(400, 404, 500),
        },
      },
    },
    async (request) => crashOr404(reader, request.params.id),
  );
}

/** Throws ApiError `crash_not_found`. */
export function crashOr404(reader: Reader, id: string): Crash {
  const crash = reader.crashes.get(id);
  if (crash) return crash;
  throw new ApiError('crash_not_found', `there is no crash ${id}: /api/v1/crashes lists those that are kept`);
}
