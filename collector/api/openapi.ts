/** What /openapi.json says besides the routes themselves. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

export const OPENAPI: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Netfall',
      version: '1',
      description:
        'Incidents, crashes, the hosts they are on, and what the collector knows of itself. Times are log time in microseconds ' +
        'since the Unix epoch. Every replica that has read the log as far gives the same answers.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This collector.' }],
    tags: [
      { name: 'incidents', description: 'What is wrong.' },
      { name: 'crashes', description: 'Kernels that died or were in trouble.' },
      { name: 'hosts', description: 'Who reports.' },
      { name: 'sources', description: 'What operators switch off.' },
      { name: 'operators', description: 'What operators and deployment tools say.' },
      { name: 'catalog', description: 'What the names of drops mean.' },
      { name: 'operation', description: 'The collector itself.' },
    ],
  },
  // Shared schemas keep their names; without this they are numbered.
  refResolver: {
    buildLocalReference: (json, _base, _fragment, index) =>
      typeof json['$id'] === 'string' ? json['$id'] : `schema-${index}`,
  },
};
