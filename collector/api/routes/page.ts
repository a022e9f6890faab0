/** The page at `/`, the files that it is made of, and what the words of crashes mean: read once at the start. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crashTypes, SURVIVED, taints } from '@netfall/crash';
import type { ApiServer } from '../server.ts';

const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

const FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ['/', 'index.html', HTML],
  ['/page.css', 'page.css', STYLE],
  ['/crashes.css', 'crashes.css', STYLE],
  ['/incident.css', 'incident.css', STYLE],
  ['/page.js', 'page.js', SCRIPT],
  ['/elements.js', 'elements.js', SCRIPT],
  ['/parts.js', 'parts.js', SCRIPT],
  ['/views.js', 'views.js', SCRIPT],
  ['/fleet.js', 'fleet.js', SCRIPT],
  ['/incidents.js', 'incidents.js', SCRIPT],
  ['/incident.js', 'incident.js', SCRIPT],
  ['/incident-explanation.js', 'incident-explanation.js', SCRIPT],
  ['/incident-hosts.js', 'incident-hosts.js', SCRIPT],
  ['/incident-parts.js', 'incident-parts.js', SCRIPT],
  ['/incident-symptoms.js', 'incident-symptoms.js', SCRIPT],
  ['/crash.js', 'crash.js', SCRIPT],
  ['/crash-groups.js', 'crash-groups.js', SCRIPT],
  ['/crash-rows.js', 'crash-rows.js', SCRIPT],
  ['/crash-log.js', 'crash-log.js', SCRIPT],
  ['/crash-words.js', 'crash-words.js', SCRIPT],
];

/** The page runs its own module and asks its own server, and nothing else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function pageRoutes(app: ApiServer): void {
  for (const [path, file, type] of FILES)
    serve(app, path, type, readFileSync(join(import.meta.dirname, '../../web', file)));
  const words = Buffer.from(JSON.stringify({ types: crashTypes, taints, survived_kinds: [...SURVIVED] }));
  serve(app, '/crash-words.json', 'application/json; charset=utf-8', words);
}

function serve(app: ApiServer, path: string, type: string, content: Buffer): void {
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  app.get(path, { schema: { hide: true } }, async (request, reply) => {
    reply.headers({
      etag,
      'cache-control': 'no-cache',
      'content-security-policy': CONTENT_SECURITY_POLICY,
    });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type(type).send(content);
  });
}
