import { createHash } from 'node:crypto';
import { Validator } from '@seriousme/openapi-schema-validator';
import Schema from 'typebox/schema';
import { expect, test } from 'vitest';
import { aCrash, aHost, anIncident, aReading, startApi } from '../testing.ts';
import { aConsequence, aCrashIncident, anExplainedIncident } from '../testing-incidents.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: object }> }
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, unknown> };
}

test('is a valid OpenAPI 3.1 document', async () => {
  await using api = await startApi();
  const { status, body } = await api.get('/openapi.json');
  expect(status).toBe(200);
  const validator = new Validator();
  expect(await validator.validate(body as Record<string, unknown>)).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('describes every route and every shared schema', async () => {
  await using api = await startApi();
  const document = (await api.get('/openapi.json')).body as Document;
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths).sort()).toEqual([
    '/api/v1/changes',
    '/api/v1/crashes',
    '/api/v1/crashes/signatures',
    '/api/v1/crashes/signatures/preview',
    '/api/v1/crashes/{id}',
    '/api/v1/crashes/{id}/log',
    '/api/v1/explain',
    '/api/v1/explain/{name}',
    '/api/v1/hosts',
    '/api/v1/hosts/{id}',
    '/api/v1/incidents',
    '/api/v1/incidents/{id}',
    '/api/v1/incidents/{id}/acknowledge',
    '/api/v1/incidents/{id}/comment',
    '/api/v1/incidents/{id}/resolve',
    '/api/v1/silences',
    '/api/v1/silences/{id}',
    '/api/v1/stream',
    '/api/v1/summary',
    '/api/v1/switches',
    '/healthz',
    '/metrics',
    '/readyz',
  ]);
  expect(Object.keys(document.components.schemas).sort()).toEqual([
    'Acknowledgement',
    'Announcement',
    'AttributeValue',
    'AuditEntry',
    'Cause',
    'Change',
    'ChangeRef',
    'Crash',
    'CrashFrame',
    'CrashGroup',
    'CrashLog',
    'CrashMismatch',
    'CrashReading',
    'CrashRecord',
    'CrashShare',
    'Error',
    'Explanation',
    'Flow',
    'Host',
    'Incident',
    'IncidentExplanation',
    'IncidentHost',
    'IncidentSample',
    'LogHole',
    'LogReport',
    'Loss',
    'NewSilence',
    'Readiness',
    'RecordReading',
    'Rival',
    'Rollout',
    'Signal',
    'SignatureChange',
    'SignatureCount',
    'SignaturePreview',
    'Silence',
    'Source',
    'Summary',
    'Suppression',
    'Switch',
    'Switches',
    'Symptom',
  ]);
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    expect(operation.operationId).toMatch(/^[a-z]+[A-Z][A-Za-z]+$/);
    expect(operation.summary).not.toBe('');
    expect(operation.tags.length).toBeGreaterThan(0);
    for (const response of Object.values(operation.responses)) {
      expect(response.description).not.toBe('Default Response');
    }
  }
});

test('every reference leads somewhere, and parameters say what they are', async () => {
  await using api = await startApi();
  const { body } = await api.get('/openapi.json');
  const text = JSON.stringify(body);
  const document = body as Document;
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference!);
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) {
    const name = reference.replace('#/components/schemas/', '');
    expect(Object.keys(document.components.schemas)).toContain(name);
  }
});

test('answers are as it says', async () => {
  await using api = await startApi();
  const log = Buffer.from('[    1.000000] Kernel panic - not syncing: x\n');
  const digest = createHash('sha256').update(log).digest('hex');
  await api.evidence.put(`crash/${digest}`, [log]);
  api.database.commit({
    hosts: [aHost('web-1')],
    incidents: [anIncident(), anExplainedIncident(), aCrashIncident(), aConsequence()],
    crashes: [aCrash({}, { digest, parser_version: 1, reading: aReading(1) })],
  });
  const document = (await api.get('/openapi.json')).body as Document;
  const check = async (path: string, route: string, status: number) => {
    const answer = await api.get(path);
    expect(answer.status).toBe(status);
    const schema = document.paths[route]?.['get']?.responses[status]?.content?.['application/json']?.schema;
    expect(schema, `${route} ${status}`).toBeDefined();
    // The components come along for what the schema refers to.
    const whole = { ...schema, components: document.components };
    expect(Schema.Check(whole, answer.body), JSON.stringify(answer.body)).toBe(true);
    expect(Schema.Check(whole, { other: 1 })).toBe(false);
  };
  await check('/api/v1/incidents', '/api/v1/incidents', 200);
  await check('/api/v1/incidents?limit=0', '/api/v1/incidents', 400);
  await check('/api/v1/incidents/i100-0', '/api/v1/incidents/{id}', 200);
  await check('/api/v1/incidents/i4102-0', '/api/v1/incidents/{id}', 200);
  await check('/api/v1/incidents/i0-0', '/api/v1/incidents/{id}', 404);
  await check('/api/v1/crashes', '/api/v1/crashes', 200);
  await check('/api/v1/crashes?limit=0', '/api/v1/crashes', 400);
  await check('/api/v1/crashes/signatures', '/api/v1/crashes/signatures', 200);
  await check('/api/v1/crashes/signatures?limit=0', '/api/v1/crashes/signatures', 400);
  const preview = '/api/v1/crashes/signatures/preview';
  await check(`${preview}?version=2`, preview, 200);
  await check(`${preview}?version=9`, preview, 400);
  await check('/api/v1/crashes/c100-0', '/api/v1/crashes/{id}', 200);
  await check('/api/v1/crashes/c0-0', '/api/v1/crashes/{id}', 404);
  await check('/api/v1/crashes/c100-0/log?format=json', '/api/v1/crashes/{id}/log', 200);
  await check('/api/v1/crashes/c100-0/log?record=9', '/api/v1/crashes/{id}/log', 404);
  await check('/api/v1/hosts', '/api/v1/hosts', 200);
  await check('/api/v1/hosts/web-1', '/api/v1/hosts/{id}', 200);
  await check('/api/v1/summary', '/api/v1/summary', 200);
  await check('/api/v1/switches', '/api/v1/switches', 200);
  await check('/api/v1/explain/SOCKET_RCVBUFF', '/api/v1/explain/{name}', 200);
  await check('/api/v1/explain/nothing-like-it', '/api/v1/explain/{name}', 404);
  await check('/api/v1/explain?q=rcvbuf', '/api/v1/explain', 200);
  await check('/api/v1/explain', '/api/v1/explain', 400);
  await check('/healthz', '/healthz', 200);
  await check('/readyz', '/readyz', 200);
  api.setStatus({ ready: false, why: 'behind' });
  await check('/readyz', '/readyz', 503);
});
