/** The HTTP server that the routes are put on: its limits, the headers and the error format that all of them share. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Blobs, Clock } from '@netfall/log';
import type { Switches } from '@netfall/proto';
import Fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { OperatorEntry } from '../appender.ts';
import type { ReplicaStatus } from '../status.ts';
import { ApiError, toApiError } from './errors.ts';
import type { IncidentStream } from './incident-stream.ts';
import type { Metrics } from './metrics.ts';
import type { Reader } from './reader.ts';

/** What routes answer from. */
export interface ApiContext {
  readonly reader: Reader;
  /** Where logs of crashes are. */
  readonly evidence: Pick<Blobs, 'get'>;
  readonly stream: IncidentStream;
  readonly metrics: Metrics;
  status(): ReplicaStatus;
  /** Checks that a request comes from an operator. Throws ApiError. */
  readonly admit: (request: FastifyRequest) => void;
  changeSwitches: ChangeSwitches;
  append: AppendEntry;
  readonly clock: Clock;
}

/** Appends another set of switches behind the entry `seen`; false when another one came first. Rejects without the log. */
export type ChangeSwitches = (switches: Switches, seen: number) => Promise<boolean>;

/** Appends what somebody told; resolves with the entry's sequence. Rejects without the log. */
export type AppendEntry = (entry: OperatorEntry) => Promise<number>;

export type ApiServer = ReturnType<typeof createServer>;

/** Streams last for hours: their duration says nothing about how fast requests are answered. */
const STREAM_ROUTE = '/api/v1/stream';

/** Answers hold facts about machines: no other site may frame, sniff or read them. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

export function createServer(logger: Logger, metrics: Metrics) {
  const log = logger.child({ component: 'api' });
  const server = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    requestTimeout: 10_000,
    keepAliveTimeout: 30_000,
    routerOptions: { maxParamLength: 128 },
    http: { maxHeaderSize: 16 * 1024, headersTimeout: 10_000 },
    forceCloseConnections: true,
    // An unknown or ill-typed parameter is a mistake of the caller's, not something to pass over.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array', useDefaults: true } },
    frameworkErrors(error, _request, reply: unknown) {
      const answer = toApiError(error);
      (reply as FastifyReply).code(answer.status).headers(SECURITY_HEADERS).send(answer.body);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  server.server.maxConnections = 1024;

  // This is what curl -d says of whatever it sends.
  server.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    server.getDefaultJsonParser('error', 'error'),
  );
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
  });
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    if (route === STREAM_ROUTE) return;
    metrics.requestAnswered(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
  });
  server.setErrorHandler((error, request, reply) => {
    const answer = toApiError(error);
    if (answer.code === 'internal') {
      log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed');
    }
    return reply.code(answer.status).send(answer.body);
  });
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]?.slice(0, 100);
    const answer = new ApiError(
      'not_found',
      `nothing answers ${request.method} ${path}: /openapi.json lists what there is`,
    );
    return reply.code(answer.status).send(answer.body);
  });
  return server;
}
