/** GET /api/v1/stream: incidents as they change, as server-sent events. */
import type { OutgoingHttpHeaders } from 'node:http';
import Type from 'typebox';
import { ApiError } from '../errors.ts';
import { failures } from '../schemas.ts';
import type { ApiContext, ApiServer } from '../server.ts';

export function streamRoute(app: ApiServer, { stream, metrics }: ApiContext): void {
  app.get(
    '/api/v1/stream',
    {
      schema: {
        operationId: 'streamIncidents',
        summary: 'Incidents as they change',
        description:
          'Server-sent events. `incident` carries an Incident, whole, whenever it changed; of two copies the one with ' +
          'the higher version is newer. `reset` says that the client cannot be brought up to date from here: read ' +
          '/api/v1/incidents anew, then go on with the stream. Comments every 15 s show that the connection lives. A ' +
          'client that reads too slowly is disconnected; it comes back with Last-Event-ID.',
        tags: ['incidents'],
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({
              maxLength: 32,
              description:
                'The id of the last event that was seen: a log sequence. Browsers send it by themselves.',
            }),
          ),
        }),
        response: {
          200: {
            description: 'Events without end.',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
          ...failures(400, 503),
        },
      },
    },
    async (request, reply) => {
      if (stream.isFull) {
        metrics.streamEnded('refused');
        throw new ApiError(
          'too_many_streams',
          'too many event streams are open: close some, or ask another replica',
        );
      }
      const headers = reply.getHeaders() as OutgoingHttpHeaders;
      reply.hijack();
      reply.raw.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies that buffer would hold events back.
        'x-accel-buffering': 'no',
      });
      stream.add(reply.raw, lastSequence(request.headers['last-event-id']));
    },
  );
}

/** An id that this server cannot have given is as good as none. */
function lastSequence(id: string | undefined): number | null {
  if (id === undefined || !/^\d{1,16}$/.test(id)) return null;
  return Number(id);
}
