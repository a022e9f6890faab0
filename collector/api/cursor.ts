/** Cursors: where the next page of a list begins, as a text that clients hand back without looking into it. */
import { ApiError } from './errors.ts';
import type { IncidentPosition } from './reader.ts';

const INCIDENT = /^(\d{1,16})\.([\w/-]{1,256})$/;
const HOST = /^[A-Za-z0-9_-]{1,64}$/;

export function writeIncidentCursor({ detectedUs, id }: IncidentPosition): string {
  return encode(`${detectedUs}.${id}`);
}

/** Throws ApiError `invalid_cursor`. */
export function readIncidentCursor(cursor: string): IncidentPosition {
  const [, detected, id] = INCIDENT.exec(decode(cursor)) ?? [];
  const detectedUs = Number(detected);
  if (id === undefined || !Number.isSafeInteger(detectedUs)) throw invalid();
  return { detectedUs, id };
}

export function writeHostCursor(id: string): string {
  return encode(id);
}

/** Throws ApiError `invalid_cursor`. */
export function readHostCursor(cursor: string): string {
  const id = decode(cursor);
  if (!HOST.test(id)) throw invalid();
  return id;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function decode(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString('latin1');
}

function invalid(): ApiError {
  return new ApiError('invalid_cursor', 'this cursor was not given by this list: leave it out to start over');
}
