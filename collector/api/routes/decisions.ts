/** POST /api/v1/incidents/:id/acknowledge, resolve and comment: what operators decide about an incident. */
import type { Command } from '@netfall/proto';
import { LIMITS } from '@netfall/proto';
import Type from 'typebox';
import { isOpen } from '../../fold/incident.ts';
import { ApiError } from '../errors.ts';
import { record } from '../record.ts';
import { SAID, TAKEN } from '../register-schemas.ts';
import { failures, IncidentId } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

const Params = Type.Object({ id: IncidentId });
const Decision = Type.Object(SAID, { additionalProperties: false });
const Remark = Type.Object(
  {
    by: SAID.by,
    comment: Type.String({ minLength: 1, maxLength: LIMITS.comment, description: 'What there is to say.' }),
  },
  { additionalProperties: false },
);
const Taken = Type.Object(TAKEN, { description: 'The log has it.' });

interface Kind {
  readonly field: 'acknowledge' | 'resolve' | 'comment_on';
  readonly operationId: string;
  readonly summary: string;
  readonly body: typeof Decision | typeof Remark;
}

const KINDS: Readonly<Record<string, Kind>> = {
  acknowledge: {
    field: 'acknowledge',
    operationId: 'acknowledgeIncident',
    summary: 'Say that somebody takes care of an incident',
    body: Decision,
  },
  resolve: {
    field: 'resolve',
    operationId: 'resolveIncident',
    summary: 'Say that an incident is over',
    body: Decision,
  },
  comment: {
    field: 'comment_on',
    operationId: 'commentIncident',
    summary: 'Say something about an incident',
    body: Remark,
  },
};

export function decisionsRoutes(app: ApiServer, context: ApiContext): void {
  const { reader, admit } = context;
  for (const [path, { field, operationId, summary, body }] of Object.entries(KINDS)) {
    app.post(
      `/api/v1/incidents/:id/${path}`,
      {
        schema: {
          operationId,
          summary,
          description:
            'Needs the operator’s token, or, where none is configured, a connection from the same machine.',
          tags: ['incidents'],
          params: Params,
          body,
          response: { 202: Taken, ...failures(400, 401, 403, 404, 409, 500, 503) },
        },
        onRequest: async (request) => admit(request),
        // There need not be anything to say besides.
        preValidation: async (request) => {
          request.body ??= { by: '', comment: '' };
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { by, comment } = request.body;
        const incident = reader.getIncident(id);
        if (!incident) {
          throw new ApiError(
            'incident_not_found',
            `there is no incident ${id}: /api/v1/incidents lists those that are kept`,
          );
        }
        if (field !== 'comment_on' && incident.state === 'candidate')
          throw new ApiError('conflict', `incident ${id} is a candidate: nobody was told of it yet`);
        if (field !== 'comment_on' && !isOpen(incident))
          throw new ApiError('conflict', `incident ${id} is ${incident.state} already`);
        const command: Command = { by, comment, [field]: { incident_id: id } };
        const sequence = await record(context, { command });
        request.log.info(`incident ${id}: ${path} by ${by || 'somebody'}`);
        return reply.code(202).send({ sequence });
      },
    );
  }
}
