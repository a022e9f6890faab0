/** The collector's HTTP API: puts the routes on a server and listens. What it answers comes from the reader. */
import swagger from '@fastify/swagger';
import { type Blobs, type Clock, systemClock } from '@netfall/log';
import type { Logger } from 'pino';
import type { ReplicaStatus } from '../status.ts';
import { IncidentStream, STREAM_LIMITS, type StreamLimits } from './incident-stream.ts';
import { listen, parseAddress } from './listen.ts';
import type { Metrics } from './metrics.ts';
import { OPENAPI } from './openapi.ts';
import { operatorCheck } from './operator.ts';
import type { Reader } from './reader.ts';
import { changesRoutes } from './routes/changes.ts';
import { crashRoute } from './routes/crash.ts';
import { crashGroupsRoutes } from './routes/crash-groups.ts';
import { crashLogRoute } from './routes/crash-log.ts';
import { crashesRoute } from './routes/crashes.ts';
import { decisionsRoutes } from './routes/decisions.ts';
import { explainRoutes } from './routes/explain.ts';
import { healthzRoute } from './routes/healthz.ts';
import { hostRoute } from './routes/host.ts';
import { hostsRoute } from './routes/hosts.ts';
import { incidentRoute } from './routes/incident.ts';
import { incidentsRoute } from './routes/incidents.ts';
import { metricsRoute } from './routes/metrics.ts';
import { openapiRoute } from './routes/openapi.ts';
import { pageRoutes } from './routes/page.ts';
import { readyzRoute } from './routes/readyz.ts';
import { silencesRoutes } from './routes/silences.ts';
import { streamRoute } from './routes/stream.ts';
import { summaryRoute } from './routes/summary.ts';
import { switchesRoutes } from './routes/switches.ts';
import { SHARED_SCHEMAS } from './schemas.ts';
import { type AppendEntry, type ChangeSwitches, createServer } from './server.ts';

export interface ApiOptions {
  readonly reader: Reader;
  /** Where logs of crashes are. */
  readonly evidence: Pick<Blobs, 'get'>;
  /** Asked at each request that needs it. */
  status(): ReplicaStatus;
  /** HOST:PORT; port 0 takes a free one. */
  readonly listen?: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  readonly streamLimits?: StreamLimits;
  readonly changeSwitches: ChangeSwitches;
  readonly append: AppendEntry;
  /** Whoever changes something has to know it; without one, changes are taken from this machine only. */
  readonly operatorToken?: string;
}

export interface Api {
  /** Where it listens, e.g. "http://127.0.0.1:7070". */
  readonly url: string;
  /** Ends streams, answers what is under way and lets go of the port. */
  close(): Promise<void>;
}

export const DEFAULT_LISTEN = '127.0.0.1:7070';

/** Starts the API. Rejects with ListenError when the address is wrong or taken. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { reader, evidence, metrics, status } = options;
  const address = parseAddress(options.listen ?? DEFAULT_LISTEN);
  const clock = options.clock ?? systemClock;
  const server = createServer(options.logger, metrics);
  const stream = new IncidentStream(reader, clock, metrics, options.streamLimits ?? STREAM_LIMITS);
  const { changeSwitches, append, operatorToken } = options;
  const admit = operatorCheck(operatorToken);
  const context = { reader, evidence, metrics, status, stream, admit, changeSwitches, append, clock };

  for (const schema of SHARED_SCHEMAS) server.addSchema(schema);
  await server.register(swagger, OPENAPI);
  // Only routes that are added after it are described by it.
  for (const route of ROUTES) route(server, context);
  server.addHook('preClose', async () => stream.close());
  try {
    const url = await listen(server, address);
    return { url, close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}

const ROUTES = [
  incidentsRoute,
  incidentRoute,
  decisionsRoutes,
  silencesRoutes,
  changesRoutes,
  crashesRoute,
  crashGroupsRoutes,
  crashRoute,
  crashLogRoute,
  hostsRoute,
  hostRoute,
  summaryRoute,
  switchesRoutes,
  explainRoutes,
  streamRoute,
  openapiRoute,
  metricsRoute,
  healthzRoute,
  readyzRoute,
  pageRoutes,
];
