/** Cursors: where the next page of a list begins, as a text that clients hand back without looking into it. */
import type { CrashPosition, GroupPosition } from './crash-reader.ts';
import { ApiError } from './errors.ts';
import type { IncidentPosition } from './reader.ts';
import type { RegisterPosition } from './register-reader.ts';

/** A time and an id, or a signature. */
const PLACE = /^(\d{1,16})\.([\w/:-]{1,256})$/;
/** Which part of a list, and a place in it. */
const PART = /^(open|over)\.(.+)$/;
const HOST = /^[A-Za-z0-9_-]{1,64}$/;

export function writeIncidentCursor({ isOpen, detectedUs, id }: IncidentPosition): string {
  return encode(`${isOpen ? 'open' : 'over'}.${detectedUs}.${id}`);
}

/** Throws ApiError `invalid_cursor`. */
export function readIncidentCursor(cursor: string): IncidentPosition {
  const [, part, place = ''] = PART.exec(decode(cursor)) ?? [];
  const { us, id } = placeIn(place);
  return { isOpen: part === 'open', detectedUs: us, id };
}

export function writeCrashCursor({ atUs, id }: CrashPosition): string {
  return encode(`${atUs}.${id}`);
}

/** Throws ApiError `invalid_cursor`. */
export function readCrashCursor(cursor: string): CrashPosition {
  const { us, id } = readPlace(cursor);
  return { atUs: us, id };
}

export function writeGroupCursor({ lastUs, signature }: GroupPosition): string {
  return encode(`${lastUs}.${signature}`);
}

/** Throws ApiError `invalid_cursor`. */
export function readGroupCursor(cursor: string): GroupPosition {
  const { us, id } = readPlace(cursor);
  return { lastUs: us, signature: id };
}

export function writeRegisterCursor({ atUs, id }: RegisterPosition): string {
  return encode(`${atUs}.${id}`);
}

/** Throws ApiError `invalid_cursor`. */
export function readRegisterCursor(cursor: string): RegisterPosition {
  const { us, id } = readPlace(cursor);
  return { atUs: us, id };
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

function readPlace(cursor: string): { us: number; id: string } {
  return placeIn(decode(cursor));
}

function placeIn(text: string): { us: number; id: string } {
  const [, time, id] = PLACE.exec(text) ?? [];
  const us = Number(time);
  if (id === undefined || !Number.isSafeInteger(us)) throw invalid();
  return { us, id };
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
