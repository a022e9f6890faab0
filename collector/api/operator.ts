/**
 * Who may change something: whoever knows the operator's token; where none is configured, whoever is on this machine.
 * Must not know what is changed.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './errors.ts';

const LEAST_TOKEN = 16;

/** The first line of a file. Throws an Error that names the file and the mend, never what is in it. */
export function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new Error(`api.operator_token_file: ${path} cannot be read (${why}): put a token in it`);
  }
  const token = text.split('\n')[0]?.trim() ?? '';
  if (/^[!-~]+$/.test(token) && token.length >= LEAST_TOKEN) return token;
  throw new Error(
    `api.operator_token_file: the first line of ${path} is no token: put ${LEAST_TOKEN} or more letters and digits in it`,
  );
}

/** Checks a request. Throws ApiError `unauthorized` or `forbidden`. */
export function operatorCheck(token: string | undefined): (request: FastifyRequest) => void {
  if (token === undefined) return checkNearby;
  const wanted = digest(token);
  return ({ headers }) => {
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), wanted)) return;
    throw new ApiError(
      'unauthorized',
      given === undefined
        ? 'changes need the operator’s token: send it as "Authorization: Bearer TOKEN"'
        : 'this is not the operator’s token: it stands in the file that api.operator_token_file names',
    );
  };
}

/** Of one length, so that nothing can be learned from how long a comparison takes. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;
const LOCAL_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/**
 * What a proxy on this machine passes on is from elsewhere, and so is a page that calls this machine by its own name, or that
 * says it comes from another site, as browsers do of whatever pages send.
 */
function checkNearby({ socket, headers }: FastifyRequest): void {
  const near = LOOPBACK.test(socket.remoteAddress ?? '') && LOCAL_NAME.test(headers.host ?? '');
  const { origin } = headers;
  const own = origin === undefined || origin.replace(/^https?:\/\//, '') === headers.host;
  if (near && own && FORWARDED.every((name) => headers[name] === undefined)) return;
  throw new ApiError(
    'forbidden',
    'changes are taken from this machine only, over loopback: set api.operator_token_file to take them from elsewhere',
  );
}
